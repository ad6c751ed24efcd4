#include "operations/sections.h"

#include <filesystem>

#include "base/failpoint.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "drivers/fake/fake.h"
#include "operations/backends.h"
#include "store/migrations.h"

namespace scoria::operations {
namespace {

using namespace std::chrono_literals;
using drivers::Act;
using drivers::Call;
using drivers::DriverResult;
using drivers::FailureClass;
using drivers::ObjectRef;
using drivers::Scope;

/// What a section that is not atomic works on: a number that is read, and a moment later written one higher.
struct Register {
  std::atomic<int> value{0}, inside{0}, together{0};
  void raise(Clock& clock) {
    if (++inside > 1) ++together;
    const int read = value;
    clock.sleep(1ms);
    value = read + 1;
    --inside;
  }
};

/// Makes objects of the array, and the register of all nodes one higher: not atomic, on purpose.
class NonAtomicDriver final : public drivers::Driver {
 public:
  NonAtomicDriver(Clock& clock, std::shared_ptr<drivers::fake::Array> array, Register& shared, Scope scope)
      : clock_(clock), inner_(drivers::fake::make_fake_driver(std::move(array), "node")), shared_(shared), scope_(scope) {}
  std::string vendor() const override { return "non-atomic"; }
  drivers::Section section(Act act) const override { return act == Act::create ? drivers::Section{scope_, "register"} : drivers::Section{}; }
  DriverResult<> check(const Call& call) override { return inner_->check(call); }
  DriverResult<std::vector<drivers::PoolReport>> pools(const Call& call) override { return inner_->pools(call); }
  DriverResult<drivers::Probe> probe(const Call& call, const ObjectRef& object) override { return inner_->probe(call, object); }
  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override {
    shared_.raise(clock_);
    return inner_->create(call, object, size);
  }
  DriverResult<> remove(const Call& call, const ObjectRef& object) override { return inner_->remove(call, object); }
  DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) override {
    return inner_->list(call, pool, after, limit);
  }
  DriverResult<drivers::Location> locate(const Call& call, const ObjectRef& object) override { return inner_->locate(call, object); }

 private:
  Clock& clock_;
  const std::unique_ptr<drivers::Driver> inner_;
  Register& shared_;
  const Scope scope_;
};

/// Three nodes that serve one backend; each has its own files and its own leases.
class Sections : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    array_ = std::make_shared<drivers::fake::Array>(clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "pool"}}});
  }
  void TearDown() override {
    failpoint::disarm_all();
    for (const auto& node : nodes_) node->locks->stop();
    std::filesystem::remove_all(directory_);
  }
  Backend& node(Scope scope, Duration lease = 10s) {
    auto out = std::make_unique<Backend>();
    out->name = "cluster@array";
    out->driver = std::make_unique<NonAtomicDriver>(clock(), array_, shared_, scope);
    out->locks = locks::make_database_locks(clock(), random_, database(), {.lease = lease});
    out->host_locks = locks::make_host_locks(clock(), random_, fmt::format("{}/{}", directory_, nodes_.size()));
    nodes_.push_back(std::move(out));
    return *nodes_.back();
  }
  Call call() { return {.deadline = Deadline::in(clock(), 20s), .operation = "test"}; }
  /// Each of three nodes goes through the section so many times, at the same time.
  void all_nodes_work(Scope scope, int times) {
    for (int i = 0; i < 3; ++i) {
      Backend& backend = node(scope);
      clock_of_threads_.spawn("node", [this, &backend, i, times] {
        for (int turn = 0; turn < times;) {
          Call one = call();
          const ObjectRef object{"pool", fmt::format("volume-{}-{}", i, turn)};
          const auto entered = enter(backend, Act::create, {object}, one);
          if (!entered) continue;
          EXPECT_TRUE(backend.driver->create(one, object, {mib}));
          ++turn;
        }
      });
    }
    clock_of_threads_.join_all();
  }
  bool commits(const Entered& entered) {
    try {
      database().write(entered.proven([](db::Transaction& tx) { tx.run("INSERT INTO setting (name, value) VALUES ('done', '1')"); }));
      return true;
    } catch (const db::GuardFailed& refused) {
      EXPECT_EQ(refused.label, "lock");
      return false;
    }
  }

  SystemRandom random_;
  SystemClock clock_of_threads_;
  std::string directory_ = "/tmp/scoria_sections_XXXXXX";
  std::shared_ptr<drivers::fake::Array> array_;
  Register shared_;
  std::vector<std::unique_ptr<Backend>> nodes_;
};
SCORIA_EVERY_ENGINE(Sections);

TEST_P(Sections, a_section_of_the_backend_is_never_interleaved_by_three_nodes) {
  all_nodes_work(Scope::backend, 8);
  EXPECT_EQ(shared_.together, 0);
  EXPECT_EQ(shared_.value, 24);
}

TEST_P(Sections, a_section_of_the_host_is_interleaved_by_three_nodes_and_the_test_can_see_it) {
  all_nodes_work(Scope::host, 20);
  EXPECT_GT(shared_.together, 0);
  EXPECT_LT(shared_.value, 60);
}

TEST_P(Sections, volumes_exclude_only_themselves) {
  Backend &one = node(Scope::volume), &other = node(Scope::volume);
  Call first = call(), second = call(), third{.deadline = Deadline{Instant{}}};
  const auto held = enter(one, Act::create, {{"pool", "a"}, {"pool", "b"}}, first);
  ASSERT_TRUE(held);
  EXPECT_TRUE(enter(other, Act::create, {{"pool", "c"}}, second));
  const auto refused = enter(other, Act::create, {{"pool", "b"}}, third);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureClass::busy);
}

TEST_P(Sections, acts_without_a_section_need_no_lock) {
  Backend& one = node(Scope::backend);
  one.locks.reset();
  Call plain = call();
  const auto entered = enter(one, Act::remove, {{"pool", "a"}}, plain);
  ASSERT_TRUE(entered);
  EXPECT_TRUE(entered->empty());
  EXPECT_TRUE(plain.fences.empty());
  one.locks = locks::make_process_locks(clock(), random_);
}

/// Cinder's locks are leases that nobody looks at again: who was paused acts and commits as if it had the lock.
TEST_P(Sections, h10_a_paused_holders_late_call_and_commit_are_refused_by_its_token) {
  Backend &paused = node(Scope::backend, 400ms), &next = node(Scope::backend);
  const ObjectRef object{"pool", "volume"};
  Call late = call(), now = call();
  const auto before = enter(paused, Act::create, {object}, late);
  ASSERT_TRUE(before);
  ASSERT_EQ(late.fences.size(), 1u);
  failpoint::arm("locks.renew", "return(paused)");
  const auto after = enter(next, Act::create, {object}, now);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_GT(now.fences.front().token, late.fences.front().token);
  ASSERT_TRUE(next.driver->create(now, object, {mib}));

  late.stop = {};  // it does not look
  const auto written = paused.driver->create(late, {"pool", "late"}, {mib});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, FailureClass::transient);
  EXPECT_EQ(array_->names("pool"), std::vector<std::string>{"volume"});
  EXPECT_FALSE(commits(*before));
  EXPECT_TRUE(commits(*after));
}

TEST_P(Sections, a_call_stops_when_its_lock_is_lost) {
  Backend& one = node(Scope::backend, 400ms);
  Call call_under = call();
  const auto entered = enter(one, Act::create, {{"pool", "a"}}, call_under);
  ASSERT_TRUE(entered);
  EXPECT_FALSE(call_under.should_stop());
  failpoint::arm("locks.renew", "return(away)");
  clock().sleep(450ms);
  EXPECT_TRUE(call_under.should_stop());
}

TEST_P(Sections, who_does_not_own_a_backend_may_not_work_on_it) {
  Backend &owner = node(Scope::none), &standby = node(Scope::none);
  owner.ownership.set("not proved", *owner.locks->acquire({"owner:array"}, Deadline{Instant{}}));
  standby.ownership.set("not proved", nullptr);
  Call by_owner = call(), by_standby = call();
  const auto entered = enter(owner, Act::create, {{"pool", "a"}}, by_owner);
  ASSERT_TRUE(entered);
  EXPECT_EQ(by_owner.fences.size(), 1u);
  const auto refused = enter(standby, Act::create, {{"pool", "a"}}, by_standby);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureClass::busy);
  // It gives it up: what it has under way can no longer commit once another has it.
  const Entered kept = *entered;
  owner.ownership.set("not proved", nullptr);
  EXPECT_FALSE(owner.usable());
  EXPECT_TRUE(commits(kept));
}

}  // namespace
}  // namespace scoria::operations
