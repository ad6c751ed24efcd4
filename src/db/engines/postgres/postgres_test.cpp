#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/check.h"
#include "base/failpoint.h"
#include "db/engines/postgres.h"
#include "db/testing.h"

namespace scoria::db {
namespace {

constexpr std::string_view insert = "INSERT INTO thing (id, number) VALUES (?, ?)";
constexpr std::string_view add_one = "UPDATE thing SET number = number + 1 WHERE id = ?";

class Postgres : public testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](Transaction& tx) {
      tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT, small INTEGER)");
      tx.run("INSERT INTO thing (id, number) VALUES ('a', 1), ('b', 1)");
    });
  }
  void TearDown() override { failpoint::disarm_all(); }

  std::unique_ptr<Database> open(PostgresOptions options = {}, const std::string& setting = "") {
    options.connection = address();
    if (!setting.empty()) options.connection.insert(options.connection.rfind('\''), " -c " + setting);
    return open_postgres(clock(), random_, options);
  }
  std::int64_t count(Database& from) {
    return from.read([](Transaction& tx) { return tx.query("SELECT count(*) FROM thing").at(0, 0).integer(); });
  }
  std::uint64_t round_trips(const std::function<void()>& work) {
    work();  // connects and prepares
    const std::uint64_t before = database().statistics().round_trips;
    work();
    return database().statistics().round_trips - before;
  }
  static std::int64_t pid(Transaction& tx) { return tx.query("SELECT pg_backend_pid()").at(0, 0).integer(); }
  static void terminate(Database& from, std::int64_t backend) {
    from.read([&](Transaction& tx) { tx.query("SELECT pg_terminate_backend(?::int, 5000)", {backend}); });
  }
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

  SystemRandom random_;
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

/// A listener that may pass on what it hears to a port, both ways, until it falls silent. Whoever comes then is not let in.
class Relay {
 public:
  Relay() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in at = place(0);
    socklen_t size = sizeof at;
    auto* const name = reinterpret_cast<sockaddr*>(&at);
    SCORIA_CHECK((::bind(listener_, name, size) | ::listen(listener_, 8) | ::getsockname(listener_, name, &size)) == 0, "a listener");
    port_ = ntohs(at.sin_port);
  }
  ~Relay() {
    fall_silent();
    for (const int one : sockets_) ::close(one);
    ::close(listener_);
  }
  int port() const { return port_; }
  void pass_on_to(int port) { threads_.spawn("relay", [this, port] { while (!silent_) turn(port); }); }
  void fall_silent() { silent_ = true, threads_.join_all(); }
  /// Connections, once it is silent.
  std::size_t passed_on() const { return sockets_.size() / 2; }
  int waiting() {
    int count = 0;
    for (int one = 0; (one = ::accept(listener_, nullptr, nullptr)) >= 0; ++count) sockets_.push_back(one);
    return count;
  }

 private:
  static sockaddr_in place(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET, at.sin_addr.s_addr = htonl(INADDR_LOOPBACK), at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
  }
  void turn(int port) {
    std::vector<pollfd> waits{{listener_, POLLIN, 0}};
    for (const int one : sockets_) waits.push_back({one, POLLIN, 0});
    if (::poll(waits.data(), waits.size(), 10) <= 0) return;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {  // pairs
      std::array<char, 4096> data{};
      if (waits[i + 1].revents == 0) continue;
      const auto got = ::recv(sockets_[i], data.data(), data.size(), MSG_DONTWAIT);
      if (got > 0) SCORIA_CHECK(::send(sockets_[i ^ 1], data.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got, "room for what is passed on");
    }
    const int near = ::accept(listener_, nullptr, nullptr);
    if (near < 0) return;
    const sockaddr_in server = place(port);
    const int far = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(far, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0) {
      sockets_.push_back(near), sockets_.push_back(far);
    } else {
      ::close(near), ::close(far);
    }
  }

  const int listener_;
  int port_ = 0;
  std::vector<int> sockets_;
  std::atomic<bool> silent_{false};
  SystemClock threads_;
};

/// The server, behind a relay that comes first.
std::string behind(const Relay& relay, std::string connection) {
  connection.insert(connection.find("port=") + 5, std::to_string(relay.port()) + ",");
  return connection.insert(connection.find("host=") + 5, "127.0.0.1,");
}

TEST_P(Postgres, a_host_that_says_nothing_is_asked_once_and_not_by_every_connection) {
  Relay silent;
  const auto database = open_postgres(clock(), random_, {.connection = behind(silent, address())});
  const Instant begun = clock().now();
  for (int i = 0; i < 3; ++i) terminate(*open(), database->write([](Transaction& tx) { return tx.guard("g", add_one, {"a"}), pid(tx); }));
  EXPECT_LT(clock().now() - begun, 4s) << "two seconds, once";
  EXPECT_EQ(silent.waiting(), 1);
}

TEST_P(Postgres, a_relay_whose_server_is_dead_does_not_keep_the_next_host_away) {
  Relay relay;
  relay.pass_on_to(1);  // it lets everybody in and ends it at once
  EXPECT_EQ(count(*open_postgres(clock(), random_, {.connection = behind(relay, address()), .attempts = 1})), 2);
}

TEST_P(Postgres, a_host_that_falls_silent_is_left_for_one_that_serves) {
  Relay relay;
  const std::string direct = address();
  relay.pass_on_to(std::stoi(direct.substr(direct.find("port=") + 5)));
  const auto database = open_postgres(clock(), random_, {.connection = behind(relay, direct), .doubt_after = 200ms});
  database->hold_beacon(7);  // over the session's own connection
  const auto add = [&] { database->write([](Transaction& tx) { tx.guard("g", add_one, {"a"}); }); };
  add();
  relay.fall_silent();
  EXPECT_EQ(relay.passed_on(), 2u) << "both came through it";
  const Instant begun = clock().now();
  EXPECT_EQ(count(*database), 2);
  EXPECT_LT(clock().now() - begun, 1500ms) << "neither by a limit of time nor by TCP's";
  for (int i = 0; i < 3; ++i) add();
  EXPECT_LT(clock().now() - begun, 1700ms) << "who comes later does not wait again";
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

TEST_P(Postgres, a_server_that_can_be_written_is_found_among_several_hosts) {
  std::string several = address();
  const auto port_at = several.find("port=") + 5, end = several.find(' ', port_at);
  const std::string port = several.substr(port_at, end - port_at);
  several = fmt::format("host=127.0.0.1,127.0.0.1 port=1,{}{} target_session_attrs=read-write", port, several.substr(end));
  const auto database = open_postgres(clock(), random_, {.connection = several});
  database->write([](Transaction& tx) { tx.run(add_one, {"a"}); });
  EXPECT_EQ(count(*database), 2);
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
