#include "exports/strays.h"

#include <fcntl.h>

#include <charconv>
#include <system_error>

#include "os/files.h"

namespace scoria::exports {
namespace {

/// Empty when the process is gone or somebody else's.
std::string content_of(int pid, std::string_view file) {
  try {
    const std::optional<os::Fd> fd = os::open_if_there(fmt::format("/proc/{}/{}", pid, file), O_RDONLY);
    return fd ? os::read_all(*fd) : std::string();
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace

std::string arguments_of(int pid) { return content_of(pid, "cmdline"); }

std::vector<os::Process> processes_with(std::string_view program, std::string_view text) {
  std::vector<os::Process> out;
  for (const std::string& name : os::names_in(os::open_directory("/proc"))) {
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
    // Identity first: what is read afterwards belongs to this process or to none.
    const std::optional<os::Process> process = os::process_of(pid);
    if (!process) continue;
    const std::string arguments = arguments_of(pid);
    const bool ours = arguments.starts_with(program) && arguments.size() > program.size() && arguments[program.size()] == '\0';
    if (ours && (arguments.find(text) != std::string::npos || content_of(pid, "environ").find(text) != std::string::npos)) out.push_back(*process);
  }
  return out;
}

}  // namespace scoria::exports
