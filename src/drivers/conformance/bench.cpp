#include "drivers/conformance/bench.h"

#include <algorithm>

namespace scoria::drivers::conformance {

std::string name_of(FailureClass kind) {
  switch (kind) {
    case FailureClass::transient: return "transient";
    case FailureClass::busy: return "busy";
    case FailureClass::no_space: return "no_space";
    case FailureClass::permanent: return "permanent";
    case FailureClass::unknown: return "unknown";
    case FailureClass::stopped: return "stopped";
  }
  return "?";
}

std::string name_of(Presence presence) {
  switch (presence) {
    case Presence::absent: return "absent";
    case Presence::complete: return "complete";
    case Presence::partial: return "partial";
    case Presence::foreign: return "foreign";
  }
  return "?";
}

std::string text_of(const Content& content) {
  std::string out;
  for (const auto& [block, value] : content) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", block, value);
  return out.empty() ? "zeroes" : out;
}

Bench::Bench(const Subject& the_subject, std::uint64_t seed, int number) : subject(the_subject), dice(seed), driver_(the_subject.make()) {
  const DriverResult<> checked = driver_->check(call());
  expect(checked.has_value(), "check() of the driver: {}", text_of(checked));
  DriverResult<std::vector<PoolReport>> pools = driver_->pools(call());
  expect(pools.has_value(), "pools(): {}", text_of(pools));
  expect(!pools->empty(), "pools() reports none");
  pools_ = std::move(*pools);
  prefix_ = fmt::format("c{}-{:08x}", number, dice.next() & 0xffffffffU);
  before_ = really_there();
}

Call Bench::call(Duration limit) const { return {.deadline = Deadline::in(clock(), limit), .epoch = 1, .operation = "conformance"}; }

Bytes Bench::size(int factor) const {
  const Bytes least = round_up(std::max(pool().minimum_size, Bytes{4 * mib}), unit());
  return {least.count * factor};
}

ObjectRef Bench::fresh(const std::string& role, std::size_t pool) {
  made_.push_back({.pool = pools_[pool].name, .name = fmt::format("{}-{}-{}", role, prefix_, next_++)});
  return made_.back();
}

ObjectRef Bench::create(Bytes size, const std::string& role) {
  const ObjectRef object = fresh(role);
  eventually("create " + object.name, [&] { return driver().create(call(), object, size); });
  return object;
}

void Bench::remove(const ObjectRef& object) {
  eventually("remove " + object.name, [&] { return driver().remove(call(), object); });
}

ObjectRef Bench::snapshot(const ObjectRef& source) {
  Snapshots& ability = need<Snapshots>("make snapshots");
  const ObjectRef object = fresh("snapshot");
  eventually("snapshot of " + source.name, [&] { return ability.snapshot(call(), source, object); });
  return object;
}

ObjectRef Bench::clone(const ObjectRef& source, Bytes size) {
  Snapshots& ability = need<Snapshots>("make clones");
  const ObjectRef object = fresh("clone");
  eventually("clone of " + source.name, [&] { return ability.clone(call(), source, object, size); });
  return object;
}

Probe Bench::probe(const ObjectRef& object) {
  return *eventually("probe " + object.name, [&] { return driver().probe(call(), object); });
}

void Bench::expect_presence(const ObjectRef& object, Presence presence) {
  const Presence now = probe(object).presence;
  expect(now == presence, "probe of {} says {}, not {}", object.name, name_of(now), name_of(presence));
}

void Bench::write(const ObjectRef& object, const Content& blocks) {
  subject.io->write(*eventually("locate " + object.name, [&] { return driver().locate(call(), object); }), blocks);
}

Content Bench::read(const ObjectRef& object) {
  const Bytes size = probe(object).size;
  return subject.io->read(*eventually("locate " + object.name, [&] { return driver().locate(call(), object); }), size);
}

void Bench::expect_content(const ObjectRef& object, const Content& content) {
  const Content now = read(object);
  expect(now == content, "{} holds {} instead of {}", object.name, text_of(now), text_of(content));
}

Content Bench::some_blocks(Bytes size, int count) {
  const auto blocks = static_cast<std::uint64_t>(size.count / block_size);
  Content out;
  // Always the first and the last: that is where off-by-one errors live.
  out[0] = 1 + static_cast<int>(dice.below(250));
  out[static_cast<std::int64_t>(blocks - 1)] = 1 + static_cast<int>(dice.below(250));
  for (int i = 2; i < count; ++i) out[static_cast<std::int64_t>(dice.below(blocks))] = 1 + static_cast<int>(dice.below(250));
  return out;
}

std::vector<std::string> Bench::listed(std::size_t pool) {
  std::vector<std::string> out;
  while (true) {
    const auto page = eventually("list", [&] { return driver().list(call(), pools_[pool].name, out.empty() ? "" : out.back(), 100); });
    if (page->empty()) return out;
    out.insert(out.end(), page->begin(), page->end());
  }
}

std::vector<std::string> Bench::really_there() {
  const DriverResult<> checked = driver().check(call());
  expect(checked.has_value(), "check(): {}", text_of(checked));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    for (const std::string& name : listed(i)) out.push_back(pools_[i].name + "/" + name);
    if (!subject.contents) continue;
    for (const std::string& name : subject.contents(pools_[i].name)) out.push_back(pools_[i].name + "//" + name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void Bench::expect_clean() {
  for (const std::string& name : really_there())
    expect(std::binary_search(before_.begin(), before_.end(), name), "{} was left behind", name);
}

bool Bench::tidy_up() {
  bool gone = true;
  for (int round = 0; round < 3; ++round) {
    gone = true;
    for (auto object = made_.rbegin(); object != made_.rend(); ++object)
      if (const DriverResult<Probe> now = driver().probe(call(), *object); now && now->presence != Presence::absent && now->presence != Presence::foreign)
        gone = driver().remove(call(), *object).has_value() && gone;
    if (gone) break;
  }
  return gone;
}

}  // namespace scoria::drivers::conformance
