#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "drivers/driver.h"
#include "simulation/baton.h"
#include "simulation/faults.h"

namespace scoria::simulation {

/// How a seed's storage misbehaves. All chances are per call.
struct ArrayFaults {
  double refused = 0;        // fails before anything happened
  double reply_lost = 0;     // done, but the caller hears a timeout
  double delayed = 0;        // the caller hears a timeout, and the effect lands later
  double hang = 0;           // nothing happens until the deadline
  double slow = 0;           // takes up to `slow_limit`
  double list_partial = 0;   // a listing leaves names out
  Duration latency = 5ms;
  Duration slow_limit = 6s;
  Duration delay_limit = 4s;
  Duration block = 100ms;              // to copy one, at most
  bool clones_hang_on_source = false;  // native clones with a base, else copies block by block
};

/// One storage array, seen by every node through a SimDriver of its own: objects with bytes, one stamp per GiB. It also is
/// the oracle: it knows who did what to which object, asks the ledger what was allowed, and records what was not.
class SimArray {
 public:
  struct Writer {
    std::string operation;
    std::int64_t epoch = 0;
    auto operator<=>(const Writer&) const = default;
  };
  struct Object {
    std::string pool, base;
    Bytes size;
    std::vector<std::uint64_t> blocks;
    bool complete = true;
    std::multiset<Writer> open;  // handles that write into it
  };
  /// What the ledger says of a name: state, empty if it has no row; and the epoch of its operation while that runs.
  struct Ledger {
    std::string state;
    bool has_children = false;
  };

  SimArray(Baton& baton, std::string name, Faults& numbered) : backend(std::move(name)), baton_(baton), numbered_(numbered) {}

  const std::string backend;
  ArrayFaults faults;
  std::map<std::string, Bytes> pools;          // name → capacity
  std::set<std::string> always_fails;          // volumes, by the name their client gave them: create and extend fail for good
  std::set<std::string> never_ready;           // the same: create is refused for now, whenever it is asked for
  std::map<std::string, Object> objects;
  std::map<std::string, std::string> exports;  // by attachment id: the object
  std::set<std::string> unexported;            // ids that will never be exported again
  std::set<std::string> destroyed;             // every name that was ever told to go
  drivers::Scope sections = drivers::Scope::none;              // what creates, extends and removals must be alone in
  std::map<std::string, std::vector<std::uint64_t>> snapshots_taken;  // bytes of every snapshot ever made
  std::function<Ledger(const std::string& name)> ledger;
  /// The name its client gave to the volume that an object was made for; empty if it is gone.
  std::function<std::string(const std::string& name)> client_name;
  /// Is `epoch` still the one of this operation, and is it running? Else the call comes from a ghost.
  std::function<bool(const std::string& operation, std::int64_t epoch)> current;
  /// Nobody (one process) reaches it until then.
  void fail_for(Duration time) { down_until_ = baton_.now() + time; }
  void cut(const Process& process, Duration time) { cut_until_[&process] = baton_.now() + time; }
  void heal();
  bool healed() const { return healed_; }
  /// Lands what was delayed; the loop of a process of its own.
  void land_delayed();
  bool anything_delayed() const { return !delayed_.empty(); }
  /// Is somebody in the middle of a copy?
  bool anything_open() const;
  /// A host writes through its export: the next stamp into one block of the object.
  std::uint64_t host_writes(const std::string& name, std::size_t block);
  const std::vector<std::string>& violations() const { return violations_; }
  std::uint64_t calls = 0, injected = 0, ghost_calls = 0;

 private:
  friend class SimDriver;
  /// What a section that is not atomic works on, by lock: read when a call arrives, written one higher with its effect.
  struct Register {
    std::int64_t token = 0;  // the highest seen: lower ones are refused
    std::int64_t value = 0;
  };
  bool outlived(const drivers::Call& call);
  std::vector<std::int64_t> read_registers(const drivers::Call& call);
  void write_registers(const drivers::Call& call, const std::vector<std::int64_t>& read);
  void violation(std::string text);
  bool chance(double probability);
  void check_use(const drivers::Call& call, std::string_view verb, const std::string& name);
  void check_destroy(const std::string& name);
  void check_write(const Writer& writer, const std::string& name);
  Bytes used(const std::string& pool) const;
  /// The right to write into an object, until the result dies: with its thread, whatever ends that.
  std::shared_ptr<void> open_for(const Writer& writer, const std::string& name);

  Baton& baton_;
  std::map<std::string, Register> registers_;
  Faults& numbered_;
  bool healed_ = false;
  Instant down_until_{};
  std::map<const Process*, Instant> cut_until_;  // looked up only, never walked
  std::uint64_t next_stamp_ = 1;
  struct Delayed {
    Instant at;
    std::string what;
    std::function<void()> effect;
  };
  std::deque<Delayed> delayed_;
  std::vector<std::string> violations_;
};

/// A node's driver for the array.
class SimDriver final : public drivers::Driver, public drivers::Extends, public drivers::Snapshots, public drivers::Flattens, public drivers::Holds {
 public:
  SimDriver(Baton& baton, SimArray& array) : baton_(baton), array_(array) {}
  std::string vendor() const override { return "Scoria simulation"; }
  drivers::Section section(drivers::Act act) const override {
    const bool guarded = act == drivers::Act::create || act == drivers::Act::extend || act == drivers::Act::remove;
    return {guarded ? array_.sections : drivers::Scope::none, "names"};
  }
  drivers::DriverResult<> check(const drivers::Call& call) override;
  drivers::DriverResult<std::vector<drivers::PoolReport>> pools(const drivers::Call& call) override;
  drivers::DriverResult<drivers::Probe> probe(const drivers::Call& call, const drivers::ObjectRef& object) override;
  drivers::DriverResult<> create(const drivers::Call& call, const drivers::ObjectRef& object, Bytes size) override;
  drivers::DriverResult<> remove(const drivers::Call& call, const drivers::ObjectRef& object) override;
  drivers::DriverResult<std::vector<std::string>> list(const drivers::Call& call, std::string_view pool, std::string_view after,
                                                       std::size_t limit) override;
  drivers::DriverResult<drivers::Location> locate(const drivers::Call& call, const drivers::ObjectRef& object) override;
  drivers::DriverResult<> extend(const drivers::Call& call, const drivers::ObjectRef& object, Bytes size) override;
  drivers::DriverResult<> snapshot(const drivers::Call& call, const drivers::ObjectRef& source, const drivers::ObjectRef& snapshot) override;
  drivers::DriverResult<> clone(const drivers::Call& call, const drivers::ObjectRef& source, const drivers::ObjectRef& target, Bytes size) override;
  drivers::DriverResult<> flatten(const drivers::Call& call, const drivers::ObjectRef& object) override;
  drivers::DriverResult<std::shared_ptr<void>> hold(const drivers::Call& call, const drivers::ObjectRef& object) override;

  using Effect = std::function<drivers::DriverResult<>()>;
  /// One effect on the array, with everything that can go wrong around it.
  drivers::DriverResult<> act(const drivers::Call& call, std::string_view verb, const std::string& name, const Effect& effect);

 private:
  bool reachable() const;
  drivers::DriverResult<> arrive(const drivers::Call& call, std::string_view verb, const std::string& name);
  drivers::DriverResult<> fill(const drivers::Call& call, const std::string& source, const drivers::ObjectRef& target, Bytes size);

  Baton& baton_;
  SimArray& array_;
};

}  // namespace scoria::simulation
