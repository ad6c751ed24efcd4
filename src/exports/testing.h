#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "base/clock.h"
#include "exports/exports.h"
#include "os/files.h"
#include "os/process.h"

namespace scoria::exports {

/// A directory of its own with volumes and a state directory, for tests; the exports made in it are removed at the end.
class ExportsTest : public ::testing::Test {
 protected:
  ExportsTest() {
    char pattern[] = "/tmp/exports.XXXXXX";
    folder = ::mkdtemp(pattern);
    options.state_directory = folder + "/s";
    options.deployment = "t" + folder.substr(folder.size() - 6);
    for (char& c : options.deployment) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    options.nbd_first_port = 21000 + ::getpid() % 8000;
    options.nbd_last_port = options.nbd_first_port + 50;
  }

  ~ExportsTest() override {
    if (exports) {
      const auto listed = exports->list(call());
      EXPECT_TRUE(listed.has_value());
      for (const Exports::Listed& item : listed.value_or(std::vector<Exports::Listed>())) {
        const auto removed = exports->remove(call(), item.name);
        EXPECT_TRUE(removed.has_value()) << removed.error().message;
      }
      exports->stop();
    }
    os::remove_tree(os::open_directory("/tmp"), folder.substr(5));
  }

  void start() {
    exports = std::make_unique<Exports>(clock, options);
    ASSERT_TRUE(exports->start().has_value());
  }

  /// The service dies and comes back; daemons and devices stay.
  void restart() {
    exports->stop();
    exports.reset();
    start();
  }

  Call call(Duration time = 20s) { return {.deadline = Deadline::in(clock, time)}; }

  drivers::Location raw(const std::string& name, std::int64_t size = 16 * mib) const {
    const os::Fd file = os::open_file(folder + "/" + name, O_RDWR | O_CREAT);
    EXPECT_EQ(::ftruncate(file.get(), size), 0);
    return {.protocol = "file", .path = folder + "/" + name, .format = "raw"};
  }

  drivers::Location qcow2(const std::string& name, const std::string& size_or_base, bool overlay = false) {
    const std::string path = folder + "/" + name;
    std::vector<std::string> make{"qemu-img", "create", "-q", "-f", "qcow2"};
    if (overlay) make.insert(make.end(), {"-b", size_or_base, "-F", "raw", path});
    else make.insert(make.end(), {path, size_or_base});
    EXPECT_TRUE(os::run(clock, {.arguments = make}, Deadline::in(clock, 20s)).ok());
    return {.protocol = "file", .path = path, .format = "qcow2", .write_through = true};
  }

  static ExportSpec spec(const std::string& name, const drivers::Location& location, const std::string& transport) {
    return {.name = name, .volume_id = "vol-" + location.path.substr(location.path.rfind('/') + 1), .location = location,
            .connector = {.transport = transport}};
  }

  static std::string text(const Connection& connection, const std::string& key) {
    for (const auto& [name, value] : connection.text)
      if (name == key) return value;
    return {};
  }

  /// Runs qemu-io commands on a URI or device; true if all worked and no pattern differed.
  bool io(const std::string& target, const std::vector<std::string>& commands, bool read_only = false) {
    std::vector<std::string> arguments{"qemu-io", "-f", "raw", "-d", "unmap"};
    if (read_only) arguments.emplace_back("-r");
    for (const std::string& command : commands) arguments.insert(arguments.end(), {"-c", command});
    arguments.push_back(target);
    const os::Finished out = os::run(clock, {.arguments = arguments}, Deadline::in(clock, 20s));
    said = out.output + out.errors;
    return out.ok() && said.find("failed") == std::string::npos && said.find("error") == std::string::npos;
  }

  SystemClock clock;
  std::string folder, said;
  Options options;
  std::unique_ptr<Exports> exports;
};

}  // namespace scoria::exports
