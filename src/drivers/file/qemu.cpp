#include "drivers/file/qemu.h"

#include <fcntl.h>

#include "drivers/errors.h"
#include "os/files.h"
#include "os/process.h"

namespace scoria::drivers::file {
namespace {

constexpr std::size_t map_limit = std::size_t{256} << 20;

FailureClass class_of(std::string_view errors) {
  if (errors.find("No space left") != std::string_view::npos || errors.find("quota exceeded") != std::string_view::npos) return FailureClass::no_space;
  if (errors.find("lock") != std::string_view::npos) return FailureClass::busy;
  if (errors.find("Permission denied") != std::string_view::npos || errors.find("Read-only") != std::string_view::npos) return FailureClass::permanent;
  return FailureClass::transient;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.substr(0, 500);
}

}  // namespace

DriverResult<std::string> qemu_img(Clock& clock, const Call& call, std::vector<std::string> arguments) {
  if (!os::find_program("qemu-img")) return failed(FailureClass::permanent, "qemu-img is not installed: install the package qemu-utils");
  arguments.insert(arguments.begin(), "qemu-img");
  os::Finished done = os::run(clock, {.arguments = std::move(arguments), .output_limit = map_limit, .stop = call.stop}, call.deadline);
  if (done.stopped) return failed(FailureClass::stopped, "stopped while qemu-img ran");
  if (done.timed_out) return failed(FailureClass::unknown, "qemu-img did not end within the deadline");
  if (done.truncated) return failed(FailureClass::permanent, "qemu-img wrote more than {} bytes", map_limit);
  if (!done.ok()) return failed(class_of(done.errors), "{} (exit code {}, signal {})", one_line(done.errors), done.exit_code, done.signal);
  return std::move(done.output);
}

DriverResult<> make_overlay(Clock& clock, const Call& call, const std::string& folder, const std::string& file, const std::string& base,
                            const std::string& base_format, Bytes size) {
  const std::string path = folder + "/" + file;
  const DriverResult<std::string> made =
      qemu_img(clock, call, {"create", "-q", "-f", "qcow2", "-u", "-b", base, "-F", base_format, path, std::to_string(size.count)});
  if (!made) return failed(made.error());
  os::sync(os::open_file(path, O_RDONLY | O_NOFOLLOW));
  os::sync(os::open_directory(folder));
  return {};
}

}  // namespace scoria::drivers::file
