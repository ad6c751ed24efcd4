#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "db/engines/mariadb.h"
#include "db/engines/mariadb/address.h"
#include "db/engines/mariadb/pokes.h"
#include "db/migrate.h"
#include "db/testing.h"

namespace scoria::db {
namespace {

constexpr std::string_view insert = "INSERT INTO thing (id, number) VALUES (?, ?)";
constexpr std::string_view add_one = "UPDATE thing SET number = number + 1 WHERE id = ?";

class Mariadb : public testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([&](Transaction& tx) {
      tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT, small INTEGER)");
      tx.run("INSERT INTO thing (id, number) VALUES ('a', 1), ('b', 1)");
    });
  }
  void TearDown() override { failpoint::disarm_all(); }

  std::unique_ptr<Database> open(MariadbOptions options = {}) {
    options.connection = address();
    return open_mariadb(clock(), random_, options);
  }
  std::int64_t count(Database& from) {
    return from.read([](Transaction& tx) { return tx.query("SELECT count(*) FROM thing").at(0, 0).integer(); });
  }
  std::int64_t number_of(std::string_view id) {
    return database().read_one([&](Transaction& tx) { return tx.query("SELECT number FROM thing WHERE id = ?", {id}).at(0, 0).integer(); });
  }
  static std::int64_t connection_of(Transaction& tx) { return tx.query("SELECT connection_id()").at(0, 0).integer(); }
  static void terminate(Database& from, std::int64_t connection) {
    from.read_one([&](Transaction& tx) { tx.run("KILL " + std::to_string(connection)); });
  }

  SystemRandom random_;
};
INSTANTIATE_TEST_SUITE_P(On, Mariadb, ::testing::Values(testing::Kind::mariadb), testing::name_of);

TEST_P(Mariadb, a_server_that_ended_every_connection_is_not_noticed_by_callers) {
  for (const auto pause : {0ms, 600ms}) {  // in constant use, and idle long enough to be looked at
    const std::int64_t mine = database().write([](Transaction& tx) { return connection_of(tx); });
    terminate(*open(), mine);
    clock().sleep(pause);
    database().write([](Transaction& tx) { tx.guard("g", add_one, {"a"}); });
    terminate(*open(), database().read([](Transaction& tx) { return connection_of(tx); }));
    clock().sleep(pause);
    EXPECT_EQ(count(database()), 2);
  }
  EXPECT_EQ(number_of("a"), 3);
}

TEST_P(Mariadb, a_link_lost_before_the_commit_runs_the_work_again) {
  int runs = 0;
  database().write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    if (++runs == 1) terminate(*open(), connection_of(tx));
    tx.change(insert, {"c", 1});
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(database().statistics().retries, 1u);
  EXPECT_EQ(count(database()), 3);
  EXPECT_EQ(number_of("a"), 2);
}

TEST_P(Mariadb, a_link_lost_with_the_commit_under_way_is_unknown) {
  failpoint::arm("db.mariadb.committed", "1*drop_reply");
  try {
    database().write([](Transaction& tx) { tx.run(insert, {"c", 1}); });
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_TRUE(error.commit_unknown);
  }
  // The same id again waits for a late first commit and loses to it.
  try {
    database().write([](Transaction& tx) { tx.run(insert, {"c", 1}); });
    ADD_FAILURE() << "no error";
  } catch (const ConstraintError& error) {
    EXPECT_TRUE(error.unique);
  }
  EXPECT_EQ(count(database()), 3);
}

TEST_P(Mariadb, deadlocked_transactions_are_run_again_whole) {
  std::atomic<int> arrived{0};
  const auto swap = [&](const char* first, const char* second) {
    bool met = false;
    database().write([&](Transaction& tx) {
      tx.change(add_one, {first});
      if (!std::exchange(met, true)) {
        ++arrived;
        for (int look = 0; look < 500 && arrived < 2; ++look) clock().sleep(2ms);
      }
      tx.change(add_one, {second});
    });
  };
  {
    SystemClock threads;
    threads.spawn("one", [&] { swap("a", "b"); });
    threads.spawn("two", [&] { swap("b", "a"); });
  }
  EXPECT_GE(database().statistics().retries, 1u);
  EXPECT_EQ(number_of("a"), 3);
  EXPECT_EQ(number_of("b"), 3);
}

TEST_P(Mariadb, a_wait_for_a_lock_that_takes_too_long_runs_the_work_again) {
  const auto hasty = open({.statement_timeout = 1s, .attempts = 2});
  database().write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    SystemClock threads;
    threads.spawn("waits", [&] { EXPECT_THROW(hasty->write([](Transaction& other) { other.change(add_one, {"a"}); }), Error); });
  });
  EXPECT_EQ(number_of("a"), 2);
}

TEST_P(Mariadb, a_waiting_for_a_connection_has_its_own_limit) {
  const auto narrow = open({.connections = 1, .pool_wait = 50ms});
  narrow->write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    SystemClock threads;
    threads.spawn("second", [&] { EXPECT_THROW(count(*narrow), Error); });
  });
  EXPECT_EQ(count(*narrow), 2);
}

TEST_P(Mariadb, a_statement_that_takes_too_long_is_given_up) {
  const auto hasty = open({.statement_timeout = 100ms});
  // Of the server's functions only sleep() takes time by itself, and it ends early instead of failing: a slow query does it.
  EXPECT_THROW(hasty->read_one([](Transaction& tx) { return tx.query("SELECT count(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq + b.seq = 3"); }), Error);
  EXPECT_EQ(count(*hasty), 2);
}

TEST_P(Mariadb, a_stopped_process_does_not_keep_its_locks) {
  const auto stopped = open({.idle_in_transaction_timeout = 1s});
  int runs = 0;
  stopped->write([&](Transaction& tx) {
    tx.change(add_one, {"a"});
    if (++runs > 1) return;
    database().write([](Transaction& other) { other.change(add_one, {"a"}); });
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(number_of("a"), 3);
}

TEST_P(Mariadb, without_a_server_calls_fail_at_once_and_say_why) {
  const auto nowhere = open_mariadb(clock(), random_, {.connection = "mariadb://u:p@127.0.0.1:1/x"});
  EXPECT_THROW(count(*nowhere), Error);
  EXPECT_THROW(open_mariadb(clock(), random_, {.connection = "mariadb://host"}), Error);
}

TEST_P(Mariadb, of_several_hosts_the_first_that_lives_is_used) {
  std::string several = address();
  several.insert(several.find('@') + 1, "127.0.0.1:1,");
  const auto database = open_mariadb(clock(), random_, {.connection = several});
  EXPECT_EQ(count(*database), 2);
}

TEST_P(Mariadb, a_host_that_says_nothing_is_asked_once_and_not_by_every_connection) {
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET, at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const place = reinterpret_cast<sockaddr*>(&at);
  ASSERT_EQ(::bind(silent, place, size) | ::listen(silent, 8) | ::getsockname(silent, place, &size), 0);
  std::string several = address();
  several.insert(several.find('@') + 1, "127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + ",");
  const auto database = open_mariadb(clock(), random_, {.connection = several, .connect_timeout = 1s});
  for (int i = 0; i < 3; ++i) {
    const std::int64_t mine = database->write([](Transaction& tx) { return tx.guard("g", add_one, {"a"}), connection_of(tx); });
    terminate(*open(), mine);
  }
  int asked = 0;
  for (int one = 0; (one = ::accept(silent, nullptr, nullptr)) >= 0; ++asked) ::close(one);
  EXPECT_EQ(asked, 1);
  ::close(silent);
}

TEST_P(Mariadb, a_changed_schema_makes_no_statement_fail) {
  const auto read_all = [&] { return database().read([](Transaction& tx) { return tx.query("SELECT * FROM thing"); }).columns(); };
  EXPECT_EQ(read_all(), 3u);
  open()->write([](Transaction& tx) { tx.run("ALTER TABLE thing ADD COLUMN more TEXT"); });
  EXPECT_EQ(read_all(), 4u);
}

TEST_P(Mariadb, results_become_integers_or_text) {
  database().read([](Transaction& tx) {
    const Rows row = tx.query("SELECT sum(number), 1 = 1, 1.5, avg(number), id, CAST(? AS BIGINT), ? FROM thing GROUP BY id ORDER BY id LIMIT 1", {2, nullptr});
    EXPECT_EQ(row.at(0, 0).integer(), 1);
    EXPECT_TRUE(row.at(0, 1).flag());
    EXPECT_EQ(row.at(0, 2).text(), "1.5");
    EXPECT_EQ(row.at(0, 4).text(), "a");
    EXPECT_EQ(row.at(0, 5).integer(), 2);
    EXPECT_TRUE(row.at(0, 6).null());
  });
}

TEST_P(Mariadb, text_is_told_apart_byte_by_byte) {
  database().write([](Transaction& tx) {
    tx.run(insert, {"A", 1});
    tx.run(insert, {"a ", 1});
    tx.run(insert, {"ä", 1});
  });
  EXPECT_EQ(count(database()), 5);
}

TEST_P(Mariadb, many_rows_are_changed_and_returned_at_once) {
  database().write([](Transaction& tx) {
    for (int row = 0; row < 150; ++row) tx.run(insert, {std::to_string(row), 7});
    const Rows rows = tx.query("UPDATE thing SET number = number + ? WHERE number = 7 RETURNING id, number", {1});
    EXPECT_EQ(rows.size(), 150u);
    std::set<std::string> ids;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      ids.insert(rows.at(row, 0).text());
      EXPECT_EQ(rows.at(row, 1).integer(), 8);
    }
    EXPECT_EQ(ids.size(), 150u);
    EXPECT_EQ(tx.change("UPDATE thing SET number = 9 WHERE number = 8 RETURNING id"), 150);
    EXPECT_TRUE(tx.query("UPDATE thing SET number = 1 WHERE id = 'nobody' RETURNING id").empty());
  });
}

TEST_P(Mariadb, an_upsert_whose_condition_does_not_hold_touches_nothing) {
  constexpr std::string_view take = "INSERT INTO thing (id, number) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET number = thing.number + excluded.number "
                                    "WHERE thing.number + excluded.number <= ?";
  database().write([&](Transaction& tx) {
    EXPECT_EQ(tx.change(take, {"a", 4, 5}), 1);
    EXPECT_EQ(tx.change(take, {"a", 1, 5}), 0);
    EXPECT_EQ(tx.change(take, {"new", 1, 5}), 1);
  });
  EXPECT_EQ(number_of("a"), 5);
}

TEST_P(Mariadb, on_conflict_do_nothing_passes_over_duplicates_only) {
  database().write([](Transaction& tx) { tx.run("CREATE TABLE strict (id BIGINT PRIMARY KEY, number BIGINT NOT NULL CHECK (number > 0))"); });
  constexpr std::string_view quiet = "INSERT INTO strict (id, number) VALUES (?, ?) ON CONFLICT (id) DO NOTHING";
  EXPECT_EQ(database().write([&](Transaction& tx) { return tx.change(quiet, {1, 1}); }), 1);
  EXPECT_EQ(database().write([&](Transaction& tx) { return tx.change(quiet, {1, 1}); }), 0);
  EXPECT_THROW(database().write([&](Transaction& tx) { tx.run(quiet, {2, 0}); }), ConstraintError);
  EXPECT_THROW(database().write([&](Transaction& tx) { tx.run(quiet, {2, nullptr}); }), ConstraintError);
}

TEST_P(Mariadb, many_different_statements_stay_within_bounds) {
  const auto one = open({.connections = 1});
  for (int number = 0; number < 700; ++number)
    one->read_one([&](Transaction& tx) { EXPECT_EQ(tx.query(fmt::format("SELECT {}", number)).at(0, 0).integer(), number); });
  EXPECT_EQ(count(*one), 2);
}

TEST_P(Mariadb, a_step_of_the_schema_that_died_half_way_is_gone_on_with) {
  const Migration step{1, "step", "CREATE TABLE one (id BIGINT PRIMARY KEY);\nINSERT INTO one (id) VALUES (1);\nCREATE TABLE two (id TEXT PRIMARY KEY, late TEXT);\n"
                                  "ALTER TABLE two ADD COLUMN more TEXT;\nINSERT INTO one (id) VALUES (2);\nCREATE INDEX two_more ON two(late);\n"};
  for (int place = 1; place <= 5; ++place) {
    failpoint::arm("db.mariadb.step", place == 1 ? "1*return(gone)" : fmt::format("{}*off->1*return(gone)", place - 1));
    EXPECT_ANY_THROW(migrate(database(), std::array{step})) << place;
    failpoint::disarm_all();
    EXPECT_EQ(migrate(database(), std::array{step}), 1) << place;
    EXPECT_EQ(database().read_one([](Transaction& tx) { return tx.query("SELECT sum(id) FROM one").at(0, 0).integer(); }), 3);
    database().write([](Transaction& tx) {
      tx.run("DROP TABLE one");
      tx.run("DROP TABLE two");
      tx.run("DELETE FROM schema_migrations");
    });
  }
}

TEST_P(Mariadb, an_index_on_text_that_was_no_key_bounds_it) {
  const Migration first{1, "first", "CREATE TABLE one (id BIGINT PRIMARY KEY, word TEXT NOT NULL DEFAULT 'x', state TEXT);"};
  const Migration second{2, "second", "CREATE INDEX one_word ON one(word) WHERE state = 'ready';"};
  const Migration third{3, "third", "DROP INDEX one_word;"};
  EXPECT_EQ(migrate(database(), std::array{first, second, third}), 3);
  database().write([](Transaction& tx) { tx.run("INSERT INTO one (id) VALUES (1)"); });
  EXPECT_EQ(database().read_one([](Transaction& tx) { return tx.query("SELECT word FROM one").at(0, 0).text(); }), "x");
}

TEST_P(Mariadb, a_poke_reaches_other_processes) {
  const auto other = open({.poll = 60s});
  Signal heard;
  std::mutex mutex;
  std::set<std::string> queues;
  other->on_poke([&](std::string_view queue) {
    {
      const std::lock_guard lock(mutex);
      queues.emplace(queue);
    }
    heard.raise();
  });
  bool reached = false;
  for (int look = 0; look < 200 && !reached; ++look) {  // both must have met in the table of listeners first
    database().poke("theirs");
    clock().wait(heard, 20ms);
    const std::lock_guard lock(mutex);
    reached = queues.contains("theirs");
  }
  other->on_poke({});
  EXPECT_TRUE(reached);
}

TEST_P(Mariadb, a_beacon_is_seen_by_others_and_ends_with_its_holder) {
  auto holder = open();
  holder->hold_beacon(7);
  EXPECT_EQ(database().beacons_held({6, 7}), std::vector<std::int64_t>{7});
  holder.reset();
  bool gone = false;
  for (int look = 0; look < 500 && !gone; ++look) {
    gone = database().beacons_held({7}).empty();
    clock().sleep(2ms);
  }
  EXPECT_TRUE(gone);
}

TEST(MariadbPokes, without_the_secret_nobody_is_woken) {
  mariadb::Pokes listener("127.0.0.1", "secret"), friendly("127.0.0.1", "secret"), foreign("127.0.0.1", "other");
  friendly.set_others({listener.own()});
  foreign.set_others({listener.own()});
  foreign.send("bad");
  friendly.send("good");
  std::vector<std::string> heard;
  SystemClock clock;
  for (int look = 0; look < 500 && heard.empty(); ++look) {
    listener.hear([&](std::string_view queue) { heard.emplace_back(queue); });
    clock.sleep(1ms);
  }
  EXPECT_EQ(heard, std::vector<std::string>{"good"});
}

TEST(MariadbAddress, is_read_in_our_words_and_in_those_of_cinder) {
  EXPECT_TRUE(is_mariadb("mariadb://h/d"));
  EXPECT_TRUE(is_mariadb("mysql+pymysql://h/d"));
  EXPECT_FALSE(is_mariadb("postgresql://h/d"));
  EXPECT_FALSE(is_mariadb("mysql"));
  const auto cinder = mariadb::parse_address("mysql+pymysql://cinder:p%40ss%2F@controller/cinder?charset=utf8&ssl_ca=/etc/ca.pem");
  EXPECT_EQ(cinder.user + "|" + cinder.password + "|" + cinder.database + "|" + cinder.ssl_ca, "cinder|p@ss/|cinder|/etc/ca.pem");
  ASSERT_EQ(cinder.hosts.size(), 1u);
  EXPECT_EQ(cinder.hosts[0].port, 3306u);
  const auto galera = mariadb::parse_address("mariadb://u:p@one,two:3307,[fd00::1]:3308/d");
  ASSERT_EQ(galera.hosts.size(), 3u);
  EXPECT_EQ(galera.hosts[1].name + std::to_string(galera.hosts[1].port) + galera.hosts[2].name, "two3307fd00::1");
  EXPECT_EQ(mariadb::parse_address("mysql://u@/d?unix_socket=/run/x.sock").unix_socket, "/run/x.sock");
}

TEST(MariadbAddress, that_is_wrong_is_refused_without_its_password) {
  for (const char* wrong : {"mariadb://u:secret@h", "mariadb://u:secret@/d", "mariadb://u:secret@h:0/d", "mariadb://u:secret@h:x/d", "mariadb://u:secret@h/d?what=1", "mysql+x"}) {
    try {
      mariadb::parse_address(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace scoria::db
