#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "drivers/driver.h"

/// A storage array in memory, for tests, simulation and benchmarks. The Array is the backend that outlives nodes; each
/// node has a driver of its own on it (fake.h). Deterministic when Clock and Random are.
namespace scoria::drivers::fake {

/// Bytes are kept in blocks of this size; a block holds one number (0 reads as zeroes).
inline constexpr std::int64_t block_size = 64 * kib;

/// A written block: what is in it and who put it there.
struct Block {
  std::uint64_t content = 0;
  std::string writer;           // node or host
  std::int64_t epoch = 0;       // of the operation; 0 for hosts
  std::uint64_t version = 0;    // of this very write; a copy keeps it
};
using Blocks = std::map<std::int64_t, Block>;

struct Object {
  Bytes size;
  bool complete = true;
  bool read_only = false;
  ObjectRef base;                        // linked clones hang on it
  ObjectRef source;                      // what a copy fills it from …
  std::shared_ptr<const Blocks> pinned;  // … as it was when the copy began
  std::int64_t filled = 0;               // blocks looked at by the copy so far
  Blocks blocks;
  std::uint64_t holder = 0;              // token of its only writer, 0 = none
  int open = 0;                          // hosts that have it open
};

/// What happens to one call, beside its own sense.
enum class Fate {
  normal,
  error,       // nothing done, transient
  permanent,   // nothing done
  hang,        // nothing done, comes back at the deadline as unknown
  lost_reply,  // done, but the caller is told unknown
  delayed,     // told unknown now, done later
  partial,     // create and clone leave an unfinished object and fail
};

/// How often (of 1000 calls) and how long. All zero: a perfect array.
struct Faults {
  Duration latency_min{}, latency_max{};
  int error = 0, hang = 0, lost_reply = 0, delayed = 0, partial = 0;
  Duration delay_max = 10s;        // of delayed effects
  int stale_list = 0;              // the list as it was up to stale_by ago
  Duration stale_by = 5s;
  int partial_list = 0;            // the list lacks about half
};

struct ArrayPool {
  std::string name = "fake";
  Bytes total{from_gib(1024 * 1024)};
  Bytes allocation_unit{mib};
  Bytes minimum_size{mib};
  bool thin = true;
};

struct ArrayOptions {
  std::vector<ArrayPool> pools{ArrayPool{}};
  std::int64_t copy_rate = 0;       // bytes per second of clones and flattens; 0: at once
  Bytes copy_chunk{64 * mib};       // between two looks at stop and deadline
  bool linked_clones = false;       // clones hang on their source until flattened
  bool refuse_old_generations = true;
  bool refuse_old_tokens = true;
  bool keep_log = true;
};

/// One line of the oracle's log.
struct LogEntry {
  Instant at;
  std::string node;
  std::string what;       // "create", "remove" …; with "!" in front: the effect itself
  ObjectRef object, other;
  Bytes size;
  std::int64_t generation = 0, epoch = 0;
  std::string operation;
  std::string outcome;    // empty while under way; "ok" or the class of the failure
};

/// Thread-safe. Calls of a driver that change something do so in one step under its lock.
class Array {
 public:
  Array(Clock& clock, Random& random, ArrayOptions options = {});

  void set_faults(const Faults& faults);
  /// The next `times` calls of that method ("*": any) on that object (empty: any) meet this fate; before set_faults.
  void script(std::string method, std::string object, Fate fate, int times = 1);
  /// A later generation of the backend begins: older calls are refused from now on.
  void raise_generation(std::int64_t generation);

  // What a host does through an export. False or 0 when the object is not there.
  bool write(const ObjectRef& object, std::int64_t block, std::uint64_t content, const std::string& writer, std::int64_t epoch = 0);
  std::uint64_t read(const ObjectRef& object, std::int64_t block);
  /// The same with who wrote it.
  Block look(const ObjectRef& object, std::int64_t block);
  void set_open(const ObjectRef& object, bool open);

  /// The truth, for checkers: all names of a pool, an object as it is (nullptr: absent), the log so far.
  std::vector<std::string> names(const std::string& pool);
  std::shared_ptr<const Object> object(const ObjectRef& object);
  std::vector<LogEntry> log();
  /// Effects that a caller was told nothing of and that have not landed yet.
  std::size_t pending();

 private:
  friend class FakeDriver;
  using Key = std::pair<std::string, std::string>;
  struct Draw {
    Fate fate = Fate::normal;
    Duration latency{};
    Duration delay{};
  };
  struct Change {
    Instant at;
    Key key;
    bool made = false;
  };
  struct Pending {
    Instant at;
    std::function<void()> effect;
  };
  struct Scripted {
    std::string method, object;
    Fate fate = Fate::normal;
    int times = 1;
  };

  static Key key_of(const ObjectRef& object) { return {object.pool, object.name}; }
  // All below: the lock is held.
  Object* find(const ObjectRef& object);
  Object& make(const ObjectRef& object);
  void erase(const ObjectRef& object);
  void settle();
  Draw draw(const std::string& method, const std::string& object);
  const ArrayPool* pool(const std::string& name) const;
  Bytes provisioned(const std::string& pool) const;
  Bytes written(const std::string& pool) const;
  std::vector<std::string> listing(const std::string& pool, bool stale, bool partial);
  bool outlived(const Call& call);
  void note(LogEntry entry);

  Clock& clock_;
  Random& random_;
  const ArrayOptions options_;
  std::mutex mutex_;  // guards all below
  Faults faults_;
  std::vector<Scripted> scripted_;
  std::map<Key, Object> objects_;
  std::deque<Change> history_;  // of the last stale_by
  std::vector<Pending> pending_;
  std::vector<LogEntry> log_;
  std::int64_t generation_ = 0;
  std::map<std::string, std::int64_t> tokens_;  // the highest seen, by lock
  std::uint64_t version_ = 0;
  std::uint64_t holders_ = 0;
};

}  // namespace scoria::drivers::fake
