#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "db/engines/sqlite.h"
#include "db/fresh.h"

namespace scoria::db {
namespace {

void create(Database& database) {
  database.write([](Transaction& tx) { tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT)"); });
}

void add(Database& database, const std::string& id, const std::string& note = "") {
  database.write([&](Transaction& tx) { tx.guard("new", "INSERT INTO thing (id, note) VALUES (?, ?)", {id, note}); });
}

std::int64_t count(Database& database) {
  return database.read([](Transaction& tx) { return tx.query("SELECT count(*) FROM thing").at(0, 0).integer(); });
}

class Sqlite : public ::testing::Test {
 protected:
  Sqlite() { create(database()); }
  Database& database() { return fresh_->database(); }
  std::string other_path() const { return fresh_->address() + ".other"; }

  /// Holds the writer thread until the callers have queued, so that all are one batch.
  void share_a_batch(const std::vector<std::function<void()>>& callers) {
    SystemClock threads;
    Signal entered, release;
    threads.spawn("first", [&] {
      try {
        database().run_transaction([&](Transaction&) {
          entered.raise();
          clock_.wait(release, 10s);
          return true;
        });
      } catch (const Error&) {
        first_failed_ = true;
      }
    });
    clock_.wait(entered, 10s);
    for (const auto& caller : callers) threads.spawn("caller", caller);
    clock_.sleep(100ms);
    release.raise();
  }

  std::atomic<bool> first_failed_{false};
  SystemClock clock_;
  std::unique_ptr<testing::Fresh> fresh_ = testing::make_fresh(testing::Kind::sqlite_file, clock_);
};

TEST_F(Sqlite, callers_who_wait_share_one_commit) {
  const Statistics before = database().statistics();
  std::vector<std::function<void()>> callers;
  for (int caller = 0; caller < 8; ++caller) callers.emplace_back([this, caller] { add(database(), std::to_string(caller)); });
  share_a_batch(callers);
  EXPECT_EQ(count(database()), 8);
  EXPECT_EQ(database().statistics().transactions - before.transactions, 9u);
  EXPECT_EQ(database().statistics().commits - before.commits, 1u);  // the first one's batch took them all in
}

TEST_F(Sqlite, a_failed_piece_takes_nobody_else_with_it) {
  std::atomic<int> refused{0};
  const auto fail = [&] {
    try {
      database().write([](Transaction& tx) {
        tx.run("INSERT INTO thing (id) VALUES ('gone')");
        tx.guard("none", "UPDATE thing SET note = 'x' WHERE id = 'nobody'");
      });
    } catch (const GuardFailed&) {
      ++refused;
    }
  };
  share_a_batch({[this] { add(database(), "a"); }, fail, [this] { add(database(), "b"); }, fail});
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(count(database()), 2);
}

TEST_F(Sqlite, a_full_database_fails_the_batch_and_serves_again_once_there_is_room) {
  const auto small = open_sqlite(clock_, {.path = other_path(), .max_pages = 100});
  create(*small);
  add(*small, "kept");
  int rows = 0;
  try {
    while (rows < 1000) add(*small, std::to_string(rows), std::string(8000, 'x')), ++rows;
    FAIL() << "never full";
  } catch (const Error& error) {
    EXPECT_FALSE(error.commit_unknown);
    EXPECT_TRUE(error.disk_full);
  }
  EXPECT_GT(rows, 10);
  EXPECT_EQ(count(*small), rows + 1);
  small->write([](Transaction& tx) { tx.run("DELETE FROM thing WHERE id <> 'kept'"); });
  add(*small, "after", std::string(8000, 'x'));
  EXPECT_EQ(count(*small), 2);
}

TEST_F(Sqlite, a_disk_that_refuses_to_write_fails_everybody_in_the_batch_and_nothing_stays) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  std::atomic<int> failed{0};
  const auto attempt = [&](const char* id) {
    try {
      add(database(), id, std::string(200'000, 'x'));
    } catch (const Error&) {
      ++failed;
    }
  };
  const rlimit none{.rlim_cur = 100'000, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  share_a_batch({[&] { attempt("a"); }, [&] { attempt("b"); }});
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(failed, 2);
  EXPECT_TRUE(first_failed_);
  EXPECT_EQ(count(database()), 0);
  add(database(), "a");
  EXPECT_EQ(count(database()), 1);
}

TEST_F(Sqlite, who_waits_too_long_is_refused_and_never_run) {
  const auto impatient = open_sqlite(clock_, {.path = other_path(), .wait_limit = 50ms});
  create(*impatient);
  SystemClock threads;
  Signal entered, release;
  threads.spawn("slow", [&] {
    impatient->run_transaction([&](Transaction&) {
      entered.raise();
      clock_.wait(release, 10s);
      return true;
    });
  });
  clock_.wait(entered, 10s);
  EXPECT_THROW(add(*impatient, "late"), Error);
  release.raise();
  threads.join_all();
  add(*impatient, "in time");
  EXPECT_EQ(count(*impatient), 1);
}

TEST_F(Sqlite, the_file_is_open_once_only) {
  EXPECT_THROW(open_sqlite(clock_, {.path = fresh_->address()}), Error);
  {
    const auto other = open_sqlite(clock_, {.path = other_path()});
    EXPECT_THROW(open_sqlite(clock_, {.path = other_path()}), Error);
    create(*other);
    add(*other, "a");
  }
  EXPECT_EQ(count(*open_sqlite(clock_, {.path = other_path()})), 1);
}

TEST_F(Sqlite, a_file_that_is_no_database_is_refused_clearly) {
  const std::string path = other_path();
  FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("this is no database, whatever its name says", file);
  std::fclose(file);
  try {
    open_sqlite(clock_, {.path = path});
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find(path), std::string_view::npos);
  }
  EXPECT_THROW(open_sqlite(clock_, {.path = "/nonexistent/folder/x.db"}), Error);
  EXPECT_THROW(open_sqlite(clock_, {.path = ":memory:"}), Error);
}

TEST_F(Sqlite, the_clock_can_be_another_one) {
  std::int64_t time = 1000;
  const auto simulated = open_sqlite(clock_, {.path = ":memory:", .now = [&] { return Timestamp{time}; }, .inline_execution = true});
  const auto now = [&] { return simulated->read([](Transaction& tx) { return tx.query("SELECT scoria_now()").at(0, 0).integer(); }); };
  EXPECT_EQ(now(), 1000);
  time = 2000;
  EXPECT_EQ(now(), 2000);
}

TEST_F(Sqlite, many_different_statements_stay_within_bounds) {
  for (int number = 0; number < 1000; ++number)
    database().read([&](Transaction& tx) { EXPECT_EQ(tx.query(fmt::format("SELECT {}", number)).at(0, 0).integer(), number); });
}

constexpr const char* crash_file = "SCORIA_CRASH_FILE";
constexpr char row_answered = '\1';

/// What the process that will be killed does: a byte on its standard output for each row that was answered.
void write_for_ever(const std::string& path) {
  SystemClock clock;
  const auto database = open_sqlite(clock, {.path = path});
  create(*database);
  for (int row = 0;; ++row) {
    add(*database, std::to_string(row));
    if (::write(STDOUT_FILENO, &row_answered, 1) != 1) return;
  }
}

TEST(SqliteCrash, what_was_answered_survives_kill_9) {
  if (const char* given = std::getenv(crash_file)) return write_for_ever(given);
  std::string folder = ::testing::TempDir() + "scoria-crash-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/test.db";
  int told[2] = {};
  ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
  const std::string file = std::string(crash_file) + "=" + path;
  const char* environment[] = {file.c_str(), nullptr};
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // another thread may have held any lock at the fork: nothing but system calls
    ::dup2(told[1], STDOUT_FILENO);
    ::execle("/proc/self/exe", "db_test", "--gtest_brief=1", "--gtest_filter=SqliteCrash.*", nullptr, environment);
    ::_exit(1);
  }
  ::close(told[1]);
  char one = 0;
  int answered = 0;
  while (answered < 50 && ::read(told[0], &one, 1) == 1) answered += one == row_answered;
  ::kill(child, SIGKILL);
  while (::read(told[0], &one, 1) == 1) answered += one == row_answered;
  ::close(told[0]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_GE(answered, 50);
  SystemClock clock;
  const std::int64_t found = count(*open_sqlite(clock, {.path = path}));
  std::filesystem::remove_all(folder);
  EXPECT_GE(found, answered);
  EXPECT_LE(found, answered + 1);
}

}  // namespace
}  // namespace scoria::db
