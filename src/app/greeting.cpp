#include "app/greeting.h"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "os/process.h"

namespace scoria::app {
namespace {

/// How this program is called from a shell: by its name if that finds it.
std::string own_name() {
  std::error_code unknown;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const auto found = os::find_program("scoria");
  return unknown || (found && std::filesystem::equivalent(*found, self, unknown)) ? "scoria" : self.string();
}

}  // namespace

std::string greeting(const local::FirstStart& first, const std::vector<std::string>& remarks) {
  const std::string& url = first.access.auth_url;
  std::string out = fmt::format("\nScoria serves {}\n", url.substr(0, url.rfind('/')));
  std::string file = first.written_to;
  if (file.empty()) {
    file = "clouds.yaml";
    out += "Keep this as clouds.yaml; it is not shown again:\n\n" + clouds_yaml(first.access);
  } else {
    out += fmt::format("User and password are in {}\n", file);
  }
  const std::string program = own_name();
  // A loop device takes root; a socket does not.
  out += fmt::format(
      "\nNext, in another terminal:\n\n  export OS_CLIENT_CONFIG_FILE={} OS_CLOUD={}\n  {} volume create first --size 1G --wait\n  {} attach "
      "first{}\n\n",
      file, first.access.cloud, program, program, ::geteuid() == 0 ? "" : " --transport nbd+unix");
  for (const std::string& remark : remarks) out += remark + "\n\n";
  return out;
}

}  // namespace scoria::app
