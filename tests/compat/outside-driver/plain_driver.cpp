// A driver as somebody outside Scoria would write one: a directory of plain files, one for each object. It shows the least
// that a driver must do, and how little of Scoria it needs: drivers/driver.h, drivers/errors.h, drivers/names.h.
#include <base/random.h>
#include <drivers/conformance/kit.h>
#include <drivers/errors.h>
#include <drivers/names.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

namespace plain {

using namespace scoria;
using namespace scoria::drivers;
namespace fs = std::filesystem;

constexpr Bytes unit{mib};

class LeasedFile {
 public:
  explicit LeasedFile(const std::string& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~LeasedFile() { ::close(number_); }
  // The signal that tells of a broken lease must be one that is ignored.
  bool quiet() const { return ::fcntl(number_, F_SETSIG, SIGURG) == 0 && ::fcntl(number_, F_SETLEASE, F_RDLCK) == 0; }

 private:
  int number_;
};

class PlainDriver final : public Driver, public Extends, public Snapshots {
 public:
  PlainDriver(Clock& clock, std::string directory) : clock_(clock), directory_(std::move(directory)) {}

  std::string vendor() const override { return "Example"; }

  DriverResult<> check(const Call&) override {
    if (!fs::is_directory(directory_)) return failed(FailureClass::transient, "{} is no directory", directory_);
    // What a crash left half made has a name that no object can have.
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_))
      if (entry.path().filename().string().starts_with(".")) fs::remove(entry.path());
    return {};
  }

  DriverResult<std::vector<PoolReport>> pools(const Call&) override {
    const fs::space_info space = fs::space(directory_);
    return std::vector<PoolReport>{{.name = "plain",
                                    .total = Bytes{static_cast<std::int64_t>(space.capacity)},
                                    .free = Bytes{static_cast<std::int64_t>(space.available)},
                                    .allocation_unit = unit,
                                    .minimum_size = unit}};
  }

  DriverResult<Probe> probe(const Call& call, const ObjectRef& object) override {
    if (DriverResult<> sane = sensible(call, object); !sane) return failed(sane.error());
    const std::optional<Bytes> size = if_there(object);  // one look: it may go at any moment
    return size ? Probe{.presence = Presence::complete, .size = *size} : Probe{};
  }

  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override {
    if (DriverResult<> sane = sensible(call, object, size); !sane) return sane;
    if (fs::exists(path(object))) return same_size(object, size);
    const std::string draft = draft_path();
    std::ofstream(draft).flush();
    return guarded([&] { return show(draft, object, size); });
  }

  DriverResult<> remove(const Call& call, const ObjectRef& object) override {
    if (DriverResult<> sane = sensible(call, object); !sane) return sane;
    if (::unlink(path(object).c_str()) != 0 && errno != ENOENT) return failed(FailureClass::transient, "cannot remove {}", object.name);
    return {};
  }

  DriverResult<std::vector<std::string>> list(const Call&, std::string_view pool, std::string_view after, std::size_t limit) override {
    if (pool != "plain") return failed(FailureClass::permanent, "there is no pool '{}'", pool);
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) names.insert(entry.path().filename().string());
    std::vector<std::string> out;
    for (const std::string& name : names)
      if (name > after && valid_name(name) && out.size() < limit) out.push_back(name);
    return out;
  }

  DriverResult<Location> locate(const Call& call, const ObjectRef& object) override {
    if (DriverResult<> there = existing(call, object); !there) return failed(there.error());
    return Location{.protocol = "file", .path = path(object), .format = "raw"};
  }

  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override {
    if (DriverResult<> sane = sensible(call, object, size); !sane) return sane;
    if (DriverResult<> there = existing(call, object); !there) return there;
    if (size > size_of(object)) fs::resize_file(path(object), static_cast<std::uintmax_t>(size.count));
    return {};
  }

  DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& target) override {
    if (DriverResult<> there = existing(call, source); !there) return there;
    return copied(call, source, target, size_of(source), "snapshot");
  }

  DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) override {
    if (DriverResult<> there = existing(call, source); !there) return there;
    if (DriverResult<> sane = sensible(call, target, size); !sane) return sane;
    if (size < size_of(source)) return failed(FailureClass::permanent, "{} bytes cannot hold {}", size.count, source.name);
    return copied(call, source, target, size, "clone");
  }

 private:
  std::string path(const ObjectRef& object) const { return directory_ + "/" + object.name; }
  std::string draft_path() {
    SystemRandom random;
    return fmt::format("{}/.{:016x}", directory_, random.next());
  }
  std::optional<Bytes> if_there(const ObjectRef& object) const {
    std::error_code gone;
    const auto size = fs::file_size(path(object), gone);
    if (gone) return std::nullopt;
    return Bytes{static_cast<std::int64_t>(size)};
  }
  Bytes size_of(const ObjectRef& object) const { return if_there(object).value_or(Bytes{}); }

  DriverResult<> sensible(const Call& call, const ObjectRef& object, Bytes size = unit) const {
    if (call.deadline.passed(clock_)) return failed(FailureClass::transient, "too late");
    if (call.should_stop()) return failed(FailureClass::stopped, "stopped");
    if (object.pool != "plain") return failed(FailureClass::permanent, "there is no pool '{}'", object.pool);
    if (!valid_name(object.name)) return failed(FailureClass::permanent, "'{}' is no name", object.name);
    if (size.count <= 0 || size.count % unit.count != 0) return failed(FailureClass::permanent, "{} is no multiple of {}", size.count, unit.count);
    return {};
  }

  DriverResult<> existing(const Call& call, const ObjectRef& object) const {
    if (DriverResult<> sane = sensible(call, object); !sane) return sane;
    if (!fs::exists(path(object))) return failed(FailureClass::permanent, "there is no {}", object.name);
    return {};
  }

  DriverResult<> same_size(const ObjectRef& object, Bytes size) const {
    const std::optional<Bytes> found = if_there(object);
    if (!found) return failed(FailureClass::transient, "{} has just been removed", object.name);
    if (*found == size) return {};
    return failed(FailureClass::permanent, "{} exists with another size", object.name);
  }

  /// Sizes the draft and gives it its name, which must be free: an object is whole from the moment it can be seen.
  DriverResult<> show(const std::string& draft, const ObjectRef& object, Bytes size) {
    if (::truncate(draft.c_str(), size.count) != 0) {
      const int error = errno;
      ::unlink(draft.c_str());
      throw std::system_error(error, std::generic_category(), "cannot size " + object.name);
    }
    const int linked = ::link(draft.c_str(), path(object).c_str());
    const int error = errno;
    ::unlink(draft.c_str());
    if (linked == 0) return {};
    if (error == EEXIST) return same_size(object, size);
    throw std::system_error(error, std::generic_category(), "cannot name " + object.name);
  }

  /// Where a file came from is kept in an attribute of the file itself, so that a second call knows its own work.
  static std::string made_from(const std::string& file);
  static void note(const std::string& file, const std::string& text);

  DriverResult<> copied(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size, const std::string& how) {
    if (DriverResult<> sane = sensible(call, target); !sane) return sane;
    const std::string origin = how + " " + source.name;
    if (fs::exists(path(target))) {
      if (made_from(path(target)) != origin) return failed(FailureClass::permanent, "{} exists and is no {} of {}", target.name, how, source.name);
      return same_size(target, size);
    }
    // A copy takes a while, so it is of one moment only if nobody writes: a read lease is refused while somebody has the file
    // open for writing, and makes who opens it meanwhile wait until we close it.
    const LeasedFile file(path(source));
    if (!file.quiet()) return failed(FailureClass::busy, "{} is in use: detach it first", source.name);
    const std::string draft = draft_path();
    fs::copy_file(path(source), draft);
    note(draft, origin);
    return guarded([&] { return show(draft, target, size); });
  }

  Clock& clock_;
  const std::string directory_;
};

}  // namespace plain

std::string plain::PlainDriver::made_from(const std::string& file) {
  char text[256] = {};
  const ssize_t size = ::getxattr(file.c_str(), "user.origin", text, sizeof text);
  return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

void plain::PlainDriver::note(const std::string& file, const std::string& text) {
  if (::setxattr(file.c_str(), "user.origin", text.data(), text.size(), 0) != 0) throw std::system_error(errno, std::generic_category(), "setxattr");
}

int main(int argc, char** argv) {
  using namespace scoria::drivers::conformance;
  const auto subject = [](scoria::Clock& clock, const Options& options) {
    const auto directory = options.find("directory");
    if (directory == options.end()) throw std::invalid_argument("the driver 'plain' needs --option directory=PATH");
    Subject out{.name = "plain", .clock = &clock, .io = make_file_io(clock)};
    out.make = [&clock, path = directory->second] { return std::make_unique<plain::PlainDriver>(clock, path); };
    return out;
  };
  return command(argc, argv, {{"plain", subject}});
}
