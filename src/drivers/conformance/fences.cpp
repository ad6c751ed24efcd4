#include "drivers/conformance/bench.h"
#include "drivers/conformance/child.h"

/// Who may write: holders, adopted copies, generations.
namespace scoria::drivers::conformance {
namespace {

void an_object_has_one_holder(Bench& b) {
  auto& holds = b.need<Holds>("hold objects");
  const ObjectRef volume = b.create(b.size()), other = b.create(b.size());
  const std::unique_ptr<Driver> second = b.another();
  DriverResult<std::shared_ptr<void>> held = holds.hold(b.call(), volume);
  expect(held.has_value() && *held != nullptr, "hold: {}", text_of(held));
  b.refused(dynamic_cast<Holds&>(*second).hold(b.call(), volume), FailureClass::busy, "hold of what another node holds");
  b.refused(holds.hold(b.call(), volume), FailureClass::busy, "hold of what this node holds already");
  expect(dynamic_cast<Holds&>(*second).hold(b.call(), other).has_value(), "another object cannot be held meanwhile");
  b.refused(second->remove(b.call(2s), volume), FailureClass::busy, "remove of what is held");
  held->reset();
  expect(dynamic_cast<Holds&>(*second).hold(b.call(), volume).has_value(), "a hold given back cannot be taken");
}

void a_paused_holder_keeps_and_a_killed_one_loses(Bench& b) {
  b.need<Holds>("hold objects");
  if (b.subject.in_memory) skip("the backend lives in this process");
  const ObjectRef volume = b.create(b.size());
  Child child([&](const std::function<void()>& reached) {
    const std::unique_ptr<Driver> driver = b.another();
    const auto held = dynamic_cast<Holds&>(*driver).hold(b.call(), volume);
    expect(held.has_value(), "hold: {}", text_of(held));
    reached();
    SystemClock{}.sleep(60s);
  });
  expect(child.reached(), "the child could not hold the volume");
  child.pause();
  b.refused(b.need<Holds>("hold").hold(b.call(), volume), FailureClass::busy, "hold of what a paused process holds");
  child.kill();
  const auto held = b.eventually("hold of what a killed process held", [&] { return b.need<Holds>("hold").hold(b.call(), volume); });
  expect(*held != nullptr, "hold gave nothing");
}

struct Copying {
  ObjectRef volume, target;
  Content content;
  Bytes size;
};

Copying copying(Bench& b) {
  b.need<Snapshots>("make clones");
  Copying out{.size = std::max(round_up({32 * mib}, b.unit()), b.size())};
  out.volume = b.create(out.size);
  for (std::int64_t block = 0; block < 32 * mib / block_size; ++block) out.content[block] = 1 + static_cast<int>(block % 249);
  b.write(out.volume, out.content);
  out.target = b.fresh("copy", b.pools().size() > 1 ? 1 : 0);
  return out;
}

DriverResult<> clone(Driver& driver, const Copying& copy, const Call& call) { return dynamic_cast<Snapshots&>(driver).clone(call, copy.volume, copy.target, copy.size); }

void a_copy_under_way_has_one_writer(Bench& b) {
  const Copying copy = copying(b);
  const std::unique_ptr<Driver> second = b.another();
  DriverResult<> meanwhile, removed;
  int reports = 0;
  Call call = b.call();
  call.progress = [&](Bytes, Bytes) {
    if (reports++ != 0) return;
    meanwhile = clone(*second, copy, b.call(3s));
    removed = second->remove(b.call(3s), copy.target);
  };
  const DriverResult<> done = clone(b.driver(), copy, call);
  expect(done.has_value(), "clone: {}", text_of(done));
  if (reports == 0) skip("clones here take no time that anybody could meet");
  b.refused(meanwhile, FailureClass::busy, "clone of what another node copies");
  b.refused(removed, FailureClass::busy, "remove of what another node copies");
  b.expect_content(copy.target, copy.content);
}

void a_copy_is_adopted_from_the_dead_not_from_the_paused(Bench& b) {
  if (b.subject.in_memory) skip("the backend lives in this process");
  const Copying copy = copying(b);
  Child child([&](const std::function<void()>& reached) {
    int reports = 0;
    Call call = b.call();
    call.progress = [&](Bytes, Bytes) {
      if (++reports != 2) return;
      reached();
      SystemClock{}.sleep(60s);
    };
    const std::unique_ptr<Driver> driver = b.another();
    static_cast<void>(clone(*driver, copy, call));
  });
  if (!child.reached()) skip("clones here take no time that anybody could meet");
  child.pause();
  b.expect_presence(copy.target, Presence::partial);
  b.refused(clone(b.driver(), copy, b.call(5s)), FailureClass::busy, "clone of what a paused process copies");
  child.kill();
  b.write(copy.volume, {{0, 255}});
  b.eventually("clone of what a killed process copied", [&] { return clone(b.driver(), copy, b.call()); });
  b.expect_content(copy.target, copy.content);
}

void an_old_generation_is_refused_if_claimed(Bench& b) {
  if (!b.driver().claims().refuses_old_generations) skip("the driver does not claim it");
  Call now = b.call(), old = b.call();
  now.generation = 7;
  old.generation = 6;
  const ObjectRef volume = b.fresh(), late = b.fresh();
  const DriverResult<> made = b.driver().create(now, volume, b.size());
  expect(made.has_value(), "create: {}", text_of(made));
  b.refused(b.driver().create(old, late, b.size()), FailureClass::permanent, "create of an older generation");
  b.refused(b.driver().remove(old, volume), FailureClass::permanent, "remove of an older generation");
  b.expect_presence(late, Presence::absent);
  b.expect_presence(volume, Presence::complete);
}

void an_old_token_is_refused_if_claimed(Bench& b) {
  if (!b.driver().claims().refuses_old_tokens) skip("the driver does not claim it");
  const std::string lock = b.fresh("lock").name;
  const auto under = [&](std::vector<std::string> names, std::int64_t token) {
    Call call = b.call();
    call.fences = {{.names = std::move(names), .token = token}};
    return call;
  };
  const ObjectRef volume = b.fresh(), late = b.fresh();
  const DriverResult<> made = b.driver().create(under({lock, lock + "-other"}, 7), volume, b.size());
  expect(made.has_value(), "create: {}", text_of(made));
  b.refused(b.another()->create(under({lock}, 6), late, b.size()), FailureClass::transient, "create under a lock that another has taken");
  b.refused(b.driver().remove(under({lock + "-third", lock}, 6), volume), FailureClass::transient, "remove under a lock that another has taken");
  b.expect_presence(late, Presence::absent);
  b.expect_presence(volume, Presence::complete);
  expect(b.driver().create(under({lock}, 7), volume, b.size()).has_value(), "the holder itself is refused");
  expect(b.driver().create(under({lock + "-third"}, 1), late, b.size()).has_value(), "the token of another lock counts");
}

}  // namespace

std::vector<CheckEntry> fence_checks() {
  return {{"an_object_has_one_holder", an_object_has_one_holder},
          {"a_paused_holder_keeps_and_a_killed_one_loses", a_paused_holder_keeps_and_a_killed_one_loses},
          {"a_copy_under_way_has_one_writer", a_copy_under_way_has_one_writer},
          {"a_copy_is_adopted_from_the_dead_not_from_the_paused", a_copy_is_adopted_from_the_dead_not_from_the_paused},
          {"an_old_generation_is_refused_if_claimed", an_old_generation_is_refused_if_claimed},
          {"an_old_token_is_refused_if_claimed", an_old_token_is_refused_if_claimed}};
}

}  // namespace scoria::drivers::conformance
