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
/// Clients may reach the sockets that are theirs; each file says itself who may use it.
constexpr mode_t folder_mode = 0711;

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

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
  if (::chmod(directory_.c_str(), folder_mode) != 0) os::fail("protect", directory_);
  make_directory(removed_folder);
  const auto alone = lock("open", Deadline::in(clock_, 10s));
  const std::string boot = os::read_file("/proc/sys/kernel/random/boot_id");
  if (read("boot").value_or(boot) != boot)
    for (const std::string_view folder : {"nbd", "iscsi", "local", "portals"}) remove(folder);
  write("boot", boot);
}

std::string State::path(std::string_view relative) const { return directory_ + "/" + std::string(relative); }

std::optional<StateLock> State::lock(std::string_view key, Deadline deadline) const {
  os::Fd fd = os::open_file(path("locks"), O_RDWR | O_CREAT);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(stable_hash(key) >> 2);  // every key has its own byte of the file
  range.l_len = 1;
  while (::fcntl(fd.get(), F_OFD_SETLK, &range) != 0) {
    if (errno != EAGAIN && errno != EACCES) os::fail("lock", path("locks"));
    if (deadline.passed(clock_)) return std::nullopt;
    clock_.sleep(2ms);
  }
  return StateLock(std::move(fd));
}

bool State::removed(const std::string& name) const { return exists("removed/" + name); }

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
  if (::mkdir(path(relative).c_str(), folder_mode) != 0 && errno != EEXIST) os::fail("make", path(relative));
}

std::vector<std::string> State::names(std::string_view relative) const {
  if (!exists(relative)) return {};
  return os::names_in(os::open_directory(path(relative)));
}

bool State::exists(std::string_view relative) const { return ::access(path(relative).c_str(), F_OK) == 0; }

void State::remove(std::string_view relative) const {
  if (!exists(relative)) return;
  const std::size_t slash = relative.rfind('/');
  const std::string folder = slash == std::string_view::npos ? directory_ : path(relative.substr(0, slash));
  os::remove_tree(os::open_directory(folder), std::string(relative.substr(slash == std::string_view::npos ? 0 : slash + 1)));
}

}  // namespace scoria::exports
