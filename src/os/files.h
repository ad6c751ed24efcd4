#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include "base/time.h"
#include "os/fd.h"

/// Files and directories. Failures throw std::system_error with path and reason; what may well be absent or present
/// comes back as a value. `at` functions take one plain name below a directory and never follow a symbolic link.
namespace scoria::os {

Fd open_file(const std::string& path, int flags, unsigned mode = 0600);
/// Nothing when the path does not exist.
std::optional<Fd> open_if_there(const std::string& path, int flags);
Fd open_at(const Fd& directory, const std::string& name, int flags, unsigned mode = 0600);
std::optional<Fd> open_at_if_there(const Fd& directory, const std::string& name, int flags);
/// A directory by path (links in the path are followed: it is the operator's).
Fd open_directory(const std::string& path);

/// Can the file be read and written past the page cache (O_DIRECT)?
bool takes_direct_io(const std::string& path);

struct stat status_of(const Fd& fd);
/// Of the name itself, a link is not followed; nothing when absent.
std::optional<struct stat> status_at(const Fd& directory, const std::string& name);

/// The whole content; more than `limit` bytes is EFBIG.
std::string read_all(const Fd& fd, std::size_t limit = std::size_t{1} << 20);
std::string read_file(const std::string& path, std::size_t limit = std::size_t{1} << 20);
void write_all(const Fd& fd, std::string_view data);
/// Reads up to `size` bytes at `offset`: fewer only at the end of the file.
std::size_t read_at(const Fd& fd, std::int64_t offset, void* data, std::size_t size);
void write_at(const Fd& fd, std::int64_t offset, const void* data, std::size_t size);

/// Data and metadata are on disk after this (fsync; of a directory: its entries).
void sync(const Fd& fd);
/// Replaces (or makes) a file in one step that survives a crash: a reader sees all of the old or all of the new.
void write_atomically(const Fd& directory, const std::string& name, std::string_view content, unsigned mode = 0600);
void write_file_atomically(const std::string& path, std::string_view content, unsigned mode = 0600);

/// Renames without ever replacing: false when `to` exists. Sync the directory to make it durable.
bool rename_new(const Fd& from_directory, const std::string& from, const Fd& to_directory, const std::string& to);
/// A file without a name yet, on the directory's file system: nothing is left of it if the process dies.
Fd open_unnamed(const Fd& directory, int flags, unsigned mode = 0600);
/// Gives an unnamed (or any open) file a name, exclusively: false when the name exists.
bool link_unnamed(const Fd& fd, const Fd& directory, const std::string& name);
/// Another name for an existing file; false when the new name exists.
bool link_file(const Fd& from_directory, const std::string& from, const Fd& to_directory, const std::string& to);

/// Names in a directory, sorted, without "." and "..".
std::vector<std::string> names_in(const Fd& directory);
/// Removes a name and, if it is a directory, what is below; never follows links. Absent is success.
void remove_tree(const Fd& directory, const std::string& name);
/// How long ago the file was last written, by the wall clock; never negative.
Duration age(const struct stat& status);

/// An advisory exclusive lock on an open file (open file description lock, one byte away from those that qemu uses).
/// It lives as long as the descriptor: a killed process loses it at once, a stopped one keeps it. False when another has it.
bool try_lock(const Fd& fd);
void unlock(const Fd& fd);
/// The same for any one byte, which need not exist in the file.
bool try_lock_byte(const Fd& fd, std::int64_t offset);
/// Somebody holds qemu's image locks (bytes 100 to 299) or ours on that file, through another open.
bool locked_by_others(const Fd& fd);
/// Somebody has the file open through another open, in this or another process or the kernel (a loop device). Needs the
/// file's owner or CAP_LEASE; where leases do not work (network file systems) it tells what locked_by_others() tells.
bool open_elsewhere(const std::string& path);
/// The same for opens that may write.
bool written_elsewhere(const std::string& path);

}  // namespace scoria::os
