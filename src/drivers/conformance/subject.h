#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "drivers/driver.h"

/// The conformance kit: behaviour that any driver must show, checked from outside through driver.h alone. A driver that
/// passes can be relied on by the operations. docs/how-to/test-your-driver.md tells how to run it on one's own driver.
namespace scoria::drivers::conformance {

/// The kit looks at bytes in blocks of this size; a block is written with one byte value all over, 0 is never written.
inline constexpr std::int64_t block_size = 64 * kib;
using Content = std::map<std::int64_t, int>;  // block -> byte, blocks of zeroes left out, -1: not one byte value all over

/// An object held open, as a host has an attached volume.
class OpenObject {
 public:
  virtual ~OpenObject() = default;
  virtual void write(std::int64_t block, int value) = 0;
};

/// Reads and writes the bytes of objects as a host would.
class ObjectIo {
 public:
  virtual ~ObjectIo() = default;
  /// Throws std::runtime_error when the bytes cannot be reached.
  virtual void write(const Location& at, const Content& blocks) = 0;
  virtual Content read(const Location& at, Bytes size) = 0;
  /// nullptr when objects cannot be held open this way.
  virtual std::unique_ptr<OpenObject> open(const Location&) { return nullptr; }
  /// In use for writing as long as the result lives, as far as a driver can see; nullptr: it cannot.
  virtual std::shared_ptr<void> use(const Location&) { return nullptr; }
};

/// For locations of the protocol "file": raw files directly, qcow2 through qemu-io and qemu-img.
std::unique_ptr<ObjectIo> make_file_io(Clock& clock);

/// What is tested: a backend and how to reach it.
struct Subject {
  std::string name;
  Clock* clock = nullptr;
  /// A new driver on the same backend, as the next process or another node would have it. Called often.
  std::function<std::unique_ptr<Driver>()> make;
  std::shared_ptr<ObjectIo> io;
  /// True when the backend lives in this process's memory: crashes are exceptions then, not killed processes.
  bool in_memory = false;
  /// Its failpoints begin with this ("driver.file."): each must be reached and survived. Empty: it has none, and crashes
  /// come at random moments.
  std::string failpoints;
  /// Everything that really lies in a pool, whatever its name, after Driver::check(); empty: the kit trusts list().
  std::function<std::vector<std::string>(const std::string& pool)> contents;
  /// Puts something under that name which is not the driver's; the result takes it away. Empty: that check is skipped.
  std::function<std::function<void()>(const std::string& pool, const std::string& name)> make_foreign;
  /// Fills the pool's space to the last byte; the result gives it back. Empty: that check is skipped.
  std::function<std::function<void()>(const std::string& pool)> fill_up;
  /// Failpoints that calls came by, filled by the checks.
  std::shared_ptr<std::set<std::string>> reached = std::make_shared<std::set<std::string>>();
};

}  // namespace scoria::drivers::conformance
