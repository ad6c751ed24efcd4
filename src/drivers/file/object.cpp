#include "drivers/file/object.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.h"
#include "os/extents.h"

namespace scoria::drivers::file {
namespace {

constexpr Duration abandoned_after = 60s;

std::string hidden_name(std::string_view what, const std::string& name) {
  SystemRandom random;
  return fmt::format(".{}.{}.{:016x}", what, name, random.next());
}

bool same_place(const os::Fd& pool, const std::string& name, const os::Fd& directory) {
  const auto now = os::status_at(pool, name);
  const struct stat then = os::status_of(directory);
  return now && now->st_dev == then.st_dev && now->st_ino == then.st_ino;
}

/// Nothing when the directory was taken away while we looked.
std::optional<Found> look(const os::Fd& pool, const std::string& name, const std::string& deployment) {
  const auto status = os::status_at(pool, name);
  if (!status) return Found{};
  if (!S_ISDIR(status->st_mode)) return Found{.presence = Presence::foreign};
  std::optional<os::Fd> directory = os::open_at_if_there(pool, name, O_RDONLY | O_DIRECTORY);
  if (!directory) return std::nullopt;
  const std::optional<os::Fd> file = os::open_at_if_there(*directory, "object", O_RDONLY);
  if (!same_place(pool, name, *directory)) return std::nullopt;
  if (!file) return Found{.presence = Presence::foreign};
  std::optional<Description> description = parse_description(os::read_all(*file));
  if (!description || description->deployment != deployment) return Found{.presence = Presence::foreign};
  return Found{.presence = description->complete ? Presence::complete : Presence::partial,
               .directory = std::move(*directory),
               .description = std::move(*description)};
}

/// A crash may have come between a renaming and the description that says so. A renamed head gets its old name back; what is
/// merged below a head is so once the merged layer has its name.
void mend(Found& found) {
  if (!found.description.merging.empty()) {
    if (os::status_at(found.directory, merged_name(found.description.layers[1].file))) {
      found.description.merging.clear();
      describe(found.directory, found.description);
    } else {
      finish_merging(found);
    }
  }
  const std::string& head = found.description.head().file;
  if (os::status_at(found.directory, head)) return;
  if (!os::status_at(found.directory, frozen_name(head))) return;
  os::rename_new(found.directory, frozen_name(head), found.directory, head);
  os::sync(found.directory);
}

}  // namespace

Found find_object(const os::Fd& pool, const std::string& name, const std::string& deployment) {
  while (true)
    if (std::optional<Found> found = look(pool, name, deployment)) return std::move(*found);
}

std::string merged_name(const std::string& file) { return file + ".merged"; }

void finish_merging(Found& found) {
  Description& now = found.description;
  now.layers = {now.layers[0], {.file = now.layers[1].file, .format = "qcow2"}, {.file = now.merging, .format = "raw"}};
  now.merging.clear();
  describe(found.directory, now);
}

Bytes size_now(const Found& found) {
  const Layer& head = found.description.head();
  if (head.format != "raw" || found.description.layers.size() != 1) return found.description.size;
  const auto status = os::status_at(found.directory, head.file);
  return status ? Bytes{status->st_size} : found.description.size;
}

os::Fd make_empty_file(const os::Fd& directory, const std::string& name, Bytes size) {
  os::Fd file = os::open_at(directory, name, O_RDWR | O_CREAT | O_EXCL);
  if (::ftruncate(file.get(), size.count) != 0) os::fail("make a volume of that size as", name);
  os::sync(file);
  return file;
}

DriverResult<Locked> lock_object(Clock& clock, const Call& call, const os::Fd& pool, const std::string& name, const std::string& deployment,
                                 Duration patience) {
  const Deadline limit = Deadline::in(clock, patience).sooner(call.deadline);
  while (true) {
    Found found = find_object(pool, name, deployment);
    if (found.presence == Presence::absent) return failed(FailureClass::permanent, "there is no object {} in the pool", name);
    if (found.presence == Presence::foreign) return failed(FailureClass::permanent, "{} in the pool was not made by this deployment", name);
    os::Fd lock = os::open_at(found.directory, "lock", O_RDWR | O_CREAT);
    if (os::try_lock(lock)) {
      if (!same_place(pool, name, found.directory)) continue;
      found = find_object(pool, name, deployment);
      if (found.directory) mend(found);
      return Locked{.lock = std::move(lock), .object = std::move(found)};
    }
    if (limit.passed(clock)) return failed(FailureClass::busy, "{} is being changed by somebody else", name);
    clock.sleep(5ms);
  }
}

std::optional<bool> can_reflink(const os::Fd& pool) {
  SystemRandom random;
  const std::string name = fmt::format(".probe.{:016x}", random.next());
  std::optional<bool> can;
  try {
    const os::Fd source = os::open_at(pool, name, O_RDWR | O_CREAT | O_EXCL);
    const std::string block(4096, 'x');
    os::write_at(source, 0, block.data(), block.size());
    can = os::reflink(source, os::open_at(pool, name + ".copy", O_RDWR | O_CREAT | O_EXCL));
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOSPC && error.code().value() != EDQUOT) throw;
  }
  os::remove_tree(pool, name);
  os::remove_tree(pool, name + ".copy");
  return can;
}

void describe(const os::Fd& directory, const Description& description) { os::write_atomically(directory, "object", to_text(description)); }

Draft::Draft(const os::Fd& pool, std::string name) : pool_(pool), name_(std::move(name)), hidden_(hidden_name("new", name_)) {
  if (::mkdirat(pool.get(), hidden_.c_str(), 0700) != 0) os::fail("make a directory in the pool for", name_);
  directory_ = os::open_at(pool, hidden_, O_RDONLY | O_DIRECTORY);
  lock_ = os::open_at(directory_, "lock", O_RDWR | O_CREAT | O_EXCL);
  if (!os::try_lock(lock_)) os::fail(EBUSY, "lock", name_);
}

bool Draft::publish(const Description& description) {
  FAILPOINT("driver.file.publish.before");
  describe(directory_, description);
  FAILPOINT("driver.file.publish.described");
  if (!os::rename_new(pool_, hidden_, pool_, name_)) {
    discard();
    return false;
  }
  FAILPOINT("driver.file.publish.renamed");
  os::sync(pool_);
  return true;
}

void Draft::discard() { os::remove_tree(pool_, hidden_); }

DriverResult<> erase(const os::Fd& pool, const std::string& name, const Locked& locked, const std::string& path) {
  const Found& found = locked.object;
  const std::string hidden = hidden_name("gone", name);
  FAILPOINT("driver.file.remove.before");
  // First the name, so that nobody opens it from now on; then the look whether somebody had opened it before.
  if (!os::rename_new(pool, name, pool, hidden)) return failed(FailureClass::transient, "{} could not be moved aside", name);
  FAILPOINT("driver.file.remove.renamed");
  const auto head = os::status_at(found.directory, found.description.head().file);
  const bool ours_alone = head && S_ISREG(head->st_mode) && head->st_nlink == 1;
  if (ours_alone && os::open_elsewhere(path + "/" + hidden + "/" + found.description.head().file)) {
    os::rename_new(pool, hidden, pool, name);
    return failed(FailureClass::busy, "{} is open: a host, a copy or another program uses it", name);
  }
  os::sync(pool);
  FAILPOINT("driver.file.remove.synced");
  os::remove_tree(pool, hidden);
  return {};
}

void sweep(const os::Fd& pool) {
  for (const std::string& name : os::names_in(pool)) {
    if (name.starts_with(".probe.")) {
      if (const auto status = os::status_at(pool, name); status && os::age(*status) > abandoned_after) os::remove_tree(pool, name);
    }
    if (!name.starts_with(".new.") && !name.starts_with(".gone.")) continue;
    const auto directory = os::open_at_if_there(pool, name, O_RDONLY | O_DIRECTORY);
    if (!directory) continue;
    const auto lock = os::open_at_if_there(*directory, "lock", O_RDWR);
    if (lock ? os::try_lock(*lock) : os::age(os::status_of(*directory)) > abandoned_after) os::remove_tree(pool, name);
  }
}

}  // namespace scoria::drivers::file
