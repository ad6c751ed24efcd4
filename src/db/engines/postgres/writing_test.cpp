#include <gtest/gtest.h>

#include <atomic>

#include "db/engines/postgres/testing.h"

namespace scoria::db::postgres {
namespace {

class Company : public WithThings {
 protected:
  /// `work(thread, i)` `times` times by each of `threads` threads at once.
  static void at_once(int threads, int times, const std::function<void(int, int)>& work) {
    SystemClock clock;
    for (int thread = 0; thread < threads; ++thread)
      clock.spawn("writer", [&, thread] {
        for (int i = 0; i < times; ++i) work(thread, i);
      });
    clock.join_all();
  }
  std::int64_t number_of(const std::string& id) {
    return database().read([&](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = ?", {id}).at(0, 0).integer(); });
  }
  std::int64_t deadlocks() {
    return database().read([](Transaction& tx) { return tx.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").at(0, 0).integer(); });
  }
};
INSTANTIATE_TEST_SUITE_P(On, Company, ::testing::Values(db::testing::Kind::postgres), db::testing::name_of);

TEST_P(Company, transactions_of_many_threads_share_commits_and_each_is_there_once) {
  const auto shared = open();
  at_once(16, 50, [&](int thread, int i) {
    shared->write([&](Transaction& tx) {
      tx.run(insert, {std::to_string(thread) + "/" + std::to_string(i), i});
      tx.guard("there", add_one, {"a"});
    });
  });
  EXPECT_EQ(count(database()), 802);
  EXPECT_EQ(number_of("a"), 801);
  EXPECT_EQ(shared->statistics().transactions, 800u);
  EXPECT_LT(shared->statistics().commits, 700u);
}

TEST_P(Company, refusals_and_errors_are_those_of_who_made_them) {
  const auto shared = open();
  std::atomic<int> guarded{0}, repeated{0}, unstorable{0}, good{0};
  at_once(12, 40, [&](int thread, int i) {
    const std::string id = std::to_string(thread) + "/" + std::to_string(i);
    try {
      shared->write([&](Transaction& tx) {
        tx.run(insert, {id, 1});
        if (thread == 0) tx.guard("nobody", add_one, {"nobody"});
        if (thread == 1) tx.run(insert, {"a", 1});
        if (thread == 2) tx.run(insert, {id + "\xff", 1});
      });
      ++good;
    } catch (const GuardFailed& failed) {
      guarded += failed.label == "nobody" && thread == 0 ? 1 : 0;
    } catch (const ConstraintError& error) {
      (error.unique ? repeated : unstorable) += thread == (error.unique ? 1 : 2) ? 1 : 0;
    }
  });
  EXPECT_EQ(guarded, 40);
  EXPECT_EQ(repeated, 40);
  EXPECT_EQ(unstorable, 40);
  EXPECT_EQ(good, 360);
  EXPECT_EQ(count(database()), 362) << "nothing of what was refused";
}

TEST_P(Company, what_one_wrote_decides_the_guard_of_the_next) {
  const auto shared = open();
  std::atomic<int> taken{0}, refused{0};
  at_once(16, 10, [&](int, int) {
    try {
      shared->write([](Transaction& tx) { tx.guard("full", "UPDATE thing SET number = number + 1 WHERE id = 'a' AND number < 51"); });
      ++taken;
    } catch (const GuardFailed&) {
      ++refused;
    }
  });
  EXPECT_EQ(taken, 50);
  EXPECT_EQ(refused, 110);
  EXPECT_EQ(number_of("a"), 51);
}

TEST_P(Company, rows_that_many_change_are_changed_in_one_order_by_every_node) {
  const auto one = open(), other = open();
  const std::int64_t before = deadlocks();
  at_once(16, 30, [&](int thread, int) {
    // Each by itself changes one such row; together they would change them in the order of those who came.
    Database& node = thread % 2 == 0 ? *one : *other;
    const std::string id = thread % 4 < 2 ? "a" : "b";
    node.write([&](Transaction& tx) {
      tx.contended(id);
      tx.guard("there", add_one, {id});
    });
  });
  EXPECT_EQ(number_of("a") + number_of("b"), 2 + 16 * 30);
  EXPECT_EQ(one->statistics().retries + other->statistics().retries, 0u);
  clock().sleep(20ms);
  EXPECT_EQ(deadlocks(), before);
}

TEST_P(Company, rows_that_were_not_known_to_be_changed_by_many_hold_nobody_up_until_the_server_finds_the_deadlock) {
  const auto one = open(), other = open();
  const std::int64_t before = deadlocks();
  at_once(16, 4, [&](int thread, int) {
    Database& node = thread % 2 == 0 ? *one : *other;
    node.write([&](Transaction& tx) { tx.guard("there", add_one, {thread % 4 < 2 ? "a" : "b"}); });
  });
  EXPECT_EQ(number_of("a") + number_of("b"), 2 + 16 * 4);
  clock().sleep(20ms);
  EXPECT_EQ(deadlocks(), before);
}

TEST_P(Company, what_others_depend_on_is_committed_alone) {
  const auto shared = open();
  at_once(8, 20, [&](int, int) {
    shared->write([&](Transaction& tx) {
      tx.contended();
      tx.guard("there", add_one, {"a"});
    });
  });
  EXPECT_EQ(number_of("a"), 161);
  EXPECT_EQ(shared->statistics().commits, 160u);
}

TEST_P(Company, one_that_ends_its_connection_does_not_do_so_to_others_for_long) {
  const auto shared = open({.attempts = 3});
  std::atomic<int> good{0}, bad{0};
  at_once(8, 20, [&](int thread, int i) {
    const std::string id = std::to_string(thread) + "/" + std::to_string(i);
    const bool kills = thread == 0 && i == 10;
    for (bool done = false; !done;) {
      try {
        shared->write([&](Transaction& tx) {
          if (kills) tx.run("SELECT pg_terminate_backend(pg_backend_pid())");
          tx.run("INSERT INTO thing (id, number) VALUES (?, 1) ON CONFLICT (id) DO NOTHING", {id});
        });
        ++good, done = true;
      } catch (const Error& error) {
        if (kills) ++bad;
        done = kills || !error.commit_unknown;  // the others look, as callers do: their rows are written once more
      }
    }
  });
  EXPECT_EQ(bad, 1);
  EXPECT_EQ(good, 159);
  EXPECT_EQ(count(database()), 2 + 159);
}

}  // namespace
}  // namespace scoria::db::postgres
