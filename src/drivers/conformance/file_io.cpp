#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "drivers/conformance/subject.h"
#include "os/extents.h"
#include "os/files.h"
#include "os/process.h"

namespace scoria::drivers::conformance {
namespace {

class OpenFile final : public OpenObject {
 public:
  explicit OpenFile(const std::string& path) : file_(os::open_file(path, O_RDWR)) {}
  void write(std::int64_t block, int value) override {
    const std::string data(static_cast<std::size_t>(block_size), static_cast<char>(value));
    os::write_at(file_, block * block_size, data.data(), data.size());
  }

 private:
  os::Fd file_;
};

class FileIo final : public ObjectIo {
 public:
  explicit FileIo(Clock& clock) : clock_(clock) {}

  void write(const Location& at, const Content& blocks) override {
    require_file(at);
    if (at.format != "raw") return write_by_qemu(at, blocks);
    const os::Fd file = os::open_file(at.path, O_RDWR);
    std::string data(static_cast<std::size_t>(block_size), 0);
    for (const auto& [block, value] : blocks) {
      std::memset(data.data(), value, data.size());
      os::write_at(file, block * block_size, data.data(), data.size());
    }
    os::sync(file);
  }

  Content read(const Location& at, Bytes size) override {
    require_file(at);
    if (at.format == "raw") return read_raw(at.path, size);
    char path[] = "/tmp/scoria-conformance-XXXXXX";
    const os::Fd made(::mkostemp(path, O_CLOEXEC));
    if (!made) os::fail("make", path);
    // -n: into the file just made, which must have its size.
    if (::ftruncate(made.get(), size.count) != 0) os::fail("size", path);
    const os::Finished done = tool({"qemu-img", "convert", "-U", "-n", "-f", at.format, "-O", "raw", at.path, path});
    const Content out = done.ok() ? read_raw(path, size) : Content{};
    ::unlink(path);
    if (!done.ok()) throw std::runtime_error("qemu-img convert: " + done.errors);
    return out;
  }

  std::unique_ptr<OpenObject> open(const Location& at) override {
    return at.protocol == "file" && at.format == "raw" ? std::make_unique<OpenFile>(at.path) : nullptr;
  }
  std::shared_ptr<void> use(const Location& at) override {
    require_file(at);
    return std::make_shared<os::Fd>(os::open_file(at.path, O_RDWR));
  }

 private:
  static void require_file(const Location& at) {
    if (at.protocol != "file") throw std::runtime_error("the kit cannot read the protocol '" + at.protocol + "': give it an ObjectIo of your own");
  }

  os::Finished tool(std::vector<std::string> arguments) const { return os::run(clock_, {.arguments = std::move(arguments)}, Deadline::in(clock_, 60s)); }

  void write_by_qemu(const Location& at, const Content& blocks) const {
    std::vector<std::string> arguments{"qemu-io", "-f", at.format};
    for (const auto& [block, value] : blocks) {
      arguments.emplace_back("-c");
      arguments.push_back(fmt::format("write -P {} {} {}", value, block * block_size, block_size));
    }
    arguments.push_back(at.path);
    const os::Finished done = tool(std::move(arguments));
    if (!done.ok() || done.output.find("failed") != std::string::npos) throw std::runtime_error("qemu-io: " + done.errors + done.output);
  }

  static int value_of(const std::string& data, std::size_t got) {
    const bool uniform = got == data.size() && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0;
    return uniform ? static_cast<unsigned char>(data.front()) : -1;
  }

  static Content read_raw(const std::string& path, Bytes size) {
    const os::Fd file = os::open_file(path, O_RDONLY);
    if (os::status_of(file).st_size < size.count) throw std::runtime_error(path + " is shorter than the driver says");
    Content out;
    std::string data(static_cast<std::size_t>(block_size), 0);
    for (std::int64_t at = 0; at < size.count;) {
      const auto run = os::next_data(file, at);
      if (!run) break;
      at = run->offset / block_size * block_size;
      for (; at < run->offset + run->length && at < size.count; at += block_size) {
        data.resize(static_cast<std::size_t>(std::min(block_size, size.count - at)));
        const int value = value_of(data, os::read_at(file, at, data.data(), data.size()));
        if (value != 0) out[at / block_size] = value;
      }
    }
    return out;
  }

  Clock& clock_;
};

}  // namespace

std::unique_ptr<ObjectIo> make_file_io(Clock& clock) { return std::make_unique<FileIo>(clock); }

}  // namespace scoria::drivers::conformance
