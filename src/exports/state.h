#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "os/fd.h"

namespace scoria::exports {

/// The right to change one thing of this node, against threads and other processes; given back when it goes, also by
/// the death of its holder.
class StateLock {
 public:
  explicit StateLock(os::Fd fd) : fd_(std::move(fd)) {}

 private:
  os::Fd fd_;
};

/// The directory in which this node's exports remember what they serve. Nothing in it is precious: daemons are found by
/// their control sockets, everything else is asked for again by ensure().
class State {
 public:
  State(Clock& clock, std::string directory);

  /// Makes the directory. Records of an earlier boot go: what they name has died, and may belong to others now. Throws
  /// std::system_error.
  void open();
  std::string path(std::string_view relative) const;

  /// Nothing at the deadline.
  std::optional<StateLock> lock(std::string_view key, Deadline deadline) const;

  /// Names of removed exports, which never come back: a late ensure() of somebody who slept must not open the door again.
  bool removed(const std::string& name) const;
  void mark_removed(const std::string& name) const;
  /// Forgets names removed more than `keep` ago.
  void forget_removed(Duration keep) const;

  /// The content of a file below; nothing when absent.
  std::optional<std::string> read(std::string_view relative) const;
  /// Seen whole or not at all, by other processes too; need not survive a power failure.
  void write(std::string_view relative, std::string_view content) const;
  /// Makes a directory below, if it is not there.
  void make_directory(std::string_view relative) const;
  /// Plain names below, sorted; none when the directory is absent.
  std::vector<std::string> names(std::string_view relative) const;
  bool exists(std::string_view relative) const;
  /// A file, or a directory with what is in it.
  void remove(std::string_view relative) const;

 private:
  Clock& clock_;
  const std::string directory_;
};

/// The same number for the same text in every process and version (FNV-1a).
std::uint64_t stable_hash(std::string_view text);
/// [a-zA-Z0-9._-]{1,200} and not "." or "..": such a name can be part of a path.
bool plain_name(std::string_view name);

}  // namespace scoria::exports
