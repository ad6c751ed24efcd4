#include "db/database.h"

#include "base/failpoint.h"
#include "db/testing.h"
#include "db/values.h"

namespace scoria::db {
namespace {

class Transactions : public testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](Transaction& tx) {
      tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT NOT NULL CHECK (number >= 0), note TEXT)");
      tx.run("CREATE TABLE counted (id {seq}, note TEXT)");
      tx.run("INSERT INTO thing (id, number, note) VALUES ('a', 1, NULL)");
    });
  }
  void TearDown() override { failpoint::disarm_all(); }

  std::int64_t count(std::string_view table = "thing") {
    return database().read([&](Transaction& tx) { return tx.query("SELECT count(*) FROM " + std::string(table)).at(0, 0).integer(); });
  }
  std::int64_t number_of(std::string_view id) {
    return database().read([&](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = ?", {id}).at(0, 0).integer(); });
  }
};
SCORIA_EVERY_ENGINE(Transactions);

constexpr std::string_view insert = "INSERT INTO thing (id, number, note) VALUES (?, ?, ?)";
constexpr std::string_view add = "UPDATE thing SET number = number + ? WHERE id = ?";

TEST_P(Transactions, values_come_back_as_they_went_in) {
  const std::string note = "Grüße, \"quoted\" 'twice' {braces} ? \n 🐟";
  database().write([&](Transaction& tx) {
    tx.run(insert, {"b", std::int64_t{9'007'199'254'740'993}, note});
    tx.run(insert, {"c", 0, nullptr});
  });
  const Rows rows = database().read([](Transaction& tx) { return tx.query("SELECT id, number, note FROM thing WHERE id > ? ORDER BY id", {"a"}); });
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.at(0, 0).text(), "b");
  EXPECT_EQ(rows.at(0, 1).integer(), 9'007'199'254'740'993);
  EXPECT_EQ(rows.at(0, 2).text(), note);
  EXPECT_TRUE(rows.at(1, 2).null());
  EXPECT_THROW(rows.at(0, 0).integer(), Error);
  EXPECT_THROW(rows.at(0, 1).text(), Error);
}

TEST_P(Transactions, huge_text_is_stored_whole) {
  const std::string note(5 << 20, 'x');
  database().write([&](Transaction& tx) {
    tx.run(insert, {"b", 1, note});
    tx.run(insert, {"c", 1, note});
  });
  EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT note FROM thing WHERE id = 'c'"); }).at(0, 0).text(), note);
}

TEST_P(Transactions, text_that_no_engine_stores_is_refused_and_leaves_no_trace) {
  using std::string_literals::operator""s;
  for (const std::string& bad : {"a\0b"s, "\xff"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "cut \xf0\x9f\x90"s}) {
    EXPECT_THROW(database().write([&](Transaction& tx) {
      tx.run(insert, {"b", 1, "good"});
      tx.run(insert, {"c", 1, bad});
    }), ConstraintError);
  }
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, a_refusal_rolls_back) {
  const Result<int> answer = database().transact([&](Transaction& tx) -> Result<int> {
    tx.change(insert, {"b", 1, nullptr});
    return refuse(RefusalCode::invalid_state, "no");
  }, [](std::string_view) { return Refusal{}; });
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message, "no");
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, a_guard_that_touches_no_row_rolls_back_and_is_explained) {
  const Result<int> answer = database().transact([&](Transaction& tx) -> Result<int> {
    tx.guard("insert", insert, {"b", 1, nullptr});
    tx.guard("it's missing", add, {1, "nobody"});
    tx.guard("later", add, {1, "nobody"});
    return 1;
  }, [&](std::string_view label) {
    EXPECT_EQ(count(), 1);  // asked after the rollback: may look
    return Refusal{RefusalCode::not_found, std::string(label), {}};
  });
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message, "it's missing");
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, a_guard_that_touches_two_rows_fails) {
  database().write([&](Transaction& tx) { tx.run(insert, {"b", 1, nullptr}); });
  EXPECT_THROW(database().write([](Transaction& tx) { tx.guard("one", "UPDATE thing SET number = 5 WHERE number = 1"); }), GuardFailed);
  EXPECT_EQ(number_of("a"), 1);
}

TEST_P(Transactions, change_tells_how_many_rows_it_touched) {
  database().write([](Transaction& tx) {
    EXPECT_EQ(tx.change(insert, {"b", 1, nullptr}), 1);
    EXPECT_EQ(tx.change("UPDATE thing SET number = 7"), 2);
    EXPECT_EQ(tx.change("UPDATE thing SET number = 7 WHERE id = 'nobody'"), 0);
    EXPECT_EQ(tx.change("INSERT INTO thing (id, number) VALUES ('a', 2) ON CONFLICT (id) DO NOTHING"), 0);
    EXPECT_EQ(tx.change("INSERT INTO thing (id, number) VALUES ('a', 2) ON CONFLICT (id) DO UPDATE SET number = excluded.number"), 1);
    EXPECT_EQ(tx.change("DELETE FROM thing"), 2);
  });
  EXPECT_EQ(count(), 0);
}

TEST_P(Transactions, a_transaction_sees_its_own_changes_and_rows_returned) {
  database().write([](Transaction& tx) {
    tx.run(insert, {"b", 4, nullptr});
    tx.run(add, {2, "b"});
    EXPECT_EQ(tx.query("SELECT number FROM thing WHERE id = 'b'").at(0, 0).integer(), 6);
    EXPECT_EQ(tx.query("UPDATE thing SET number = number + 1 WHERE id = ? RETURNING number", {"b"}).at(0, 0).integer(), 7);
  });
  EXPECT_EQ(number_of("b"), 7);
}

TEST_P(Transactions, constraints_are_told_apart_and_leave_no_trace) {
  const auto attempt = [&](Values values) -> std::optional<bool> {
    try {
      database().write([&](Transaction& tx) {
        tx.run(insert, {"b", 1, nullptr});
        tx.run(insert, values);
      });
    } catch (const ConstraintError& error) {
      EXPECT_FALSE(error.constraint.empty());
      return error.unique;
    }
    return std::nullopt;
  };
  EXPECT_EQ(attempt({"a", 1, nullptr}), true);
  EXPECT_EQ(attempt({"c", -1, nullptr}), false);
  EXPECT_EQ(attempt({"c", nullptr, nullptr}), false);
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, a_failed_statement_fails_the_transaction_even_if_nobody_listens) {
  EXPECT_THROW(database().write([](Transaction& tx) {
    tx.change(insert, {"b", 1, nullptr});
    try {
      tx.change(insert, {"a", 1, nullptr});
    } catch (const ConstraintError&) {
    }
  }), Error);
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, an_exception_of_the_work_rolls_back_and_passes_through) {
  struct Killed {};  // no std::exception
  EXPECT_THROW(database().write([](Transaction& tx) {
    tx.change(insert, {"b", 1, nullptr});
    throw Killed{};
  }), Killed);
  EXPECT_EQ(count(), 1);
  EXPECT_THROW(database().read([](Transaction&) -> int { throw Killed{}; }), Killed);
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, a_read_cannot_write) {
  EXPECT_THROW(database().read([](Transaction& tx) { return tx.change(add, {1, "a"}); }), Error);
  EXPECT_THROW(database().read_one([](Transaction& tx) { return tx.change(add, {1, "a"}); }), Error);
  EXPECT_EQ(number_of("a"), 1);
}

TEST_P(Transactions, a_read_of_one_statement_sees_what_was_committed) {
  database().write([](Transaction& tx) { tx.run(add, {1, "a"}); });
  EXPECT_EQ(database().read_one([](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = 'a'").at(0, 0).integer(); }), 2);
  EXPECT_EQ(database().read_one([](Transaction&) { return 1; }), 1);
}

TEST_P(Transactions, wrong_sql_or_a_wrong_number_of_values_is_an_error_and_the_database_goes_on) {
  EXPECT_THROW(database().write([](Transaction& tx) { tx.run("INSERT INTO nowhere VALUES (1)"); }), Error);
  EXPECT_THROW(database().write([](Transaction& tx) { tx.run(add, {1}); }), Error);
  EXPECT_THROW(database().read([](Transaction& tx) { return tx.query("SELECT 1 +"); }), Error);
  EXPECT_EQ(count(), 1);
}

TEST_P(Transactions, counted_keys_are_never_given_twice) {
  const auto next = [&] {
    return database().write([](Transaction& tx) {
      return tx.query("INSERT INTO counted (note) VALUES ('x') RETURNING id").at(0, 0).integer();
    });
  };
  const std::int64_t first = next();
  database().write([](Transaction& tx) { tx.run("DELETE FROM counted"); });
  EXPECT_GT(next(), first);
}

TEST_P(Transactions, the_database_has_a_clock_in_microseconds) {
  const std::int64_t now = database().read([](Transaction& tx) { return tx.query("SELECT scoria_now()").at(0, 0).integer(); });
  EXPECT_GT(now, 1'700'000'000'000'000);
  EXPECT_LT(now, 4'000'000'000'000'000);
  EXPECT_EQ(database().write([&](Transaction& tx) { return tx.change("UPDATE thing SET number = 3 WHERE scoria_now() - ? BETWEEN 0 AND 60000000", {now}); }), 1);
}

TEST_P(Transactions, fragments_mean_the_same_everywhere) {
  database().write([](Transaction& tx) {
    tx.run(insert, {"b", 2, "{\"key\":\"va\\\"lue\",\"a.b\":\"dot\",\"$x\":\"money\",\"1\":\"one\",\"\":\"empty\",\"ü\":\"odd\",\"k\\n\":\"line\"}"});
  });
  database().write([](Transaction& tx) {
    const auto text = [&](std::string_view key) -> Value { return tx.query("SELECT {json_text:note:?} FROM thing WHERE id = 'b'", {key}).at(0, 0); };
    EXPECT_EQ(text("key").text(), "va\"lue");
    EXPECT_EQ(text("a.b").text(), "dot");
    EXPECT_EQ(text("$x").text(), "money");
    EXPECT_EQ(text("1").text(), "one");
    EXPECT_EQ(text("").text(), "empty");
    EXPECT_EQ(text("ü").text(), "odd");
    EXPECT_EQ(text("k\n").text(), "line");
    EXPECT_TRUE(text("Key").null());
    EXPECT_TRUE(tx.query("SELECT {json_text:note:?} FROM thing WHERE id = 'a'", {"key"}).at(0, 0).null());
    const auto ids = [&](std::string_view where, Value value) {
      std::string all;
      const Rows rows = tx.query("SELECT id FROM thing WHERE " + std::string(where) + " ORDER BY id{for_share}", {std::move(value)});
      for (std::size_t row = 0; row < rows.size(); ++row) all += rows.at(row, 0).text();
      return all;
    };
    EXPECT_EQ(ids("{in:id:?}", list_of({std::string("a"), std::string("q\"\\\n"), std::string("b")})), "ab");
    EXPECT_EQ(ids("{in:id:?}", list_of(std::vector<std::string>{})), "");
    EXPECT_EQ(ids("{in_numbers:number:?}", list_of(std::vector<std::int64_t>{2, 3})), "b");
    EXPECT_EQ(ids("{contains:note:?}", "%\"lue"), "");
    EXPECT_EQ(ids("{contains:note:?}", "dot"), "b");
    EXPECT_EQ(ids("{contains:note:?}", "DOT"), "");
    EXPECT_EQ(ids("{greatest}(number, ?) = 2", 1), "b");
    return 0;
  });
}

TEST_P(Transactions, an_injected_fault_before_the_commit_leaves_nothing_and_says_so) {
  for (const char* site : {"db.transaction.before_begin", "db.transaction.before_commit"}) {
    failpoint::arm(site, "1*return(gone)");
    try {
      database().write([](Transaction& tx) { tx.run(insert, {"b", 1, nullptr}); });
      ADD_FAILURE() << "committed in spite of " << site;
    } catch (const Error& error) {
      EXPECT_FALSE(error.commit_unknown);
    }
    EXPECT_EQ(count(), 1);
  }
}

TEST_P(Transactions, a_lost_commit_answer_is_unknown_and_the_row_is_there) {
  failpoint::arm("db.transaction.after_commit", "1*drop_reply");
  try {
    database().write([](Transaction& tx) { tx.run(insert, {"b", 1, nullptr}); });
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_TRUE(error.commit_unknown);
  }
  EXPECT_EQ(count(), 2);
}

TEST_P(Transactions, sixteen_writers_lose_no_update) {
  constexpr int writers = 16;
  constexpr int rounds = 25;
  std::atomic<int> failures{0};
  {
    SystemClock threads;
    for (int writer = 0; writer < writers; ++writer)
      threads.spawn("writer", [&, writer] {
        for (int round = 0; round < rounds; ++round) {
          try {
            database().write([&](Transaction& tx) {
              tx.guard("new", insert, {std::to_string(writer) + "." + std::to_string(round), round, nullptr});
              tx.guard("sum", add, {1, "a"});
            });
          } catch (const std::exception& error) {
            ++failures;
          }
        }
      });
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(number_of("a"), 1 + writers * rounds);
  EXPECT_EQ(count(), 1 + writers * rounds);
}

TEST_P(Transactions, a_read_sees_one_state_however_many_statements_it_has) {
  std::atomic<bool> stop{false};
  int torn = 0;
  database().write([](Transaction& tx) { tx.run(insert, {"b", 1, nullptr}); });
  {
    SystemClock threads;
    threads.spawn("writer", [&] {
      while (!stop) database().write([](Transaction& tx) { tx.run("UPDATE thing SET number = number + 1"); });
    });
    for (int round = 0; round < 100; ++round)
      torn += database().read([](Transaction& tx) {
        const std::int64_t a = tx.query("SELECT number FROM thing WHERE id = ?", {"a"}).at(0, 0).integer();
        const std::int64_t b = tx.query("SELECT number FROM thing WHERE id = ?", {"b"}).at(0, 0).integer();
        return a == b ? 0 : 1;
      });
    stop = true;
  }
  EXPECT_EQ(torn, 0);
}

TEST_P(Transactions, a_poke_reaches_the_listener) {
  Signal poked;
  std::mutex mutex;
  std::string queue;
  database().on_poke([&](std::string_view name) {
    {
      const std::lock_guard lock(mutex);
      queue = name;
    }
    poked.raise();
  });
  database().poke("host@file");
  ASSERT_TRUE(clock().wait(poked, std::chrono::seconds{5}));
  database().on_poke({});
  EXPECT_EQ(queue, "host@file");
  database().poke("nobody listens");
  EXPECT_EQ(queue, "host@file");
}

TEST_P(Transactions, a_beacon_is_seen_while_held) {
  EXPECT_TRUE(database().beacons_held({1, 2}).empty());
  database().hold_beacon(2);
  EXPECT_EQ(database().beacons_held({1, 2, 3}), std::vector<std::int64_t>{2});
  EXPECT_TRUE(database().beacons_held({}).empty());
}

using TransactionsDeathTest = Transactions;
SCORIA_EVERY_ENGINE(TransactionsDeathTest);

TEST_P(TransactionsDeathTest, a_transaction_inside_another_aborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto inner = [&](Transaction&) { return count(); };
  EXPECT_DEATH(database().write(inner), "inside a transaction");
  EXPECT_DEATH(database().read(inner), "inside a transaction");
  EXPECT_DEATH(database().read_one([](Transaction& tx) {
    tx.query("SELECT 1");
    tx.query("SELECT 2");
  }), "a read of one");
}

}  // namespace
}  // namespace scoria::db
