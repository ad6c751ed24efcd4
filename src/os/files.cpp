#include "os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>

#include "base/random.h"

namespace scoria::os {
namespace {

constexpr off_t our_byte = 0;
constexpr off_t qemu_first = 100;
constexpr off_t qemu_count = 200;

template <class Call>
auto uninterrupted(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

struct flock byte_range(short kind, off_t first, off_t count) {
  struct flock range {};
  range.l_type = kind;
  range.l_whence = SEEK_SET;
  range.l_start = first;
  range.l_len = count;
  return range;
}

bool range_held(const Fd& fd, off_t first, off_t count) {
  struct flock range = byte_range(F_WRLCK, first, count);
  if (::fcntl(fd.get(), F_OFD_GETLK, &range) != 0) fail("ask for locks on", "an open file");
  return range.l_type != F_UNLCK;
}

/// A write lease is given only when this is the one open of the file, a read lease only when nobody may write to it.
bool lease_refused(const Fd& fd, int kind) {
  // Who opens the file in this very moment breaks the lease: by default that signal would end us.
  if (::fcntl(fd.get(), F_SETSIG, SIGURG) != 0) fail("prepare a lease on", "a file");
  if (::fcntl(fd.get(), F_SETLEASE, kind) != 0) return errno == EAGAIN || errno == EBUSY;
  ::fcntl(fd.get(), F_SETLEASE, F_UNLCK);
  return false;
}

std::string temporary_name(const std::string& name) {
  SystemRandom random;
  return fmt::format(".{}.{:016x}", name, random.next());
}

}  // namespace

void Fd::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

void fail(int error, std::string_view doing, std::string_view what) {
  throw std::system_error(error, std::generic_category(), fmt::format("cannot {} {}", doing, what));
}

void fail(std::string_view doing, std::string_view what) { fail(errno, doing, what); }

Fd open_file(const std::string& path, int flags, unsigned mode) {
  Fd fd(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd) fail("open", path);
  return fd;
}

std::optional<Fd> open_if_there(const std::string& path, int flags) {
  Fd fd(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC); }));
  if (fd) return fd;
  if (errno == ENOENT) return std::nullopt;
  fail("open", path);
}

Fd open_at(const Fd& directory, const std::string& name, int flags, unsigned mode) {
  Fd fd(uninterrupted([&] { return ::openat(directory.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode); }));
  if (!fd) fail("open", name);
  return fd;
}

std::optional<Fd> open_at_if_there(const Fd& directory, const std::string& name, int flags) {
  Fd fd(uninterrupted([&] { return ::openat(directory.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW); }));
  if (fd) return fd;
  if (errno == ENOENT) return std::nullopt;
  fail("open", name);
}

Fd open_directory(const std::string& path) { return open_file(path, O_RDONLY | O_DIRECTORY); }

bool takes_direct_io(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  return static_cast<bool>(fd);
}

struct stat status_of(const Fd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail("look at", "an open file");
  return status;
}

std::optional<struct stat> status_at(const Fd& directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  fail("look at", name);
}

std::string read_all(const Fd& fd, std::size_t limit) {
  std::string out;
  char buffer[16384];
  while (true) {
    const ssize_t got = uninterrupted([&] { return ::read(fd.get(), buffer, sizeof buffer); });
    if (got < 0) fail("read", "a file");
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > limit) fail(EFBIG, "read", "a file");
  }
}

std::string read_file(const std::string& path, std::size_t limit) { return read_all(open_file(path, O_RDONLY), limit); }

void write_all(const Fd& fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t put = uninterrupted([&] { return ::write(fd.get(), data.data(), data.size()); });
    if (put < 0) fail("write", "a file");
    data.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::size_t read_at(const Fd& fd, std::int64_t offset, void* data, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = uninterrupted(
        [&] { return ::pread(fd.get(), static_cast<char*>(data) + done, size - done, offset + static_cast<std::int64_t>(done)); });
    if (got < 0) fail("read", "a file");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void write_at(const Fd& fd, std::int64_t offset, const void* data, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t put = uninterrupted(
        [&] { return ::pwrite(fd.get(), static_cast<const char*>(data) + done, size - done, offset + static_cast<std::int64_t>(done)); });
    if (put < 0) fail("write", "a file");
    done += static_cast<std::size_t>(put);
  }
}

void sync(const Fd& fd) {
  if (uninterrupted([&] { return ::fsync(fd.get()); }) != 0) fail("write to disk", "a file");
}

void write_atomically(const Fd& directory, const std::string& name, std::string_view content, unsigned mode) {
  const std::string temporary = temporary_name(name);
  try {
    const Fd fd = open_at(directory, temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    write_all(fd, content);
    sync(fd);
    if (::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) fail("replace", name);
    sync(directory);
  } catch (const std::system_error&) {
    ::unlinkat(directory.get(), temporary.c_str(), 0);
    throw;
  }
}

void write_file_atomically(const std::string& path, std::string_view content, unsigned mode) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  write_atomically(open_directory(folder), slash == std::string::npos ? path : path.substr(slash + 1), content, mode);
}

bool rename_new(const Fd& from_directory, const std::string& from, const Fd& to_directory, const std::string& to) {
  if (::renameat2(from_directory.get(), from.c_str(), to_directory.get(), to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  fail("rename " + from + " to", to);
}

Fd open_unnamed(const Fd& directory, int flags, unsigned mode) {
  Fd fd(uninterrupted([&] { return ::openat(directory.get(), ".", flags | O_TMPFILE | O_CLOEXEC, mode); }));
  if (!fd) fail("make", "an unnamed file");
  return fd;
}

bool link_unnamed(const Fd& fd, const Fd& directory, const std::string& name) {
  const std::string self = fmt::format("/proc/self/fd/{}", fd.get());
  if (::linkat(AT_FDCWD, self.c_str(), directory.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno == EEXIST) return false;
  fail("name", name);
}

bool link_file(const Fd& from_directory, const std::string& from, const Fd& to_directory, const std::string& to) {
  if (::linkat(from_directory.get(), from.c_str(), to_directory.get(), to.c_str(), 0) == 0) return true;
  if (errno == EEXIST) return false;
  fail("link " + from + " as", to);
}

std::vector<std::string> names_in(const Fd& directory) {
  // A descriptor of its own: the position of a directory stream belongs to the open file.
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) fail("list", "a directory");
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(copy), close);
  if (!stream) {
    ::close(copy);
    fail("list", "a directory");
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) fail("list", "a directory");
  std::sort(names.begin(), names.end());
  return names;
}

void remove_tree(const Fd& directory, const std::string& name) {
  if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) fail("remove", name);
  const std::optional<Fd> inside = open_at_if_there(directory, name, O_RDONLY | O_DIRECTORY);
  if (!inside) return;
  for (const std::string& entry : names_in(*inside)) remove_tree(*inside, entry);
  if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail("remove", name);
}

Duration age(const struct stat& status) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::max(Duration{std::chrono::seconds{now.tv_sec - status.st_mtim.tv_sec}}, Duration::zero());
}

bool try_lock(const Fd& fd) { return try_lock_byte(fd, our_byte); }

bool try_lock_byte(const Fd& fd, std::int64_t offset) {
  struct flock range = byte_range(F_WRLCK, offset, 1);
  if (::fcntl(fd.get(), F_OFD_SETLK, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  fail("lock", "a file");
}

void unlock(const Fd& fd) {
  struct flock range = byte_range(F_UNLCK, our_byte, 1);
  if (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) fail("unlock", "a file");
}

bool locked_by_others(const Fd& fd) { return range_held(fd, our_byte, 1) || range_held(fd, qemu_first, qemu_count); }

bool open_elsewhere(const std::string& path) {
  const Fd fd = open_file(path, O_RDONLY | O_NOFOLLOW);
  return locked_by_others(fd) || lease_refused(fd, F_WRLCK);
}

bool written_elsewhere(const std::string& path) { return lease_refused(open_file(path, O_RDONLY | O_NOFOLLOW), F_RDLCK); }

}  // namespace scoria::os
