#pragma once
#include "db/engines/postgres.h"
#include "db/testing.h"

namespace scoria::db::postgres {

inline constexpr std::string_view insert = "INSERT INTO thing (id, number) VALUES (?, ?)";
inline constexpr std::string_view add_one = "UPDATE thing SET number = number + 1 WHERE id = ?";

/// A server, and a table of two things.
class WithThings : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](Transaction& tx) {
      tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT, small INTEGER)");
      tx.run("INSERT INTO thing (id, number) VALUES ('a', 1), ('b', 1)");
    });
  }

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
  SystemRandom random_;
};

}  // namespace scoria::db::postgres
