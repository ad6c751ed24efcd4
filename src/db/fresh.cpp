#include "db/fresh.h"

#include <cstdlib>
#include <filesystem>

#include "base/random.h"
#include "db/engines/mariadb.h"
#include "db/engines/postgres.h"
#include "db/engines/sqlite.h"

namespace scoria::db::testing {
namespace {

class FreshFile final : public Fresh {
 public:
  explicit FreshFile(Clock& clock) : database_(open_sqlite(clock, {.path = address()})) {}
  ~FreshFile() override {
    database_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Database& database() override { return *database_; }
  std::string address() const override { return folder_ + "/test.db"; }

 private:
  static std::string make_folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "scoria-db-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw Error("cannot make a directory for a test database");
    return pattern;
  }
  const std::string folder_ = make_folder();
  std::unique_ptr<Database> database_;
};

class FreshMemory final : public Fresh {
 public:
  explicit FreshMemory(Clock& clock) : database_(open_sqlite(clock, {.path = ":memory:", .inline_execution = true})) {}
  Database& database() override { return *database_; }
  std::string address() const override { return {}; }

 private:
  std::unique_ptr<Database> database_;
};

/// One connection for all schemas of this process.
Database& administration() {
  static SystemClock clock;
  static SystemRandom random;
  static const auto database = open_postgres(clock, random, {.connection = std::getenv("SCORIA_TEST_POSTGRES"), .connections = 1});
  return *database;
}

class FreshSchema final : public Fresh {
 public:
  explicit FreshSchema(Clock& clock) {
    administration().write([&](Transaction& tx) { tx.run("CREATE SCHEMA " + name_); });
    database_ = open_postgres(clock, random_, {.connection = address()});
  }
  ~FreshSchema() override {
    database_.reset();
    administration().write([&](Transaction& tx) { tx.run("DROP SCHEMA " + name_ + " CASCADE"); });
  }
  Database& database() override { return *database_; }
  std::string address() const override {
    return fmt::format("{} options='-c search_path={}'", std::getenv("SCORIA_TEST_POSTGRES"), name_);
  }

 private:
  SystemRandom random_;
  const std::string name_ = fmt::format("t_{:016x}", random_.next());
  std::unique_ptr<Database> database_;
};

/// One connection for all databases of this process.
Database& mariadb_administration() {
  static SystemClock clock;
  static SystemRandom random;
  static const auto database = open_mariadb(clock, random, {.connection = std::getenv("SCORIA_TEST_MARIADB"), .connections = 1});
  return *database;
}

class FreshDatabase final : public Fresh {
 public:
  explicit FreshDatabase(Clock& clock) {
    mariadb_administration().write([&](Transaction& tx) { tx.run("CREATE DATABASE " + name_); });
    database_ = open_mariadb(clock, random_, {.connection = address()});
  }
  ~FreshDatabase() override {
    database_.reset();
    mariadb_administration().write([&](Transaction& tx) { tx.run("DROP DATABASE " + name_); });
  }
  Database& database() override { return *database_; }
  std::string address() const override {
    const std::string_view server = std::getenv("SCORIA_TEST_MARIADB");
    return fmt::format("{}/{}", server.substr(0, server.rfind('/')), name_);
  }

 private:
  SystemRandom random_;
  const std::string name_ = fmt::format("t_{:016x}", random_.next());
  std::unique_ptr<Database> database_;
};

/// The engines that want a server.
struct Server {
  Kind kind;
  const char* address;
  const char* demand;
  const char* advice;
};
constexpr Server servers[] = {
    {Kind::postgres, "SCORIA_TEST_POSTGRES", "SCORIA_REQUIRE_POSTGRES", "SCORIA_TEST_POSTGRES names no server: run the tests under tests/postgres.sh run"},
    {Kind::mariadb, "SCORIA_TEST_MARIADB", "SCORIA_REQUIRE_MARIADB", "SCORIA_TEST_MARIADB names no server: run the tests under tests/mariadb.sh run"}};

const Server* server_of(Kind kind) {
  const auto* found = std::find_if(std::begin(servers), std::end(servers), [&](const Server& one) { return one.kind == kind; });
  return found == std::end(servers) ? nullptr : found;
}

}  // namespace

std::unique_ptr<Fresh> make_fresh(Kind kind, Clock& clock) {
  if (kind == Kind::sqlite_file) return std::make_unique<FreshFile>(clock);
  if (kind == Kind::sqlite_memory) return std::make_unique<FreshMemory>(clock);
  if (kind == Kind::mariadb) return std::make_unique<FreshDatabase>(clock);
  return std::make_unique<FreshSchema>(clock);
}

std::string why_not(Kind kind) {
  const Server* server = server_of(kind);
  return server == nullptr || std::getenv(server->address) != nullptr ? "" : server->advice;
}

bool required(Kind kind) {
  const Server* server = server_of(kind);
  const char* setting = server == nullptr ? nullptr : std::getenv(server->demand);
  return setting != nullptr && std::string_view(setting) == "1";
}

}  // namespace scoria::db::testing
