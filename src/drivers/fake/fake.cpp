#include "drivers/fake/fake.h"

#include "base/failpoint.h"
#include "drivers/errors.h"
#include "drivers/names.h"

namespace scoria::drivers::fake {

using Effect = std::function<DriverResult<>()>;

class FakeDriver final : public Driver, public Extends, public Snapshots, public Flattens, public ChangedBlocks, public Holds {
 public:
  FakeDriver(std::shared_ptr<Array> array, std::string node) : array_(std::move(array)), node_(std::move(node)) {}

  std::string vendor() const override { return "Scoria fake"; }
  Claims claims() const override { return {array_->options_.refuse_old_generations, array_->options_.refuse_old_tokens}; }
  DriverResult<> check(const Call& call) override {
    return act(call, "check", {}, {}, {}, [] { return DriverResult<>{}; });
  }
  DriverResult<std::vector<PoolReport>> pools(const Call& call) override;
  DriverResult<Probe> probe(const Call& call, const ObjectRef& object) override;
  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override;
  DriverResult<> remove(const Call& call, const ObjectRef& object) override;
  DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) override;
  DriverResult<Location> locate(const Call& call, const ObjectRef& object) override;
  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override;
  DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) override;
  DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) override;
  DriverResult<> flatten(const Call& call, const ObjectRef& object) override;
  DriverResult<std::vector<Extent>> changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) override;
  DriverResult<std::shared_ptr<void>> hold(const Call& call, const ObjectRef& object) override;

 private:
  /// One call: latency and fate, then `effect` in one step under the array's lock. Only the call's own values may be
  /// captured: a delayed effect runs when the call is long gone.
  DriverResult<> act(const Call& call, const std::string& what, const ObjectRef& object, const ObjectRef& other, Bytes size, Effect effect,
                     Effect half = {});
  /// The same for questions: nothing to delay.
  DriverResult<> ask(const Call& call, const std::string& what, const ObjectRef& object, const Effect& effect) { return act(call, what, object, {}, {}, effect); }
  DriverResult<> met(const Call& call, const LogEntry& line, Array::Draw draw, const Effect& effect, const Effect& half);
  DriverResult<> checked(const ObjectRef& object, Bytes size, bool sized) const;
  static DriverResult<> begin_copy(Array& array, const ObjectRef& source, const ObjectRef& target, Bytes size, bool whole);
  DriverResult<> copy(const Call& call, const ObjectRef& target);
  DriverResult<bool> copy_chunk(const Call& call, const ObjectRef& target, std::uint64_t token);
  DriverResult<std::uint64_t> take(const ObjectRef& object);
  std::shared_ptr<void> holding(const ObjectRef& object, std::uint64_t token);

  const std::shared_ptr<Array> array_;
  const std::string node_;
};

namespace {

std::string name_of(FailureClass kind) {
  switch (kind) {
    case FailureClass::transient: return "transient";
    case FailureClass::busy: return "busy";
    case FailureClass::no_space: return "no_space";
    case FailureClass::permanent: return "permanent";
    case FailureClass::unknown: return "unknown";
    case FailureClass::stopped: return "stopped";
  }
  return "";
}

std::int64_t blocks_in(Bytes size) { return (size.count + block_size - 1) / block_size; }

tl::unexpected<DriverError> no_object(const ObjectRef& object) { return failed(FailureClass::permanent, "there is no object {}", object.name); }

}  // namespace

std::unique_ptr<Driver> make_fake_driver(std::shared_ptr<Array> array, std::string node) {
  return std::make_unique<FakeDriver>(std::move(array), std::move(node));
}

DriverResult<> FakeDriver::act(const Call& call, const std::string& what, const ObjectRef& object, const ObjectRef& other, Bytes size, Effect effect,
                               Effect half) {
  LogEntry line{.node = node_, .what = what, .object = object, .other = other, .size = size, .generation = call.generation, .epoch = call.epoch,
                .operation = call.operation};
  Array::Draw draw;
  {
    const std::lock_guard lock(array_->mutex_);
    array_->settle();
    draw = array_->draw(what, object.name);
    line.at = array_->clock_.now();
    array_->note(line);
  }
  DriverResult<> out = guarded([&] { return met(call, line, draw, effect, half); });
  const std::lock_guard lock(array_->mutex_);
  line.at = array_->clock_.now();
  line.outcome = out ? "ok" : name_of(out.error().kind);
  array_->note(std::move(line));
  return out;
}

DriverResult<> FakeDriver::met(const Call& call, const LogEntry& line, Array::Draw draw, const Effect& effect, const Effect& half) {
  Clock& clock = array_->clock_;
  if (call.deadline.passed(clock)) return failed(FailureClass::transient, "the deadline of the call has passed");
  if (call.should_stop()) return failed(FailureClass::stopped, "stopped before anything was done");
  if (draw.fate == Fate::hang || draw.latency >= call.deadline.left(clock)) {
    clock.sleep(call.deadline.left(clock));
    return failed(FailureClass::unknown, "no answer within the deadline");
  }
  if (draw.latency > Duration::zero()) clock.sleep(draw.latency);
  if (draw.fate == Fate::error) return failed(FailureClass::transient, "injected: the array did not answer");
  if (draw.fate == Fate::permanent) return failed(FailureClass::permanent, "injected: the array refuses");
  FAILPOINT("driver.fake.before");
  DriverResult<> out;
  {
    const std::lock_guard lock(array_->mutex_);
    array_->settle();
    if (array_->options_.refuse_old_generations && call.generation != 0) {
      if (call.generation < array_->generation_) return failed(FailureClass::permanent, "the call belongs to an older generation of the backend");
      array_->generation_ = call.generation;
    }
    if (array_->options_.refuse_old_tokens && array_->outlived(call)) return failed(FailureClass::transient, "another has taken the lock that this call runs under");
    const Effect noted = [array = array_.get(), line, run = draw.fate == Fate::partial && half ? half : effect]() -> DriverResult<> {
      DriverResult<> done = run();
      LogEntry landed = line;
      landed.at = array->clock_.now();
      landed.what = "!" + line.what;
      landed.outcome = done ? "ok" : name_of(done.error().kind);
      array->note(std::move(landed));
      return done;
    };
    if (draw.fate == Fate::delayed && half) {
      array_->pending_.push_back({.at = clock.now() + draw.delay, .effect = [noted] { static_cast<void>(noted()); }});
      return failed(FailureClass::unknown, "injected: no answer, the array is still at it");
    }
    out = noted();
  }
  if (draw.fate == Fate::partial && half) return failed(FailureClass::transient, "injected: failed half way");
  FAILPOINT("driver.fake.after");
  if (draw.fate == Fate::lost_reply) return failed(FailureClass::unknown, "injected: the answer was lost");
  return out;
}

DriverResult<> FakeDriver::checked(const ObjectRef& object, Bytes size, bool sized) const {
  if (!valid_name(object.name)) return failed(FailureClass::permanent, "'{}' is not a name of an object", object.name);
  const ArrayPool* pool = array_->pool(object.pool);
  if (pool == nullptr) return failed(FailureClass::permanent, "this backend has no pool '{}'", object.pool);
  const std::int64_t unit = sector_multiple(pool->allocation_unit).count;
  if (sized && (size.count <= 0 || size < pool->minimum_size || size.count % unit != 0))
    return failed(FailureClass::permanent, "{} bytes: pool '{}' takes multiples of {} bytes, at least {}", size.count, object.pool, unit, pool->minimum_size.count);
  return {};
}

DriverResult<std::vector<PoolReport>> FakeDriver::pools(const Call& call) {
  std::vector<PoolReport> out;
  const DriverResult<> done = ask(call, "pools", {}, [&]() -> DriverResult<> {
    for (const ArrayPool& pool : array_->options_.pools) {
      const Bytes provisioned = array_->provisioned(pool.name);
      const Bytes used = pool.thin ? array_->written(pool.name) : provisioned;
      out.push_back({.name = pool.name, .total = pool.total, .free = std::max(Bytes{}, pool.total - used), .provisioned = provisioned,
                     .allocation_unit = sector_multiple(pool.allocation_unit), .minimum_size = pool.minimum_size, .thin = pool.thin,
                     .storage_protocol = "fake"});
    }
    return {};
  });
  if (!done) return failed(done.error());
  return out;
}

DriverResult<Probe> FakeDriver::probe(const Call& call, const ObjectRef& object) {
  if (DriverResult<> fits = checked(object, {}, false); !fits) return failed(fits.error());
  Probe out;
  const DriverResult<> done = ask(call, "probe", object, [&]() -> DriverResult<> {
    const Object* found = array_->find(object);
    if (found == nullptr) return {};
    out = {.presence = found->complete ? Presence::complete : Presence::partial, .size = found->size,
           .allocated = {static_cast<std::int64_t>(found->blocks.size()) * block_size}, .base = found->base, .layers = found->base.name.empty() ? 1 : 2};
    return {};
  });
  if (!done) return failed(done.error());
  return out;
}

DriverResult<> FakeDriver::create(const Call& call, const ObjectRef& object, Bytes size) {
  if (DriverResult<> fits = checked(object, size, true); !fits) return fits;
  const auto make = [array = array_.get(), object, size](bool complete) -> DriverResult<> {
    if (Object* found = array->find(object)) {
      if (found->size != size || found->read_only || !found->source.name.empty())
        return failed(FailureClass::permanent, "{} exists already and is not an empty volume of {} bytes", object.name, size.count);
      found->complete = found->complete || complete;
      return {};
    }
    const ArrayPool& pool = *array->pool(object.pool);
    if (!pool.thin && array->provisioned(pool.name) + size > pool.total) return failed(FailureClass::no_space, "pool '{}' is full", pool.name);
    Object& made = array->make(object);
    made.size = size;
    made.complete = complete;
    return {};
  };
  return act(call, "create", object, {}, size, [make] { return make(true); }, [make] { return make(false); });
}

DriverResult<> FakeDriver::remove(const Call& call, const ObjectRef& object) {
  if (DriverResult<> fits = checked(object, {}, false); !fits) return fits;
  const Effect effect = [array = array_.get(), object]() -> DriverResult<> {
    const Object* found = array->find(object);
    if (found == nullptr) return {};
    if (found->open > 0) return failed(FailureClass::busy, "{} is open", object.name);
    if (found->holder != 0) return failed(FailureClass::busy, "{} is being written by its holder", object.name);
    if (!array->options_.linked_clones) {
      array->erase(object);
      return {};
    }
    for (const auto& [key, other] : array->objects_)
      if (other.base.name == object.name && other.base.pool == object.pool) return failed(FailureClass::busy, "{} hangs on {}", key.second, object.name);
    array->erase(object);
    return {};
  };
  return act(call, "remove", object, {}, {}, effect, effect);
}

DriverResult<std::vector<std::string>> FakeDriver::list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) {
  std::vector<std::string> out;
  const DriverResult<> done = ask(call, "list", {.pool = std::string(pool)}, [&]() -> DriverResult<> {
    if (array_->pool(std::string(pool)) == nullptr) return failed(FailureClass::permanent, "this backend has no pool '{}'", pool);
    const auto happens = [&](int permille) { return permille > 0 && array_->random_.below(1000) < static_cast<std::uint64_t>(permille); };
    const bool stale = happens(array_->faults_.stale_list), partial = happens(array_->faults_.partial_list);
    for (std::string& name : array_->listing(std::string(pool), stale, partial))
      if (name > after && out.size() < limit) out.push_back(std::move(name));
    return {};
  });
  if (!done) return failed(done.error());
  return out;
}

DriverResult<Location> FakeDriver::locate(const Call& call, const ObjectRef& object) {
  if (DriverResult<> fits = checked(object, {}, false); !fits) return failed(fits.error());
  const DriverResult<> done = ask(call, "locate", object, [&]() -> DriverResult<> {
    if (array_->find(object) == nullptr) return no_object(object);
    return {};
  });
  if (!done) return failed(done.error());
  return Location{.protocol = "fake", .path = object.pool + "/" + object.name, .format = "raw"};
}

DriverResult<> FakeDriver::extend(const Call& call, const ObjectRef& object, Bytes size) {
  if (DriverResult<> fits = checked(object, size, true); !fits) return fits;
  const Effect effect = [array = array_.get(), object, size]() -> DriverResult<> {
    Object* found = array->find(object);
    if (found == nullptr) return no_object(object);
    if (found->read_only || !found->complete) return failed(FailureClass::permanent, "{} is a snapshot or not whole yet", object.name);
    if (size <= found->size) return {};
    const ArrayPool& pool = *array->pool(object.pool);
    if (!pool.thin && array->provisioned(pool.name) + size - found->size > pool.total) return failed(FailureClass::no_space, "pool '{}' is full", pool.name);
    found->size = size;
    return {};
  };
  return act(call, "extend", object, {}, size, effect, effect);
}

DriverResult<> FakeDriver::snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) {
  for (const ObjectRef* one : {&source, &snapshot})
    if (DriverResult<> fits = checked(*one, {}, false); !fits) return fits;
  const Effect effect = [array = array_.get(), source, snapshot]() -> DriverResult<> {
    if (const Object* there = array->find(snapshot)) {
      if (there->read_only && there->source.name == source.name) return {};
      return failed(FailureClass::permanent, "{} exists already and is no snapshot of {}", snapshot.name, source.name);
    }
    const Object* from = array->find(source);
    if (from == nullptr) return no_object(source);
    if (!from->complete) return failed(FailureClass::permanent, "{} is not whole yet", source.name);
    Object made{.size = from->size, .read_only = true, .source = source, .blocks = from->blocks};
    array->make(snapshot) = std::move(made);
    return {};
  };
  return act(call, "snapshot", snapshot, source, {}, effect, effect);
}

DriverResult<> FakeDriver::begin_copy(Array& array, const ObjectRef& source, const ObjectRef& target, Bytes size, bool whole) {
  if (const Object* there = array.find(target)) {
    if (there->size == size && there->source.name == source.name && !there->read_only) return {};
    return failed(FailureClass::permanent, "{} exists already and is no clone of {}", target.name, source.name);
  }
  const Object* from = array.find(source);
  if (from == nullptr) return no_object(source);
  if (!from->complete) return failed(FailureClass::permanent, "{} is not whole yet", source.name);
  if (size < from->size) return failed(FailureClass::permanent, "{} bytes cannot hold {}", size.count, source.name);
  const ArrayPool& pool = *array.pool(target.pool);
  if (!pool.thin && array.provisioned(pool.name) + size > pool.total) return failed(FailureClass::no_space, "pool '{}' is full", pool.name);
  Object made{.size = size, .complete = false, .source = source, .pinned = std::make_shared<const Blocks>(from->blocks)};
  if (array.options_.linked_clones) made.base = source;
  if (whole && (array.options_.linked_clones || array.options_.copy_rate == 0)) {
    made.blocks = from->blocks;
    made.complete = true;
    made.pinned.reset();
  }
  array.make(target) = std::move(made);
  return {};
}

DriverResult<> FakeDriver::clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) {
  if (DriverResult<> fits = checked(source, {}, false); !fits) return fits;
  if (DriverResult<> fits = checked(target, size, true); !fits) return fits;
  const auto effect = [array = array_.get(), source, target, size](bool whole) { return begin_copy(*array, source, target, size, whole); };
  if (DriverResult<> begun = act(call, "clone", target, source, size, [effect] { return effect(true); }, [effect] { return effect(false); });
      !begun) return begun;
  return guarded([&] { return copy(call, target); });
}

DriverResult<> FakeDriver::copy(const Call& call, const ObjectRef& target) {
  DriverResult<std::uint64_t> token = take(target);
  if (!token) return failed(token.error());
  if (*token == 0) return {};
  const std::shared_ptr<void> held = holding(target, *token);
  const Duration chunk_time{array_->options_.copy_chunk.count * 1'000'000 / std::max<std::int64_t>(1, array_->options_.copy_rate)};
  while (true) {
    if (call.should_stop()) return failed(FailureClass::stopped, "the copy was stopped");
    if (call.deadline.passed(array_->clock_)) return failed(FailureClass::transient, "the copy goes on with the next call");
    array_->clock_.sleep(chunk_time);
    FAILPOINT("driver.fake.copy.chunk");
    const DriverResult<bool> more = copy_chunk(call, target, *token);
    if (!more) return failed(more.error());
    if (!*more) return {};
  }
}

/// 0 when there is nothing left to copy.
DriverResult<std::uint64_t> FakeDriver::take(const ObjectRef& object) {
  const std::lock_guard lock(array_->mutex_);
  Object* found = array_->find(object);
  if (found == nullptr) return no_object(object);
  if (found->complete) return 0;
  if (found->holder != 0) return failed(FailureClass::busy, "{} is being written by another", object.name);
  return found->holder = ++array_->holders_;
}

std::shared_ptr<void> FakeDriver::holding(const ObjectRef& object, std::uint64_t token) {
  const auto give_back = [array = array_, object, token](void*) {
    const std::lock_guard lock(array->mutex_);
    Object* found = array->find(object);
    if (found != nullptr && found->holder == token) found->holder = 0;
  };
  return {array_.get(), give_back};
}

DriverResult<bool> FakeDriver::copy_chunk(const Call& call, const ObjectRef& target, std::uint64_t token) {
  Array& array = *array_;
  Bytes done, total;
  bool more = true;
  {
    const std::lock_guard lock(array.mutex_);
    Object* found = array.find(target);
    if (found == nullptr || found->holder != token) return failed(FailureClass::stopped, "{} is not ours any more", target.name);
    const std::int64_t end = std::min(found->filled + array.options_.copy_chunk.count / block_size, blocks_in(found->size));
    for (auto at = found->pinned->lower_bound(found->filled); at != found->pinned->end() && at->first < end; ++at) {
      Block block = at->second;
      block.writer = node_;
      block.epoch = call.epoch;
      found->blocks[at->first] = std::move(block);
    }
    found->filled = end;
    done = {std::min(end * block_size, found->size.count)};
    total = found->size;
    if (end == blocks_in(found->size)) {
      found->complete = true;
      found->pinned.reset();
      more = false;
    }
    array.note({.at = array.clock_.now(), .node = node_, .what = "!copy", .object = target, .size = done, .generation = call.generation,
                .epoch = call.epoch, .operation = call.operation, .outcome = "ok"});
  }
  if (call.progress) call.progress(done, total);
  return more;
}

DriverResult<> FakeDriver::flatten(const Call& call, const ObjectRef& object) {
  if (DriverResult<> fits = checked(object, {}, false); !fits) return fits;
  const Effect effect = [array = array_.get(), object]() -> DriverResult<> {
    Object* found = array->find(object);
    if (found == nullptr) return no_object(object);
    found->base = {};
    return {};
  };
  return act(call, "flatten", object, {}, {}, effect, effect);
}

DriverResult<std::vector<Extent>> FakeDriver::changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) {
  std::vector<Extent> out;
  const DriverResult<> done = ask(call, "changed", newer, [&]() -> DriverResult<> {
    static const Blocks none;
    const Object* before = older.name.empty() ? nullptr : array_->find(older);
    const Object* now = array_->find(newer);
    if (now == nullptr) return no_object(newer);
    if (before == nullptr && !older.name.empty()) return no_object(older);
    const Blocks& old_blocks = before == nullptr ? none : before->blocks;
    const auto add = [&](std::int64_t block, bool zero) {
      const std::int64_t offset = block * block_size;
      if (!out.empty() && out.back().zero == zero && out.back().offset + out.back().length == Bytes{offset}) out.back().length.count += block_size;
      else out.push_back({.offset = {offset}, .length = {block_size}, .zero = zero});
    };
    std::map<std::int64_t, bool> differ;  // block -> reads as zeroes now
    for (const auto& [at, block] : now->blocks) {
      const auto old = old_blocks.find(at);
      if (old == old_blocks.end() || old->second.version != block.version) differ[at] = block.content == 0;
    }
    for (const auto& [at, block] : old_blocks)
      if (!now->blocks.contains(at)) differ[at] = true;
    for (const auto& [at, zero] : differ) add(at, zero);
    return {};
  });
  if (!done) return failed(done.error());
  return out;
}

DriverResult<std::shared_ptr<void>> FakeDriver::hold(const Call& call, const ObjectRef& object) {
  std::uint64_t token = 0;
  const DriverResult<> done = ask(call, "hold", object, [&]() -> DriverResult<> {
    Object* found = array_->find(object);
    if (found == nullptr) return no_object(object);
    if (found->holder != 0) return failed(FailureClass::busy, "{} is being written by another", object.name);
    token = found->holder = ++array_->holders_;
    return {};
  });
  std::shared_ptr<void> held = token == 0 ? nullptr : holding(object, token);
  if (!done) return failed(done.error());
  return held;
}

}  // namespace scoria::drivers::fake
