#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/failpoint.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "locks/locks.h"
#include "store/migrations.h"

namespace scoria::locks {
namespace {

using namespace std::chrono_literals;

/// Takes a lock at once or not at all.
std::shared_ptr<const Held> at_once(Locks& locks, const std::vector<std::string>& names) {
  auto held = locks.acquire(names, Deadline{Instant{}});
  if (held) return *held;
  EXPECT_EQ(held.error().code, RefusalCode::conflict) << held.error().message;
  return nullptr;
}

/// Two managers, as two nodes (two threads for process locks) would have them: what one holds the other cannot have.
void exclude_each_other(Locks& one, Locks& other, Clock& clock) {
  auto held = at_once(one, {"b", "a", "b"});
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(held->valid());
  EXPECT_EQ(at_once(other, {"a"}), nullptr);
  EXPECT_EQ(at_once(other, {"c", "b"}), nullptr);
  EXPECT_NE(at_once(other, {"c"}), nullptr) << "a refused acquire left something behind";
  const Instant begun = clock.now();
  EXPECT_EQ(other.acquire({"a"}, Deadline::in(clock, 50ms)).error().code, RefusalCode::conflict);
  EXPECT_GE(clock.now() - begun, 50ms);
  held.reset();
  const auto next = other.acquire({"a", "b"}, Deadline::in(clock, 2s));
  ASSERT_TRUE(next) << next.error().message;
}

struct Directory {
  std::string path = "/tmp/scoria_locks_XXXXXX";
  Directory() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
};

struct LocalLocks : ::testing::Test {
  SystemClock clock;
  SystemRandom random;
  Directory directory;
};

TEST_F(LocalLocks, threads_of_a_process_exclude_each_other) {
  const auto locks = make_process_locks(clock, random);
  exclude_each_other(*locks, *locks, clock);
  EXPECT_EQ(locks->reach(), Reach::process);
}

TEST_F(LocalLocks, processes_of_a_host_exclude_each_other) {
  const auto one = make_host_locks(clock, random, directory.path), other = make_host_locks(clock, random, directory.path);
  exclude_each_other(*one, *other, clock);
}

TEST_F(LocalLocks, another_directory_is_another_host) {
  const auto one = make_host_locks(clock, random, directory.path + "/1"), other = make_host_locks(clock, random, directory.path + "/2");
  const auto held = at_once(*one, {"a"});
  EXPECT_NE(at_once(*other, {"a"}), nullptr);
}

TEST_F(LocalLocks, a_directory_that_cannot_be_used_is_told) {
  const auto locks = make_host_locks(clock, random, directory.path + "/1");
  std::filesystem::remove_all(directory.path + "/1");
  const auto held = locks->acquire({"a"}, Deadline{Instant{}});
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, RefusalCode::unavailable);
}

/// Cinder's file locks are a file per volume, which somebody has to clean up.
TEST_F(LocalLocks, h11_no_file_is_left_behind_for_each_volume) {
  const auto locks = make_host_locks(clock, random, directory.path);
  for (int i = 0; i < 200; ++i) EXPECT_NE(at_once(*locks, {"backend/volume-" + std::to_string(i)}), nullptr);
  const std::filesystem::directory_iterator files(directory.path);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

/// Nested locks of drivers deadlock in Cinder; here all names are asked for in one call, which takes all or none.
TEST_F(LocalLocks, h11_opposite_orders_do_not_wait_for_each_other) {
  const auto locks = make_host_locks(clock, random, directory.path);
  std::atomic<int> done = 0;
  const auto work = [&](std::vector<std::string> names) {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(locks->acquire(names, Deadline::in(clock, 20s)));
    ++done;
  };
  clock.spawn("ab", [&] { work({"a", "b"}); });
  clock.spawn("ba", [&] { work({"b", "a"}); });
  clock.join_all();
  EXPECT_EQ(done, 2);
}

class DatabaseLocks : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
  }
  void TearDown() override {
    failpoint::disarm_all();
    for (const auto& one : made_) one->stop();
  }
  Locks& locks(Duration lease = 10s) {
    made_.push_back(make_database_locks(clock(), random_, database(), {.lease = lease}));
    return *made_.back();
  }
  bool commits(const Held& held) {
    try {
      database().write([&](db::Transaction& tx) { held.prove(tx); });
      return true;
    } catch (const db::GuardFailed& refused) {
      EXPECT_EQ(refused.label, "lock");
      return false;
    }
  }
  SystemRandom random_;

 private:
  std::vector<std::unique_ptr<Locks>> made_;
};
SCORIA_EVERY_ENGINE(DatabaseLocks);

TEST_P(DatabaseLocks, nodes_of_a_database_exclude_each_other) { exclude_each_other(locks(), locks(), clock()); }

TEST_P(DatabaseLocks, tokens_rise_for_each_name_whoever_had_it) {
  Locks &one = locks(), &other = locks();
  std::int64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const auto held = (i % 2 == 0 ? one : other).acquire(i % 3 == 0 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a"}, Deadline::in(clock(), 2s));
    ASSERT_TRUE(held);
    EXPECT_GT((*held)->token(), last);
    last = (*held)->token();
  }
}

TEST_P(DatabaseLocks, a_token_rises_though_its_row_was_purged) {
  Locks& one = locks();
  const std::int64_t before = at_once(one, {"a"})->token();
  database().write([](db::Transaction& tx) { tx.run("DELETE FROM lease_lock"); });
  EXPECT_GT(at_once(one, {"a"})->token(), before);
}

TEST_P(DatabaseLocks, a_lock_that_is_held_is_renewed) {
  Locks &one = locks(600ms), &other = locks(600ms);
  const auto held = at_once(one, {"a"});
  clock().sleep(1200ms);
  EXPECT_TRUE(held->valid());
  EXPECT_TRUE(commits(*held));
  EXPECT_EQ(at_once(other, {"a"}), nullptr);
}

/// In Cinder nobody looks at the answer of a lock's renewal, and no token reaches the driver: who was paused goes on as if
/// it still had the lock.
TEST_P(DatabaseLocks, h10_a_lock_that_was_not_renewed_says_so_and_its_late_commit_is_refused) {
  Locks &one = locks(400ms), &other = locks(10s);
  const auto late = at_once(one, {"a", "b"});
  failpoint::arm("locks.renew", "return(the node is paused)");
  const auto next = other.acquire({"b"}, Deadline::in(clock(), 3s));
  ASSERT_TRUE(next) << "a dead holder's lock never ended";
  EXPECT_FALSE(late->valid());
  EXPECT_GT((*next)->token(), late->token());
  EXPECT_FALSE(commits(*late));
  EXPECT_TRUE(commits(**next));
  failpoint::disarm_all();
  clock().sleep(250ms);  // the late one's keeper comes by again
  EXPECT_FALSE(late->valid());
  EXPECT_TRUE(commits(**next));
}

TEST_P(DatabaseLocks, a_commit_and_a_new_holder_wait_for_each_other) {
  Locks &one = locks(300ms), &other = locks();
  const auto held = at_once(one, {"a"});
  failpoint::arm("locks.renew", "return(paused)");
  clock().sleep(350ms);
  // Nobody has taken it yet, so nobody can have done anything under it: the commit may pass, and proves it to the next.
  EXPECT_TRUE(commits(*held));
  const auto next = other.acquire({"a"}, Deadline::in(clock(), 1s));
  ASSERT_TRUE(next);
  EXPECT_FALSE(commits(*held));
}

TEST_P(DatabaseLocks, an_answer_that_got_lost_leaves_no_lock_behind) {
  Locks &one = locks(), &other = locks();
  failpoint::arm("locks.taken", "1*drop_reply");
  const auto unknown = one.acquire({"a"}, Deadline{Instant{}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, RefusalCode::unavailable);
  EXPECT_TRUE(other.acquire({"a"}, Deadline::in(clock(), 2s)));
}

TEST_P(DatabaseLocks, what_is_given_back_while_the_database_is_away_runs_out) {
  Locks &one = locks(400ms), &other = locks();
  auto held = at_once(one, {"a"});
  failpoint::arm("locks.release", "return(away)");
  held.reset();
  EXPECT_TRUE(other.acquire({"a"}, Deadline::in(clock(), 2s)));
}

}  // namespace
}  // namespace scoria::locks
