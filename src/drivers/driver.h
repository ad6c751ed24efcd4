#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

/// The contract between Scoria and one kind of storage. A driver cannot see the database. Every call names its object
/// explicitly, is idempotent (called again after a crash at any point it finds what is there and completes it), ends
/// within the call's deadline, and may be made by several nodes at once for different objects. See
/// docs/reference/driver.md; drivers/conformance checks it.
namespace scoria::drivers {

enum class FailureClass {
  transient,  // try again with backoff: timeouts of the transport, locks, reconnects
  busy,       // somebody uses the object now; try later, no attempt counted
  no_space,   // this pool is full; another may do
  permanent,  // will never work like this
  unknown,    // may or may not have happened: probe before anything else
  stopped,    // the call's `stop` asked for it: cancelled or no longer the owner
};

struct DriverError {
  FailureClass kind = FailureClass::permanent;
  std::string message;  // for operators and, without secrets, for users
};

template <class T = void>
using DriverResult = tl::expected<T, DriverError>;

/// Where an object lives and what it is called. Names are chosen by Scoria, [a-zA-Z0-9._-]{1,200}, never reused.
struct ObjectRef {
  std::string pool;
  std::string name;
};

enum class Presence { absent, complete, partial, foreign };

struct Probe {
  Presence presence = Presence::absent;
  Bytes size;       // as a reader sees it
  Bytes allocated;  // really taken; 0 if unknown
  ObjectRef base;   // what it hangs on (overlay, clone); name empty if none
  int layers = 1;   // how many files or objects a read may go through
  bool wants_flatten = false;  // that is more than is good: Flattens::flatten it, in the background
};

/// How a host or a copy opens an object's bytes.
struct Location {
  std::string protocol;  // "file", later "rbd" …
  std::string path;
  std::string format;    // "raw" or "qcow2"
  bool write_through = false;  // acknowledged writes must not sit in a daemon (qcow2)
};

/// Who must not be inside the same section of a backend at once.
enum class Scope {
  none,     // nobody is kept out
  host,     // one call at a time on each machine: for its tools and files
  volume,   // one at a time for each object, on all nodes
  backend,  // one at a time on all nodes
};
/// What a call must be alone in. Calls that name the same section exclude each other.
struct Section {
  Scope scope = Scope::none;
  std::string name = {};  // [a-z_]{1,40} unless the scope is none
};
/// The calls that change something.
enum class Act { create, remove, extend, snapshot, clone, flatten };

/// Which locks a call runs under, and the token of who has them now: whoever had one of them before had a lower one.
struct Fence {
  std::vector<std::string> names;
  std::int64_t token = 0;  // 0: nothing to compare
};

/// Limits and identity of one call.
struct Call {
  Deadline deadline;
  std::int64_t generation = 0;   // of the backend: rises with each change of site
  std::int64_t epoch = 0;        // of the operation: for the oracle log and for fencing backends
  std::string operation;         // id, for logs
  std::vector<Fence> fences = {};  // of the sections it is in: a backend that can refuses a lower token than it has seen
  std::function<bool()> stop;    // asked between units of work; may be empty
  std::function<void(Bytes done, Bytes total)> progress;  // may be empty
  bool should_stop() const { return stop && stop(); }
};

/// What a pool can do and hold. Sizes in bytes; nullopt = the backend cannot tell.
struct PoolReport {
  std::string name;
  std::optional<Bytes> total;
  std::optional<Bytes> free;
  std::optional<Bytes> provisioned;  // sum of the sizes of what Scoria keeps there
  Bytes allocation_unit{mib};     // objects take multiples of it …
  Bytes minimum_size{mib};        // … and at least this
  bool thin = true;
  bool online_extend = true;
  bool multiattach = true;
  bool snapshot_revert = false;
  double max_over_subscription_ratio = 20.0;
  int reserved_percentage = 0;
  std::string storage_protocol;   // "iSCSI", "NBD", "local"
  std::vector<std::pair<std::string, std::string>> extra;  // further capabilities for extra specs
};

/// What a driver promises beyond this contract. The conformance kit puts every claim to the test.
struct Claims {
  bool refuses_old_generations = false;  // a call of a lower generation than one it has seen changes nothing: permanent
  bool refuses_old_tokens = false;       // a call with a lower token than it has seen for a name changes nothing: transient
};

/// What every driver does.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string vendor() const = 0;
  /// Raised with every change of what the driver does on the backend: what was proved of it holds for one version.
  virtual std::string version() const { return "1"; }
  virtual Claims claims() const { return {}; }
  /// What a call of that kind must be alone in; always the same. Scoria makes the call inside the section, under its lock.
  virtual Section section(Act) const { return {}; }
  /// Checks that the backend can be used now; also called periodically. The message says what to do.
  virtual DriverResult<> check(const Call& call) = 0;
  virtual DriverResult<std::vector<PoolReport>> pools(const Call& call) = 0;

  /// What is there under that name. Never changes anything.
  virtual DriverResult<Probe> probe(const Call& call, const ObjectRef& object) = 0;
  /// Makes an empty (reads as zeroes) volume of exactly `size` (a multiple of the pool's unit) exist. What exists under
  /// the name already is looked at, never truncated, resized or formatted: same size is success, else permanent.
  virtual DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) = 0;
  /// Makes the object not exist. Absent is success. `busy` while others hang on it or it is open.
  virtual DriverResult<> remove(const Call& call, const ObjectRef& object) = 0;
  /// Names with Scoria's mark in a pool, sorted, after `after`, at most `limit`. May be stale or partial: it nominates.
  virtual DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) = 0;
  virtual DriverResult<Location> locate(const Call& call, const ObjectRef& object) = 0;
};

/// Grows an object; smaller or equal is success without change (size only grows, whoever asks).
class Extends {
 public:
  virtual ~Extends() = default;
  virtual DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) = 0;
};

/// Read-only points in time and writable copies of them. `snapshot` and `clone` are exclusive creates by name. What they
/// hang on is told by probe(): a base outlives its children.
class Snapshots {
 public:
  virtual ~Snapshots() = default;
  /// A crash-consistent point in time of `source`, which may be in use.
  virtual DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) = 0;
  /// A writable object of `size` (>= the source's) with the bytes of `source` (a snapshot, or a volume at this moment).
  /// May take long: reports progress, asks stop, resumes where a predecessor got to.
  virtual DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) = 0;
};

/// Frees an object from its base, in the background, while it is used.
class Flattens {
 public:
  virtual ~Flattens() = default;
  virtual DriverResult<> flatten(const Call& call, const ObjectRef& object) = 0;
};

/// The right to be an object's only writer while bytes are put into it before it is published (rule R5). A killed holder
/// loses it at once, a paused one keeps it. `busy` while another has it: never wait for that one, take another name.
class Holds {
 public:
  virtual ~Holds() = default;
  /// Held as long as the result lives.
  virtual DriverResult<std::shared_ptr<void>> hold(const Call& call, const ObjectRef& object) = 0;
};

struct Extent {
  Bytes offset;
  Bytes length;
  bool zero = false;
};

/// What differs between two objects of one lineage (`older` empty: everything allocated). Exact, without reading data.
class ChangedBlocks {
 public:
  virtual ~ChangedBlocks() = default;
  virtual DriverResult<std::vector<Extent>> changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) = 0;
};

/// Names this driver's optional abilities, found by what it implements.
std::vector<std::string> abilities(const Driver& driver);

}  // namespace scoria::drivers
