#include "drivers/conformance/bench.h"

/// Copies that take long: progress, stop, deadline, going on.
namespace scoria::drivers::conformance {
namespace {

constexpr std::int64_t data_blocks = 32 * mib / block_size;

/// A copy as long as the subject can make it: into another pool if there is one.
struct LongCopy {
  ObjectRef volume, target;
  Content content;
  Bytes size;
};

LongCopy prepare(Bench& b) {
  b.need<Snapshots>("make clones");
  LongCopy out;
  out.size = round_up({data_blocks * block_size}, b.unit());
  out.size = std::max(out.size, b.size());
  out.volume = b.create(out.size);
  for (std::int64_t block = 0; block < data_blocks; ++block) out.content[block] = 1 + static_cast<int>(b.dice.below(250));
  b.write(out.volume, out.content);
  out.target = b.fresh("copy", b.pools().size() > 1 ? 1 : 0);
  return out;
}

DriverResult<> go_on(Bench& b, const LongCopy& copy, const Call& call) {
  return dynamic_cast<Snapshots&>(b.driver()).clone(call, copy.volume, copy.target, copy.size);
}

void finish(Bench& b, const LongCopy& copy) {
  b.eventually("clone", [&] { return go_on(b, copy, b.call()); });
  b.expect_presence(copy.target, Presence::complete);
  b.expect_content(copy.target, copy.content);
}

void a_copy_tells_its_progress(Bench& b) {
  const LongCopy copy = prepare(b);
  Call call = b.call();
  Bytes last;
  int reports = 0;
  bool sane = true;
  call.progress = [&](Bytes done, Bytes total) {
    sane = sane && done >= last && done <= total;
    last = done;
    ++reports;
  };
  const DriverResult<> done = go_on(b, copy, call);
  expect(done.has_value(), "clone: {}", text_of(done));
  expect(sane, "progress went back or beyond its total");
  expect(reports == 0 || last == copy.size, "the last progress is {} of {}", last.count, copy.size.count);
  b.expect_content(copy.target, copy.content);
}

void a_stopped_copy_goes_on_where_it_was(Bench& b) {
  const LongCopy copy = prepare(b);
  int calls = 0;
  Bytes best;
  while (true) {
    expect(++calls < 100, "the copy does not get on");
    b.renew();
    int reports = 0;
    Bytes first{-1}, last;
    Call call = b.call();
    call.progress = [&](Bytes done, Bytes) {
      if (reports++ == 0) first = done;
      last = done;
    };
    call.stop = [&] { return reports >= 2; };
    const DriverResult<> done = go_on(b, copy, call);
    if (done) break;
    expect(done.error().kind == FailureClass::stopped, "a stopped copy says {}", text_of(done));
    expect(reports < 5, "stop was asked for after 2 reports of progress, there were {}", reports);
    expect(b.probe(copy.target).presence == Presence::partial, "a stopped copy is {}", name_of(b.probe(copy.target).presence));
    expect(first >= best, "the copy began at {} again, it was at {}", first.count, best.count);
    best = last;
    // The moment of the copy was when it began.
    b.write(copy.volume, {{static_cast<std::int64_t>(b.dice.below(data_blocks)), 255}});
  }
  b.expect_content(copy.target, copy.content);
}

void a_copy_ends_at_its_deadline(Bench& b) {
  const LongCopy copy = prepare(b);
  const Instant begin = b.clock().now();
  const DriverResult<> done = go_on(b, copy, b.call(20ms));
  expect(b.clock().now() - begin < 5s, "a copy with a deadline of 20 ms took {} ms", (b.clock().now() - begin).count() / 1000);
  if (done) return b.expect_content(copy.target, copy.content);
  expect(done.error().kind != FailureClass::permanent, "a copy that ran out of time says {}", text_of(done));
  finish(b, copy);
}

void a_half_made_copy_can_be_given_up(Bench& b) {
  const LongCopy copy = prepare(b);
  int reports = 0;
  Call call = b.call();
  call.progress = [&](Bytes, Bytes) { ++reports; };
  call.stop = [&] { return reports >= 1; };
  static_cast<void>(go_on(b, copy, call));
  b.remove(copy.target);
  b.expect_presence(copy.target, Presence::absent);
  b.remove(copy.volume);
  b.expect_clean();
}

void a_full_pool_refuses_and_recovers(Bench& b) {
  if (!b.subject.fill_up) skip("the pool cannot be filled here");
  const LongCopy copy = prepare(b);
  const ObjectRef volume = b.fresh(), old = b.create(b.size());
  DriverResult<> made, copied, checked, removed;
  {
    const std::function<void()> give_back = b.subject.fill_up(copy.target.pool);
    made = b.driver().create(b.call(), {.pool = copy.target.pool, .name = volume.name}, copy.size);
    copied = go_on(b, copy, b.call());
    // A new process must come up on a full disk, and deleting must go on: else nobody could make room.
    b.renew();
    checked = b.driver().check(b.call());
    removed = b.driver().remove(b.call(), old);
    give_back();
  }
  expect(checked.has_value(), "check() with a full pool: {}", text_of(checked));
  expect(removed.has_value(), "remove in a full pool: {}", text_of(removed));
  // A volume of holes may still fit; a copy of data never.
  expect(made || made.error().kind == FailureClass::no_space, "create in a full pool: {}", text_of(made));
  const ObjectRef there{.pool = copy.target.pool, .name = volume.name};
  b.expect_presence(there, made ? Presence::complete : Presence::absent);
  b.remove(there);
  expect(copied || copied.error().kind == FailureClass::no_space, "copy into a full pool: {}", text_of(copied));
  expect(b.probe(copy.target).presence != Presence::complete || copied.has_value(), "a copy that failed is complete");
  finish(b, copy);
}

}  // namespace

std::vector<CheckEntry> copy_checks() {
  return {{"a_copy_tells_its_progress", a_copy_tells_its_progress},
          {"a_stopped_copy_goes_on_where_it_was", a_stopped_copy_goes_on_where_it_was},
          {"a_copy_ends_at_its_deadline", a_copy_ends_at_its_deadline},
          {"a_half_made_copy_can_be_given_up", a_half_made_copy_can_be_given_up},
          {"a_full_pool_refuses_and_recovers", a_full_pool_refuses_and_recovers}};
}

}  // namespace scoria::drivers::conformance
