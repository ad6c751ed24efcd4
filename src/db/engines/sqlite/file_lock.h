#pragma once
#include <string>

namespace scoria::db::sqlite {

/// Holds `path` locked against other processes (and other holders in this one) while it lives; the kernel lets go if
/// the process dies. The file is never unlinked: a second holder could lock a new one beside the old.
class FileLock {
 public:
  /// Throws Error naming the holder's process if it is taken.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace scoria::db::sqlite
