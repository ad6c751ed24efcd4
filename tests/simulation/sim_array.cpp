#include "simulation/sim_array.h"

#include "base/failpoint.h"
#include "base/mutants.h"

namespace scoria::simulation {

using drivers::Call;
using drivers::DriverError;
using drivers::DriverResult;
using drivers::FailureClass;
using drivers::ObjectRef;

namespace {

tl::unexpected<DriverError> failed(FailureClass kind, std::string text) { return tl::unexpected(DriverError{kind, std::move(text)}); }
std::size_t blocks_of(Bytes size) { return static_cast<std::size_t>(to_gib_up(size)); }

}  // namespace

void SimArray::violation(std::string text) {
  baton_.note("VIOLATION " + text);
  violations_.push_back(std::move(text));
}

bool SimArray::chance(double probability) {
  if (healed_ || probability <= 0 || !baton_.chance(probability) || !numbered_.happens()) return false;
  ++injected;
  return true;
}

void SimArray::heal() {
  healed_ = true;
  down_until_ = {};
  cut_until_.clear();
}

Bytes SimArray::used(const std::string& pool) const {
  Bytes sum;
  for (const auto& [name, object] : objects)
    if (object.pool == pool) sum = sum + object.size;
  return sum;
}

/// No name is used after its doom, except by ghosts, who cannot know.
void SimArray::check_use(const Call& call, std::string_view verb, const std::string& name) {
  if (!current(call.operation, call.epoch)) return;
  const std::string state = ledger(name).state;
  if (destroyed.contains(name)) violation(fmt::format("I9: {} of {}, a name that was destroyed before", verb, name));
  if (state.empty()) violation(fmt::format("I8: {} of {}, a name that is not in the ledger", verb, name));
  if (state == "doomed" || state == "gone" || state == "released")
    violation(fmt::format("I9: {} of {} by the owner of operation {}, though the name is {}", verb, name, call.operation, state));
}

void SimArray::check_destroy(const std::string& name) {
  const Ledger found = ledger(name);
  if (found.state != "doomed" && found.state != "gone")
    violation(fmt::format("I9: {} is destroyed though the ledger says '{}'", name, found.state));
  if (found.has_children) violation(fmt::format("I9: {} is destroyed though others hang on it", name));
}

void SimArray::check_write(const Writer& writer, const std::string& name) {
  if (ledger(name).state == "published") violation(fmt::format("I10: operation {} writes into the published {}", writer.operation, name));
  for (const Writer& other : objects.at(name).open)
    if (other != writer) violation(fmt::format("I10: operation {} epoch {} writes into {} while {} epoch {} has it open", writer.operation, writer.epoch, name, other.operation, other.epoch));
}

std::uint64_t SimArray::host_writes(const std::string& name, std::size_t block) {
  return objects.at(name).blocks.at(block) = next_stamp_++;
}

bool SimArray::outlived(const Call& call) {
  for (const drivers::Fence& fence : call.fences)
    for (const std::string& name : fence.names)
      if (fence.token < registers_[name].token) return true;
  return false;
}

std::vector<std::int64_t> SimArray::read_registers(const Call& call) {
  std::vector<std::int64_t> out;
  for (const drivers::Fence& fence : call.fences)
    for (const std::string& name : fence.names) {
      Register& at = registers_[name];
      at.token = std::max(at.token, fence.token);
      out.push_back(at.value);
    }
  return out;
}

void SimArray::write_registers(const Call& call, const std::vector<std::int64_t>& read) {
  auto before = read.begin();
  for (const drivers::Fence& fence : call.fences)
    for (const std::string& name : fence.names) {
      Register& at = registers_[name];
      if (at.value != *before++) violation(fmt::format("H10: another was in section {} together with operation {} epoch {}", name, call.operation, call.epoch));
      ++at.value;
    }
}

void SimArray::land_delayed() {
  while (true) {
    baton_.sleep(50ms, "array");
    while (!delayed_.empty() && delayed_.front().at <= baton_.now()) {
      const Delayed landing = std::move(delayed_.front());
      delayed_.pop_front();
      baton_.note("landing late: " + landing.what);
      landing.effect();
    }
  }
}

bool SimDriver::reachable() const {
  const auto cut = array_.cut_until_.find(&baton_.current());
  return std::max(array_.down_until_, cut == array_.cut_until_.end() ? Instant{} : cut->second) <= baton_.now();
}

DriverResult<> SimDriver::arrive(const Call& call, std::string_view verb, const std::string& name) {
  ++array_.calls;
  baton_.note(fmt::format("driver.{} {} epoch {}", verb, name, call.epoch));
  if (array_.chance(array_.faults.hang)) {
    baton_.sleep(std::clamp(call.deadline.at - baton_.now(), Duration{1}, Duration{120s}), "driver hangs");
    return failed(FailureClass::unknown, "simulated: no answer in time");
  }
  Duration time{static_cast<std::int64_t>(baton_.random().below(static_cast<std::uint64_t>(array_.faults.latency.count()) + 1))};
  if (array_.chance(array_.faults.slow)) time = Duration{static_cast<std::int64_t>(baton_.random().below(static_cast<std::uint64_t>(array_.faults.slow_limit.count())))};
  baton_.sleep(time + baton_.drag(), "driver");
  if (!reachable()) {
    baton_.sleep(2s, "driver.unreachable");
    return failed(FailureClass::transient, "simulated: the array cannot be reached");
  }
  if (array_.chance(array_.faults.refused)) return failed(FailureClass::transient, "simulated: connection refused");
  return {};
}

/// One effect, with everything that can go wrong around it. A ghost is whoever sleeps here while others take over.
DriverResult<> SimDriver::act(const Call& call, std::string_view verb, const std::string& name, const Effect& pure_effect) {
  if (array_.outlived(call)) return failed(FailureClass::transient, "simulated: another has taken the lock");
  const std::vector<std::int64_t> read = array_.read_registers(call);
  // What is under way in the array holds nothing of its caller.
  const Call marks{.epoch = call.epoch, .operation = call.operation, .fences = call.fences};
  const Effect effect = [&array = array_, marks, read, pure_effect]() -> DriverResult<> {
    if (array.outlived(marks)) return failed(FailureClass::transient, "simulated: another has taken the lock");
    array.write_registers(marks, read);
    return pure_effect();
  };
  if (auto arrived = arrive(call, verb, name); !arrived) return arrived;
  if (array_.chance(array_.faults.delayed)) {
    const auto limit = static_cast<std::uint64_t>(array_.faults.delay_limit.count());
    const Instant at = baton_.now() + Duration{static_cast<std::int64_t>(baton_.random().below(limit))};
    array_.delayed_.push_back({at, fmt::format("{} {}", verb, name), [effect] { effect(); }});
    std::stable_sort(array_.delayed_.begin(), array_.delayed_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    return failed(FailureClass::unknown, "simulated: no answer, perhaps later");
  }
  try {
    FAILPOINT("simulation.driver.before_effect");
    if (!array_.current(call.operation, call.epoch)) ++array_.ghost_calls;
    DriverResult<> done = effect();
    FAILPOINT("simulation.driver.after_effect");
    baton_.point("driver done");
    if (done && array_.chance(array_.faults.reply_lost)) return failed(FailureClass::unknown, "simulated: answer lost");
    return done;
  } catch (const failpoint::Injected& injected) {
    return failed(injected.reply_lost ? FailureClass::unknown : FailureClass::transient, injected.what());
  }
}

DriverResult<> SimDriver::check(const Call& call) { return arrive(call, "check", ""); }

DriverResult<std::vector<drivers::PoolReport>> SimDriver::pools(const Call& call) {
  if (auto arrived = arrive(call, "pools", ""); !arrived) return tl::unexpected(arrived.error());
  std::vector<drivers::PoolReport> out;
  for (const auto& [name, capacity] : array_.pools) {
    drivers::PoolReport report;
    report.name = name;
    report.total = capacity;
    report.free = capacity - array_.used(name);
    report.allocation_unit = {gib};
    report.minimum_size = {gib};
    report.max_over_subscription_ratio = 1.0;
    report.storage_protocol = "simulated";
    out.push_back(std::move(report));
  }
  return out;
}

DriverResult<drivers::Probe> SimDriver::probe(const Call& call, const ObjectRef& object) {
  if (auto arrived = arrive(call, "probe", object.name); !arrived) return tl::unexpected(arrived.error());
  drivers::Probe out;
  if (const auto found = array_.objects.find(object.name); found != array_.objects.end()) {
    out.presence = found->second.complete ? drivers::Presence::complete : drivers::Presence::partial;
    out.size = out.allocated = found->second.size;
    out.base = {found->second.base.empty() ? "" : found->second.pool, found->second.base};
  }
  return out;
}

DriverResult<> SimDriver::create(const Call& call, const ObjectRef& object, Bytes size) {
  if (array_.always_fails.contains(array_.client_name(object.name))) return failed(FailureClass::permanent, "simulated: this one always fails");
  if (array_.never_ready.contains(array_.client_name(object.name))) return failed(FailureClass::transient, "simulated: this one is never ready");
  array_.check_use(call, "create", object.name);
  return act(call, "create", object.name, [&array = array_, object, size]() -> DriverResult<> {
    if (const auto found = array.objects.find(object.name); found != array.objects.end()) {
      if (found->second.size == size) return {};
      return failed(FailureClass::permanent, "simulated: exists with another size");
    }
    if (array.used(object.pool) + size > array.pools[object.pool]) return failed(FailureClass::no_space, "simulated: the pool is full");
    array.objects[object.name] = {object.pool, "", size, std::vector<std::uint64_t>(blocks_of(size)), true, {}};
    return {};
  });
}

DriverResult<> SimDriver::remove(const Call& call, const ObjectRef& object) {
  return act(call, "remove", object.name, [&array = array_, name = object.name]() -> DriverResult<> {
    array.check_destroy(name);
    array.destroyed.insert(name);
    const auto found = array.objects.find(name);
    if (found == array.objects.end()) return {};
    if (!MUTANT(base_removed))
      for (const auto& [other_name, other] : array.objects)
        if (other.base == name) return failed(FailureClass::busy, "simulated: " + other_name + " hangs on it");
    if (!found->second.open.empty()) return failed(FailureClass::busy, "simulated: it is open");
    array.objects.erase(found);
    return {};
  });
}

DriverResult<std::vector<std::string>> SimDriver::list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) {
  if (auto arrived = arrive(call, "list", std::string(pool)); !arrived) return tl::unexpected(arrived.error());
  std::vector<std::string> out;
  const bool partial = array_.chance(array_.faults.list_partial);
  for (auto at = array_.objects.upper_bound(std::string(after)); at != array_.objects.end() && out.size() < limit; ++at)
    if (at->second.pool == pool && !(partial && baton_.chance(0.5))) out.push_back(at->first);
  return out;
}

DriverResult<drivers::Location> SimDriver::locate(const Call& call, const ObjectRef& object) {
  if (auto arrived = arrive(call, "locate", object.name); !arrived) return tl::unexpected(arrived.error());
  if (!array_.objects.contains(object.name)) return failed(FailureClass::permanent, "simulated: no such object");
  return drivers::Location{"simulated", object.name, "raw", false};
}

DriverResult<> SimDriver::extend(const Call& call, const ObjectRef& object, Bytes size) {
  array_.check_use(call, "extend", object.name);
  if (array_.always_fails.contains(array_.client_name(object.name))) return failed(FailureClass::permanent, "simulated: this one always fails");
  return act(call, "extend", object.name, [&array = array_, object, size]() -> DriverResult<> {
    const auto found = array.objects.find(object.name);
    if (found == array.objects.end()) return failed(FailureClass::permanent, "simulated: no such object");
    if (size <= found->second.size) return {};
    if (array.used(object.pool) + size - found->second.size > array.pools[object.pool]) return failed(FailureClass::no_space, "simulated: the pool is full");
    found->second.size = size;
    found->second.blocks.resize(blocks_of(size));
    return {};
  });
}

DriverResult<> SimDriver::snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) {
  array_.check_use(call, "snapshot", snapshot.name);
  return act(call, "snapshot", snapshot.name, [&array = array_, source, snapshot]() -> DriverResult<> {
    if (array.objects.contains(snapshot.name)) return {};
    const auto from = array.objects.find(source.name);
    if (from == array.objects.end()) return failed(FailureClass::permanent, "simulated: no such source");
    SimArray::Object copy = from->second;
    copy.pool = snapshot.pool;
    copy.base.clear();
    copy.open.clear();
    array.snapshots_taken[snapshot.name] = copy.blocks;
    array.objects[snapshot.name] = std::move(copy);
    return {};
  });
}

DriverResult<> SimDriver::clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) {
  array_.check_use(call, "clone", target.name);
  if (!array_.faults.clones_hang_on_source) return fill(call, source.name, target, size);
  return act(call, "clone", target.name, [&array = array_, source, target, size]() -> DriverResult<> {
    if (array.objects.contains(target.name)) return {};
    const auto from = array.objects.find(source.name);
    if (from == array.objects.end()) return failed(FailureClass::permanent, "simulated: no such source");
    if (array.used(target.pool) + size > array.pools[target.pool]) return failed(FailureClass::no_space, "simulated: the pool is full");
    SimArray::Object made{target.pool, source.name, size, from->second.blocks, true, {}};
    made.blocks.resize(blocks_of(size));
    array.objects[target.name] = std::move(made);
    return {};
  });
}

bool SimArray::anything_open() const {
  return std::any_of(objects.begin(), objects.end(), [](const auto& one) { return !one.second.open.empty(); });
}

std::shared_ptr<void> SimArray::open_for(const Writer& writer, const std::string& name) {
  objects.at(name).open.insert(writer);
  return {this, [this, writer, name](void*) {
            const auto found = objects.find(name);
            if (found == objects.end()) return;
            if (const auto at = found->second.open.find(writer); at != found->second.open.end()) found->second.open.erase(at);
          }};
}

DriverResult<std::shared_ptr<void>> SimDriver::hold(const Call& call, const ObjectRef& object) {
  if (auto arrived = arrive(call, "hold", object.name); !arrived) return tl::unexpected(arrived.error());
  const auto found = array_.objects.find(object.name);
  if (found == array_.objects.end()) return failed(FailureClass::permanent, "simulated: no such object");
  if (!found->second.open.empty()) return failed(FailureClass::busy, "simulated: another writer has it open");
  return array_.open_for({call.operation, call.epoch}, object.name);
}

/// Copies block by block as the only writer: the handle is open from the first block to the last, whatever happens to
/// its owner meanwhile; a kill closes it, a pause does not.
DriverResult<> SimDriver::fill(const Call& call, const std::string& source, const ObjectRef& target, Bytes size) {
  if (auto arrived = arrive(call, "clone", target.name); !arrived) return arrived;
  const auto existing = array_.objects.find(target.name);
  if (existing != array_.objects.end() && existing->second.complete) return {};
  if (existing == array_.objects.end()) {
    if (array_.used(target.pool) + size > array_.pools[target.pool]) return failed(FailureClass::no_space, "simulated: the pool is full");
    array_.objects[target.name] = {target.pool, "", size, std::vector<std::uint64_t>(blocks_of(size)), false, {}};
  } else if (!existing->second.open.empty() && !MUTANT(adopted_under_writer)) {
    return failed(FailureClass::busy, "simulated: another writer has it open");
  }
  const SimArray::Writer writer{call.operation, call.epoch};
  const auto handle = array_.open_for(writer, target.name);
  try {
    for (std::size_t block = 0; block < blocks_of(size); ++block) {
      baton_.sleep(Duration{static_cast<std::int64_t>(baton_.random().below(static_cast<std::uint64_t>(array_.faults.block.count())))}, "driver.copy");
      FAILPOINT("simulation.driver.copying");
      if (call.should_stop()) return failed(FailureClass::stopped, "told to stop");
      if (array_.chance(array_.faults.refused)) return failed(FailureClass::transient, "simulated: connection lost in a copy");
      const auto from = array_.objects.find(source);
      if (from == array_.objects.end()) return failed(FailureClass::permanent, "simulated: the source is gone");
      if (!array_.current(call.operation, call.epoch)) ++array_.ghost_calls;
      array_.check_write(writer, target.name);
      array_.objects.at(target.name).blocks[block] = block < from->second.blocks.size() ? from->second.blocks[block] : 0;
      if (call.progress) call.progress(from_gib(static_cast<std::int64_t>(block) + 1), size);
    }
    array_.objects.at(target.name).complete = true;
    FAILPOINT("simulation.driver.copied");
  } catch (const failpoint::Injected& injected) {
    return failed(injected.reply_lost ? FailureClass::unknown : FailureClass::transient, injected.what());
  }
  if (array_.chance(array_.faults.reply_lost)) return failed(FailureClass::unknown, "simulated: answer lost");
  return {};
}

DriverResult<> SimDriver::flatten(const Call& call, const ObjectRef& object) {
  return act(call, "flatten", object.name, [&array = array_, name = object.name]() -> DriverResult<> {
    if (const auto found = array.objects.find(name); found != array.objects.end()) found->second.base.clear();
    return {};
  });
}

}  // namespace scoria::simulation
