#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "os/fd.h"

/// Other programs: always an argument vector, never a shell; no descriptor of ours leaks into them.
namespace scoria::os {

/// Where a program is: searched in PATH and the usual folders unless the name has a slash. Nothing when it is nowhere.
std::optional<std::string> find_program(const std::string& name);

/// A descriptor of ours that the program gets under a number it expects.
struct Passed {
  int ours = -1;
  int theirs = -1;  // > 2
};

struct Command {
  std::vector<std::string> arguments;           // the first is the program, searched in PATH unless it has a slash
  std::vector<std::string> environment = {};    // NAME=value, added to PATH, HOME and LANG=C.UTF-8; nothing else is inherited
  std::string input = {};                       // what it reads on standard input
  std::size_t output_limit = std::size_t{1} << 20;  // kept of each stream; the rest is read and thrown away
  std::vector<Passed> descriptors = {};
  std::function<bool()> stop = {};              // asked ten times a second; true ends the program
};

struct Finished {
  int exit_code = -1;  // -1 when it was ended by a signal
  int signal = 0;
  bool timed_out = false;
  bool stopped = false;
  bool truncated = false;  // more output than the limit
  std::string output;
  std::string errors;
  bool ok() const { return exit_code == 0; }
};

/// Runs a program to its end. At the deadline, or when stop says so, its whole process group is killed, as it is when
/// this thread or process dies: a tool never outlives who asked for it. Throws when it cannot be started.
Finished run(const Clock& clock, const Command& command, Deadline deadline);

/// A process, told apart from a later one with the same number by its start time.
struct Process {
  pid_t pid = 0;
  std::uint64_t started = 0;  // ticks since boot, field 22 of /proc/pid/stat
  bool operator==(const Process&) const = default;
};

/// Starts a daemon that outlives us: a session of its own, files it makes are its owner's only, standard output and error appended to `log` (empty: thrown
/// away). Throws when the program cannot be executed.
Process start_daemon(const Command& command, const std::string& log);
/// The process with that number now; nothing when there is none (one that only waits to be reaped counts as none).
std::optional<Process> process_of(pid_t pid);
bool alive(const Process& process);
/// Sends a signal to exactly that process; false when it is gone.
bool send_signal(const Process& process, int signal);
/// Waits until it is gone; false at the deadline.
bool wait_gone(const Clock& clock, const Process& process, Deadline deadline);

}  // namespace scoria::os
