#include "drivers/conformance/subjects.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "drivers/file/file.h"
#include "os/files.h"

namespace scoria::drivers::conformance {
namespace {

class ArrayIo final : public ObjectIo {
 public:
  explicit ArrayIo(std::shared_ptr<fake::Array> array) : array_(std::move(array)) {}

  void write(const Location& at, const Content& blocks) override {
    for (const auto& [block, value] : blocks)
      if (!array_->write(object_at(at), block, static_cast<std::uint64_t>(value), "kit")) throw std::runtime_error("the array does not let us write to " + at.path);
  }

  Content read(const Location& at, Bytes size) override {
    const std::shared_ptr<const fake::Object> object = array_->object(object_at(at));
    if (object == nullptr) throw std::runtime_error("the array has no " + at.path);
    Content out;
    for (const auto& [block, written] : object->blocks) {
      if (block * block_size >= size.count) throw std::runtime_error(fmt::format("{} has data beyond its end", at.path));
      if (written.content != 0) out[block] = static_cast<int>(written.content);
    }
    return out;
  }

 private:
  static ObjectRef object_at(const Location& at) {
    const std::size_t slash = at.path.find('/');
    return {.pool = at.path.substr(0, slash), .name = at.path.substr(slash + 1)};
  }

  std::shared_ptr<fake::Array> array_;
};

std::string text(const Options& options, const std::string& key, const std::string& fallback) {
  const auto found = options.find(key);
  return found == options.end() ? fallback : found->second;
}

std::int64_t number(const Options& options, const std::string& key, std::int64_t fallback) {
  const auto found = options.find(key);
  if (found == options.end()) return fallback;
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), out);
  if (error != std::errc{} || end != found->second.data() + found->second.size() || out < 0)
    throw std::invalid_argument(fmt::format("option {}: '{}' is not a number", key, found->second));
  return out;
}

/// Takes every byte that is left, by real blocks.
std::function<void()> fill_directory(const std::string& directory) {
  const std::string path = directory + "/.filler";
  const os::Fd file = os::open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  std::int64_t size = 0;
  for (std::int64_t step = 64 * mib; step >= 4096;) {
    if (::posix_fallocate(file.get(), size, step) == 0) size += step;
    else step /= 2;
  }
  return [path] { ::unlink(path.c_str()); };
}

std::shared_ptr<fake::Array> make_array(Clock& clock, const Options& options) {
  // Shared by all drivers of the subject, so it lives as long as the last of them.
  static SystemRandom random;
  const Bytes unit{number(options, "unit", mib)};
  fake::ArrayOptions array{.pools = {{.name = "one", .allocation_unit = unit, .minimum_size = unit}, {.name = "two", .allocation_unit = unit, .minimum_size = unit}},
                           .copy_rate = number(options, "copy_rate", 0),
                           .copy_chunk = {mib},
                           .linked_clones = text(options, "linked", "no") == "yes",
                           .keep_log = false};
  return std::make_shared<fake::Array>(clock, random, array);
}

Subject array_subject(Clock& clock, std::shared_ptr<fake::Array> array, std::string name, std::string failpoints, std::function<std::unique_ptr<Driver>()> make) {
  return {.name = std::move(name),
          .clock = &clock,
          .make = std::move(make),
          .io = make_array_io(array),
          .in_memory = true,
          .failpoints = std::move(failpoints),
          .contents = [array](const std::string& pool) { return array->names(pool); }};
}

}  // namespace

std::shared_ptr<ObjectIo> make_array_io(std::shared_ptr<fake::Array> array) { return std::make_shared<ArrayIo>(std::move(array)); }

Subject file_subject(Clock& clock, const Options& options) {
  file::FileOptions file{.deployment = "conformance", .layer_limit = static_cast<int>(number(options, "layer_limit", 8)),
                         .allow_reflink = text(options, "reflink", "yes") == "yes"};
  std::map<std::string, std::string> directories;
  const auto range = options.equal_range("directory");
  for (auto at = range.first; at != range.second; ++at) {
    const std::string name = fmt::format("pool{}", file.pools.size() + 1);
    file.pools.push_back({.name = name, .directory = at->second, .allocation_unit = {number(options, "unit", mib)}, .minimum_size = {number(options, "minimum", mib)}});
    directories[name] = at->second;
  }
  if (file.pools.empty()) throw std::invalid_argument("the driver 'file' needs --option directory=PATH, best twice");
  Subject out{.name = "file", .clock = &clock, .io = make_file_io(clock), .failpoints = "driver.file."};
  out.make = [&clock, file] { return file::make_file_driver(clock, file); };
  out.contents = [directories](const std::string& pool) { return os::names_in(os::open_directory(directories.at(pool))); };
  out.make_foreign = [directories](const std::string& pool, const std::string& name) {
    const std::string path = directories.at(pool) + "/" + name;
    if (::symlink("/etc", path.c_str()) != 0 && errno != EEXIST) os::fail("make a link called", name);
    return [path] { ::unlink(path.c_str()); };
  };
  if (text(options, "small", "no") == "yes") out.fill_up = [directories](const std::string& pool) { return fill_directory(directories.at(pool)); };
  return out;
}

Subject fake_subject(Clock& clock, const Options& options) {
  const auto array = make_array(clock, options);
  return array_subject(clock, array, "fake", "driver.fake.", [array] { return fake::make_fake_driver(array, "node"); });
}

Subject broken_subject(Clock& clock, const Options& options) {
  const auto array = make_array(clock, options);
  const int mutant = static_cast<int>(number(options, "mutant", 0));
  if (mutant < 1 || static_cast<std::size_t>(mutant) > mutants().size()) throw std::invalid_argument(fmt::format("option mutant: 1 to {}", mutants().size()));
  return array_subject(clock, array, fmt::format("broken driver {} ({})", mutant, mutants()[static_cast<std::size_t>(mutant) - 1].mistake), "driver.broken.",
                       [array, mutant] { return make_broken_driver(array, mutant); });
}

}  // namespace scoria::drivers::conformance
