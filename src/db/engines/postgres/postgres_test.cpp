#include <gtest/gtest.h>

#include "base/failpoint.h"
#include "db/engines/postgres/testing.h"

namespace scoria::db {
namespace {

using postgres::add_one;
using postgres::insert;

class Postgres : public postgres::WithThings {
 protected:
  void TearDown() override { failpoint::disarm_all(); }

  /// A COMMIT that waits for a standby that does not exist (see tests/postgres.sh) until `call` is made on its process.
  /// Tells Error::commit_unknown, or nothing if the commit was answered.
  std::optional<bool> commit_interrupted_by(std::string_view call) {
    const auto waits = open({.statement_timeout = 500ms}, "synchronous_commit=on");
    std::int64_t backend = 0;
    std::optional<bool> unknown;
    SystemClock threads;
    threads.spawn("commit", [&] {
      try {
        waits->write([&](Transaction& tx) { tx.run(insert, {std::string(call), 1}); });
      } catch (const Error& error) {
        unknown = error.commit_unknown;
      }
    });
    for (int look = 0; look < 500 && backend == 0; ++look) {
      clock().sleep(5ms);
      database().read([&](Transaction& tx) {
        const Rows rows = tx.query("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()");
        if (!rows.empty()) backend = rows.at(0, 0).integer();
      });
    }
    database().read([&](Transaction& tx) { tx.query(fmt::format("SELECT {}", call), {backend}); });
    threads.join_all();
    database().read([&](Transaction& tx) { tx.query("SELECT pg_cancel_backend(?::int)", {backend}); });
    return unknown;
  }
};
INSTANTIATE_TEST_SUITE_P(On, Postgres, ::testing::Values(testing::Kind::postgres), testing::name_of);

TEST_P(Postgres, a_transaction_that_asks_nothing_costs_one_round_trip) {
  EXPECT_EQ(round_trips([&] {
    database().write([](Transaction& tx) {
      for (int guard = 0; guard < 5; ++guard) tx.guard("g", add_one, {"a"});
    });
  }), 1u);
  EXPECT_EQ(round_trips([&] {
    database().write([](Transaction& tx) {
      tx.run(add_one, {"a"});
      tx.query("SELECT number FROM thing");
      tx.run(add_one, {"a"});
    });
  }), 2u);
  EXPECT_EQ(round_trips([&] { database().write([](Transaction&) {}); }), 0u);
}

TEST_P(Postgres, a_read_costs_one_round_trip_per_statement) {
  EXPECT_EQ(round_trips([&] { count(database()); }), 1u);
  EXPECT_EQ(round_trips([&] {
    database().read([](Transaction& tx) {
      tx.query("SELECT 1");
      return tx.query("SELECT number FROM thing");
    });
  }), 2u);
}

TEST_P(Postgres, look_ups_of_many_threads_are_each_answered_and_share_round_trips) {
  const auto shared = open();
  std::atomic<int> right{0}, refused{0};
  {
    SystemClock threads;
    for (int thread = 0; thread < 16; ++thread)
      threads.spawn("reader", [&, thread] {
        for (int i = 0; i < 20; ++i) {
          const std::int64_t wanted = thread * 1000 + i;
          right += shared->read_one([&](Transaction& tx) { return tx.query("SELECT ? + count(*) - 2 FROM thing", {wanted}).at(0, 0).integer(); }) == wanted;
          try {
            if (thread < 3) shared->read_one([](Transaction& tx) { tx.query("SELECT 1 / (number - 1) FROM thing"); });
          } catch (const Error&) {
            ++refused;
          }
        }
      });
  }
  EXPECT_EQ(right, 320) << "errors of others are nobody else's";
  EXPECT_EQ(refused, 60);
  EXPECT_LT(shared->statistics().round_trips, shared->statistics().reads + 60 + 20);
}

TEST_P(Postgres, a_look_up_that_ends_its_connection_takes_nobody_with_it) {
  const auto shared = open({.attempts = 3});
  std::atomic<int> right{0};
  {
    SystemClock threads;
    threads.spawn("killer", [&] {
      for (int i = 0; i < 2; ++i)
        EXPECT_THROW(shared->read_one([](Transaction& tx) { tx.query("SELECT pg_terminate_backend(pg_backend_pid())"); }), Error);
    });
    for (int thread = 0; thread < 6; ++thread)
      threads.spawn("reader", [&] {
        for (int i = 0; i < 20; ++i) right += shared->read_one([](Transaction& tx) { return tx.query("SELECT count(*) FROM thing").at(0, 0).integer(); }) == 2;
      });
  }
  EXPECT_EQ(right, 120);
}

TEST_P(Postgres, a_refused_transaction_costs_no_wait_for_its_rollback) {
  EXPECT_EQ(round_trips([&] {
    database().run_transaction([](Transaction& tx) {
      tx.change(add_one, {"a"});
      return false;
    });
  }), 1u);
  EXPECT_EQ(round_trips([&] {
    EXPECT_THROW(database().write([](Transaction& tx) { tx.guard("g", add_one, {"nobody"}); }), GuardFailed);
  }), 1u);
}

TEST_P(Postgres, a_server_that_ended_every_connection_is_not_noticed_by_callers) {
  for (const auto pause : {0ms, 600ms}) {  // in constant use, and idle long enough to be looked at
    const std::int64_t mine = database().write([](Transaction& tx) { return pid(tx); });
    terminate(*open(), mine);
    clock().sleep(pause);
    database().write([](Transaction& tx) { tx.guard("g", add_one, {"a"}); });
    terminate(*open(), database().read([](Transaction& tx) { return pid(tx); }));
    clock().sleep(pause);
    EXPECT_EQ(count(database()), 2);
  }
  EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = 'a'").at(0, 0).integer(); }), 3);
}

TEST_P(Postgres, a_link_lost_before_the_commit_runs_the_work_again) {
  int runs = 0;
  database().write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    if (++runs == 1) terminate(*open(), pid(tx));
    tx.change(insert, {"c", 1});
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(database().statistics().retries, 1u);
  EXPECT_EQ(count(database()), 3);
  EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = 'a'").at(0, 0).integer(); }), 2);
}

TEST_P(Postgres, a_link_lost_with_the_commit_under_way_is_unknown) {
  database().write([](Transaction& tx) { tx.run(insert, {"warm", 1}); });
  failpoint::arm("db.postgres.sent", "1*drop_reply");
  try {
    database().write([](Transaction& tx) { tx.run(insert, {"c", 1}); });
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_TRUE(error.commit_unknown);
  }
  // The same id again waits for a late first commit and loses to it.
  try {
    database().write([](Transaction& tx) { tx.run(insert, {"c", 1}); });
  } catch (const ConstraintError& error) {
    EXPECT_TRUE(error.unique);
  }
  EXPECT_EQ(count(database()), 4);
}

TEST_P(Postgres, a_commit_whose_wait_for_the_standby_is_cut_short_is_unknown) {
  // Cancelled, it is answered as success with a warning; ended, not at all; and we do not wait for ever either.
  EXPECT_EQ(commit_interrupted_by("pg_cancel_backend(?::int)"), true);
  EXPECT_EQ(commit_interrupted_by("pg_terminate_backend(?::int, 5000)"), true);
  EXPECT_EQ(commit_interrupted_by("?"), true);
  // All three committed; the last one shows a moment after its server was told to stop waiting.
  for (int look = 0; look < 500 && count(database()) < 5; ++look) clock().sleep(10ms);
  EXPECT_EQ(count(database()), 5);
}

TEST_P(Postgres, what_fails_at_the_commit_itself_is_told_and_leaves_nothing) {
  database().write([](Transaction& tx) { tx.run("CREATE TABLE late (id TEXT UNIQUE DEFERRABLE INITIALLY DEFERRED)"); });
  for (const bool asks : {false, true}) {
    try {
      database().write([&](Transaction& tx) {
        for (int i = 0; i < 2; ++i) tx.run("INSERT INTO late VALUES ('twice')");
        if (asks) tx.query("SELECT id FROM late");
      });
      ADD_FAILURE() << "nothing failed";
    } catch (const ConstraintError& error) {
      EXPECT_TRUE(error.unique);
      EXPECT_FALSE(error.commit_unknown);
    }
    EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT id FROM late").size(); }), 0u);
    database().write([](Transaction& tx) { tx.run("INSERT INTO late VALUES ('once')"); });
    EXPECT_EQ(database().write([](Transaction& tx) { return tx.change("DELETE FROM late"); }), 1);
  }
}

TEST_P(Postgres, one_connection_reads_snapshots_and_writes_by_turns) {
  const auto one = open({.connections = 1});
  const auto told = [](Transaction& tx) { return tx.query("SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')").at(0, 0).text(); };
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(one->read(told), "repeatable read on");
    EXPECT_EQ(one->read_one(told), "repeatable read on");
    EXPECT_THROW(one->read([](Transaction& tx) { tx.change(insert, {"x", 1}); }), Error);
    EXPECT_EQ(one->write(told), "read committed off");
    one->write([](Transaction& tx) { tx.run(add_one, {"a"}); });
  }
  EXPECT_EQ(one->statistics().retries, 0u);
  EXPECT_EQ(count(*one), 2);
}

TEST_P(Postgres, deadlocked_transactions_are_run_again_whole) {
  const auto quick = open({}, "deadlock_timeout=20ms");
  std::atomic<int> arrived{0};
  const auto swap = [&](const char* first, const char* second) {
    bool met = false;
    quick->write([&](Transaction& tx) {
      tx.change(add_one, {first});
      if (!std::exchange(met, true)) {
        ++arrived;
        for (int look = 0; look < 1000 && arrived < 2; ++look) clock().sleep(1ms);
      }
      tx.change(add_one, {second});
    });
  };
  {
    SystemClock threads;
    threads.spawn("ab", [&] { swap("a", "b"); });
    threads.spawn("ba", [&] { swap("b", "a"); });
  }
  EXPECT_GE(quick->statistics().retries, 1u);
  const Rows rows = database().read([](Transaction& tx) { return tx.query("SELECT number FROM thing"); });
  EXPECT_EQ(rows.at(0, 0).integer(), 3);
  EXPECT_EQ(rows.at(1, 0).integer(), 3);
}

TEST_P(Postgres, waiting_for_a_connection_has_its_own_limit) {
  const auto narrow = open({.connections = 1, .pool_wait = 50ms});
  narrow->write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    SystemClock threads;
    threads.spawn("second", [&] { EXPECT_THROW(count(*narrow), Error); });
  });
  EXPECT_EQ(count(*narrow), 2);
}

TEST_P(Postgres, a_statement_that_takes_too_long_is_given_up) {
  const auto hasty = open({.statement_timeout = 100ms});
  EXPECT_THROW(hasty->read([](Transaction& tx) { return tx.query("SELECT pg_sleep(10)"); }), Error);
  EXPECT_THROW(hasty->write([](Transaction& tx) { return tx.query("SELECT pg_sleep(10)"); }), Error);
  EXPECT_EQ(count(*hasty), 2);
}

TEST_P(Postgres, a_change_of_the_schema_may_take_its_time) {
  const auto hasty = open({.statement_timeout = 100ms});
  hasty->run_schema_change([](Transaction& tx) {
    tx.query("SELECT pg_sleep(0.4)");
    tx.run("CREATE TABLE slowly (id BIGINT PRIMARY KEY)");
    return true;
  });
  EXPECT_TRUE(hasty->read_one([](Transaction& tx) { return tx.query("SELECT id FROM slowly"); }).empty());
}

TEST_P(Postgres, without_a_server_calls_fail_at_once_and_say_why) {
  const auto nowhere = open_postgres(clock(), random_, {.connection = "host=127.0.0.1 port=1 dbname=x"});
  EXPECT_THROW(count(*nowhere), Error);
  const auto wrong = open_postgres(clock(), random_, {.connection = "host"});
  EXPECT_THROW(count(*wrong), Error);
}

TEST_P(Postgres, a_stopped_process_does_not_keep_its_locks) {
  const auto stopped = open({.idle_in_transaction_timeout = 100ms});
  int runs = 0;
  stopped->write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    if (++runs > 1) return;
    database().write([](Transaction& other) { other.run("SELECT 1 FROM thing WHERE id = 'a' FOR UPDATE"); });
    clock().sleep(50ms);
  });
  EXPECT_EQ(runs, 2);
}

TEST_P(Postgres, a_changed_schema_makes_no_statement_fail) {
  const auto read_all = [&] { return database().read([](Transaction& tx) { return tx.query("SELECT * FROM thing"); }).columns(); };
  EXPECT_EQ(read_all(), 3u);
  open()->write([](Transaction& tx) { tx.run("ALTER TABLE thing ADD COLUMN more TEXT"); });
  EXPECT_EQ(read_all(), 4u);
}

TEST_P(Postgres, what_has_an_index_is_found_by_it_while_its_table_is_small_and_goes_on_so) {
  database().write([](Transaction& tx) { tx.run("ANALYZE thing"); });
  const std::string plan = database().read([](Transaction& tx) { return tx.query("EXPLAIN SELECT number FROM thing WHERE id = 'a'").at(0, 0).text(); });
  EXPECT_TRUE(plan.starts_with("Index Scan using thing_pkey")) << plan;
}

TEST_P(Postgres, a_null_fits_any_parameter_and_what_follows_it_too) {
  const auto set = [&](Value number, Value small) {
    database().write([&](Transaction& tx) {
      tx.guard("set", "UPDATE thing SET number = ?, small = CASE WHEN ? = 1 THEN 1 ELSE 0 END WHERE id = 'a'", {number, small});
    });
  };
  set(nullptr, nullptr);
  set(std::int64_t{1} << 60, std::int64_t{1} << 60);
  set(nullptr, 1);
  set(7, nullptr);
  EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = 'a'").at(0, 0).integer(); }), 7);
}

TEST_P(Postgres, results_become_integers_or_text) {
  database().read([](Transaction& tx) {
    const Rows row = tx.query("SELECT sum(number), 1 = 1, 1.5, avg(number), id, 2::smallint FROM thing GROUP BY id ORDER BY id LIMIT 1");
    EXPECT_EQ(row.at(0, 0).integer(), 1);
    EXPECT_TRUE(row.at(0, 1).flag());
    EXPECT_EQ(row.at(0, 2).text(), "1.5");
    EXPECT_EQ(row.at(0, 4).text(), "a");
    EXPECT_EQ(row.at(0, 5).integer(), 2);
  });
}

TEST_P(Postgres, batches_of_any_size_pass_without_a_deadlock_of_buffers) {
  database().write([](Transaction& tx) {
    for (int row = 0; row < 2000; ++row) tx.run(insert, {std::to_string(row), row});
    for (int row = 0; row < 100; ++row) tx.run("SELECT repeat('x', 1000000), ?", {std::string(200'000, 'y')});
  });
  EXPECT_EQ(count(database()), 2002);
}

TEST_P(Postgres, many_different_statements_stay_within_bounds) {
  const auto one = open({.connections = 1});
  for (int number = 0; number < 1000; ++number)
    one->read([&](Transaction& tx) { EXPECT_EQ(tx.query(fmt::format("SELECT {}", number)).at(0, 0).integer(), number); });
  const std::int64_t prepared = one->read([](Transaction& tx) { return tx.query("SELECT count(*) FROM pg_prepared_statements").at(0, 0).integer(); });
  EXPECT_LT(prepared, 500);
}

class PostgresSession : public Postgres {
 protected:
  void listen(Database& database) {
    database.on_poke([this](std::string_view queue) {
      {
        const std::lock_guard lock(mutex_);
        ++heard_[std::string(queue)];
      }
      heard_signal_.raise();
    });
  }
  bool hears(const std::string& queue, int times = 1) {
    for (int look = 0; look < 500; ++look) {
      {
        const std::lock_guard lock(mutex_);
        if (heard_[queue] >= times) return true;
      }
      clock().wait(heard_signal_, 10ms);
    }
    return false;
  }
  void end_sessions() {
    database().read([](Transaction& tx) {
      return tx.query("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_%notify%' OR query LIKE 'SELECT pg_try_advisory%'");
    });
  }
  std::mutex mutex_;
  std::map<std::string, int> heard_;
  Signal heard_signal_;
};
INSTANTIATE_TEST_SUITE_P(On, PostgresSession, ::testing::Values(testing::Kind::postgres), testing::name_of);

TEST_P(PostgresSession, a_poke_reaches_other_processes_and_our_own_once) {
  const auto other = open();
  listen(*other);
  ASSERT_TRUE(hears(""));  // connected: look at all queues
  other->poke("own");
  database().poke("theirs");
  EXPECT_TRUE(hears("own"));
  EXPECT_TRUE(hears("theirs"));
  clock().sleep(50ms);
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(heard_["own"], 1);
  EXPECT_EQ(heard_["theirs"], 1);
}

TEST_P(PostgresSession, many_pokes_of_one_queue_become_few) {
  const auto other = open();
  listen(*other);
  ASSERT_TRUE(hears(""));
  for (int poke = 0; poke < 2000; ++poke) database().poke("busy");
  EXPECT_TRUE(hears("busy"));
  clock().sleep(50ms);
  const std::lock_guard lock(mutex_);
  EXPECT_LT(heard_["busy"], 200);
}

TEST_P(PostgresSession, after_a_loss_it_listens_again_and_says_so) {
  const auto other = open();
  listen(*other);
  ASSERT_TRUE(hears(""));
  end_sessions();
  ASSERT_TRUE(hears("", 2));
  database().poke("after");
  EXPECT_TRUE(hears("after"));
}

TEST_P(PostgresSession, a_beacon_is_seen_by_others_comes_back_after_a_loss_and_ends_with_its_holder) {
  auto holder = open();
  holder->hold_beacon(7);
  EXPECT_EQ(database().beacons_held({6, 7}), std::vector<std::int64_t>{7});
  end_sessions();
  bool back = false;
  for (int look = 0; look < 500 && !back; ++look) {
    clock().sleep(10ms);
    back = !database().beacons_held({7}).empty();
  }
  EXPECT_TRUE(back);
  holder.reset();
  bool gone = false;
  for (int look = 0; look < 500 && !gone; ++look) {
    gone = database().beacons_held({7}).empty();
    clock().sleep(2ms);
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace scoria::db
