#include "exports/strays.h"

#include <fcntl.h>

#include <charconv>
#include <system_error>

#include "base/text.h"
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
  const std::string_view short_name = program.substr(program.rfind('/') + 1).substr(0, 15);  // as the kernel keeps it
  for (const std::string& name : os::names_in(os::open_directory("/proc"))) {
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
    // Identity first: what is read afterwards belongs to this process or to none.
    const std::optional<os::Process> process = os::process_of(pid);
    if (!process) continue;
    // Arguments and environment are read under a lock of the other process, which may be starved of CPU while it holds it; its name is not.
    if (std::string_view(trimmed(content_of(pid, "comm"))) != short_name) continue;
    const std::string arguments = arguments_of(pid);
    const bool ours = arguments.starts_with(program) && arguments.size() > program.size() && arguments[program.size()] == '\0';
    if (ours && (arguments.find(text) != std::string::npos || content_of(pid, "environ").find(text) != std::string::npos)) out.push_back(*process);
  }
  return out;
}

}  // namespace scoria::exports
