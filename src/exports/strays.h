#pragma once
#include <string_view>
#include <vector>

#include "os/process.h"

namespace scoria::exports {

/// Processes of that program whose arguments or environment contain `text`; those of other users are not seen.
std::vector<os::Process> processes_with(std::string_view program, std::string_view text);

/// A process's command line, each word ended by a NUL; empty when it is gone.
std::string arguments_of(int pid);

}  // namespace scoria::exports
