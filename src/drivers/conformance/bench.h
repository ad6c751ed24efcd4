#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <string>

#include "base/random.h"
#include "drivers/conformance/subject.h"
#include "drivers/errors.h"

/// The table a check works on: one driver, names of its own, and words to say what must be.
namespace scoria::drivers::conformance {

struct CheckFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct CheckSkipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Args>
void expect(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) throw CheckFailed(fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
[[noreturn]] void skip(fmt::format_string<Args...> text, Args&&... args) {
  throw CheckSkipped(fmt::format(text, std::forward<Args>(args)...));
}

std::string name_of(FailureClass kind);
std::string name_of(Presence presence);
std::string text_of(const Content& content);

template <class T>
std::string text_of(const DriverResult<T>& result) {
  return result ? "success" : fmt::format("{} ({})", name_of(result.error().kind), result.error().message);
}

class Bench {
 public:
  Bench(const Subject& subject, std::uint64_t seed, int number);

  Driver& driver() { return *driver_; }
  /// As after a restart, or on another node.
  void renew() { driver_ = subject.make(); }
  std::unique_ptr<Driver> another() const { return subject.make(); }
  Clock& clock() const { return *subject.clock; }
  Call call(Duration limit = 60s) const;

  /// Pools the driver reports; units and minimum of the first.
  const std::vector<PoolReport>& pools() const { return pools_; }
  const PoolReport& pool() const { return pools_.front(); }
  Bytes unit() const { return pool().allocation_unit; }
  /// The smallest sensible size, at least four mebibytes, times `factor`.
  Bytes size(int factor = 1) const;
  /// A name never used before in this pool. `role` begins it.
  ObjectRef fresh(const std::string& role = "volume", std::size_t pool = 0);

  template <class Ability>
  Ability* has() {
    return dynamic_cast<Ability*>(driver_.get());
  }
  template <class Ability>
  Ability& need(const char* what) {
    Ability* found = has<Ability>();
    if (found == nullptr) skip("the driver does not {}", what);
    return *found;
  }

  // What must succeed; busy and transient are tried again for a while, as the engine would.
  ObjectRef create(Bytes size, const std::string& role = "volume");
  void remove(const ObjectRef& object);
  ObjectRef snapshot(const ObjectRef& source);
  ObjectRef clone(const ObjectRef& source, Bytes size);
  template <class Act>
  auto eventually(const std::string& what, Act&& act) -> decltype(act());

  Probe probe(const ObjectRef& object);
  void expect_presence(const ObjectRef& object, Presence presence);
  void write(const ObjectRef& object, const Content& blocks);
  Content read(const ObjectRef& object);
  void expect_content(const ObjectRef& object, const Content& content);
  /// A few blocks spread over `size`, values from the seed.
  Content some_blocks(Bytes size, int count);

  /// What the pools hold by list() and, if the subject can tell, in truth.
  std::vector<std::string> listed(std::size_t pool = 0);
  std::vector<std::string> really_there();
  /// Nothing is there that was not when the check began.
  void expect_clean();
  /// Removes what this check made and is still there, children first; false if something stays.
  bool tidy_up();

  template <class T>
  void refused(const DriverResult<T>& result, FailureClass kind, const std::string& what) {
    expect(!result.has_value() && result.error().kind == kind, "{}: expected {}, got {}", what, name_of(kind), text_of(result));
  }

  const Subject& subject;
  SeededRandom dice;

 private:
  std::unique_ptr<Driver> driver_;
  std::vector<PoolReport> pools_;
  std::vector<std::string> before_;
  std::vector<ObjectRef> made_;
  std::string prefix_;
  int next_ = 0;
};

template <class Act>
auto Bench::eventually(const std::string& what, Act&& act) -> decltype(act()) {
  const Deadline limit = Deadline::in(clock(), 30s);
  while (true) {
    auto result = act();
    if (result) return result;
    const bool passing = result.error().kind == FailureClass::busy || result.error().kind == FailureClass::transient || result.error().kind == FailureClass::unknown;
    expect(passing && !limit.passed(clock()), "{}: {}", what, text_of(result));
    clock().sleep(20ms);
  }
}

using CheckFunction = void (*)(Bench&);
struct CheckEntry {
  const char* name;
  CheckFunction function;
};
// One table per file of checks.
std::vector<CheckEntry> life_checks();
std::vector<CheckEntry> content_checks();
std::vector<CheckEntry> copy_checks();
std::vector<CheckEntry> concurrency_checks();
std::vector<CheckEntry> crash_checks();
std::vector<CheckEntry> fence_checks();
/// Of --nodes alone: drivers/proofs.h names them.
std::vector<CheckEntry> three_node_checks();

}  // namespace scoria::drivers::conformance
