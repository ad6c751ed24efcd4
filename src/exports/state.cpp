#include "exports/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "os/files.h"

namespace scoria::exports {
namespace {

constexpr std::string_view removed_folder = "removed";

/// FNV-1a of 62 bits: every key has its own byte of the lock file.
off_t byte_of(std::string_view key) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<off_t>(hash & 0x3fffffffffffffffULL);
}

}  // namespace

bool plain_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." && std::all_of(name.begin(), name.end(), allowed);
}

State::State(Clock& clock, std::string directory) : clock_(clock), directory_(std::move(directory)) {}

void State::open() {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) os::fail(error.value(), "make", directory_);
  if (::chmod(directory_.c_str(), 0700) != 0) os::fail("protect", directory_);
  make_directory(removed_folder);
}

std::string State::path(std::string_view relative) const { return directory_ + "/" + std::string(relative); }

std::optional<StateLock> State::lock(std::string_view key, Deadline deadline) const {
  os::Fd fd = os::open_file(path("locks"), O_RDWR | O_CREAT);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = byte_of(key);
  range.l_len = 1;
  while (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) {
    if (errno != EAGAIN && errno != EACCES) os::fail("lock", path("locks"));
    if (deadline.passed(clock_)) return std::nullopt;
    clock_.sleep(2ms);
  }
  return StateLock(std::move(fd));
}

bool State::removed(const std::string& name) const { return ::access(path("removed/" + name).c_str(), F_OK) == 0; }

void State::mark_removed(const std::string& name) const {
  os::open_file(path("removed/" + name), O_WRONLY | O_CREAT);
}

void State::forget_removed(Duration keep) const {
  const os::Fd folder = os::open_directory(path(removed_folder));
  for (const std::string& name : os::names_in(folder)) {
    const std::optional<struct stat> status = os::status_at(folder, name);
    if (status && os::age(*status) > keep) os::remove_tree(folder, name);
  }
}

std::optional<std::string> State::read(std::string_view relative) const {
  const std::optional<os::Fd> fd = os::open_if_there(path(relative), O_RDONLY);
  if (!fd) return std::nullopt;
  return os::read_all(*fd);
}

void State::write(std::string_view relative, std::string_view content) const {
  static std::atomic<unsigned> counter{0};
  const std::string target = path(relative);
  const std::string fresh = fmt::format("{}.{}.{}", target, ::getpid(), counter.fetch_add(1));
  os::write_all(os::open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC), content);
  if (::rename(fresh.c_str(), target.c_str()) != 0) os::fail("replace", target);
}

void State::make_directory(std::string_view relative) const {
  if (::mkdir(path(relative).c_str(), 0700) != 0 && errno != EEXIST) os::fail("make", path(relative));
}

std::vector<std::string> State::names(std::string_view relative) const {
  if (::access(path(relative).c_str(), F_OK) != 0) return {};
  return os::names_in(os::open_directory(path(relative)));
}

void State::remove(std::string_view folder, const std::string& name) const { os::remove_tree(os::open_directory(path(folder)), name); }

}  // namespace scoria::exports
