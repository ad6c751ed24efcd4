#include "db/engines/sqlite/file_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "db/database.h"

namespace scoria::db::sqlite {

FileLock::FileLock(const std::string& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) throw Error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const bool named = ::pread(descriptor_, holder, sizeof holder - 1, 0) > 0;
    ::close(descriptor_);
    throw Error(fmt::format("the database is open in another process{}{} (lock file {})", named ? ", pid " : "", holder, path));
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, pid.data(), pid.size(), 0) < 0) {
    // The pid is a hint for whom the lock stops; a full disk must not keep us from starting.
  }
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace scoria::db::sqlite
