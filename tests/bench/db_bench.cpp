// The database layer alone: what one transaction, one look-up and one page of a list cost on each engine.
//   tests/postgres.sh run --durable build/release/tests/bench/db_bench
// Counters: client_us and server_us are CPU per operation, of this process and of PostgreSQL's.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "db/fresh.h"

namespace scoria::db {
namespace {

using testing::Kind;

constexpr int rows = 20'000;
constexpr int projects = 64;
constexpr std::string_view columns =
    "id, project_id, user_id, name, description, size, status, prev_status, volume_type, host, provider_name, created_at, updated_at, launched_at,"
    " bootable, multiattach, encrypted, source_id, snapshot_id, zone, metadata, rev, seq";

std::string volume_id(std::uint64_t number) { return fmt::format("{:08x}-0000-4000-8000-000000000000", number); }

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

double own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct ProcessStat {
  int parent = 0;
  double cpu = 0;
};

ProcessStat stat_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  unsigned long user = 0, system = 0;
  ProcessStat stat;
  if (std::sscanf(text.c_str() + name_end + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &stat.parent, &user, &system) != 3) return {};
  stat.cpu = static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return stat;
}

/// CPU of all processes of the server that serves `database`.
double server_cpu(Database& database) {
  if (database.engine() != Engine::postgres) return 0;
  const std::int64_t backend = database.read([](Transaction& tx) { return tx.query("SELECT pg_backend_pid()").at(0, 0).integer(); });
  const int server = stat_of(std::to_string(backend)).parent;
  double sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const ProcessStat stat = stat_of(pid); stat.parent == server) sum += stat.cpu;
  }
  return sum;
}

/// One filled database per engine for the whole run.
class Filled {
 public:
  explicit Filled(Kind kind) : fresh_(testing::make_fresh(kind, clock_)) {
    database().write([](Transaction& tx) {
      tx.run("CREATE TABLE volume (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT, name TEXT, description TEXT, size BIGINT,"
             " status TEXT, prev_status TEXT, volume_type TEXT, host TEXT, provider_name TEXT, created_at BIGINT, updated_at BIGINT,"
             " launched_at BIGINT, bootable BIGINT, multiattach BIGINT, encrypted BIGINT, source_id TEXT, snapshot_id TEXT, zone TEXT,"
             " metadata TEXT, rev BIGINT, seq BIGINT)");
      tx.run("CREATE INDEX volume_page ON volume (project_id, created_at, id)");
      tx.run("CREATE TABLE operation (seq {seq}, id TEXT NOT NULL UNIQUE, kind TEXT, queue TEXT, state TEXT, run_at BIGINT, input TEXT)");
      tx.run("CREATE INDEX operation_ready ON operation (queue, run_at) WHERE state = 'ready'");
      tx.run("CREATE TABLE outbox (seq {seq}, id TEXT NOT NULL, topic TEXT, body TEXT)");
      tx.run("CREATE TABLE quota (project_id TEXT PRIMARY KEY, gigabytes BIGINT NOT NULL)");
    });
    for (int at = 0; at < rows; at += 1000)
      database().write([&](Transaction& tx) {
        for (int row = at; row < at + 1000; ++row) insert(tx, volume_id(static_cast<std::uint64_t>(row)), project(row));
      });
    database().write([](Transaction& tx) {
      for (int at = 0; at < projects; ++at) tx.run("INSERT INTO quota (project_id, gigabytes) VALUES (?, 0)", {project(at)});
    });
    if (kind == Kind::postgres) database().write([](Transaction& tx) { tx.run("ANALYZE"); });
  }
  Database& database() { return fresh_->database(); }

  static std::string project(int number) { return fmt::format("project-{:04}", number % projects); }
  static void insert(Transaction& tx, const std::string& id, const std::string& project) {
    static const std::string sql = fmt::format(
        "INSERT INTO volume ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now(), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", columns);
    tx.run(sql, {id, project, "user-0001", "a volume", "a description of some length", 10, "available", nullptr, "default", "node-1@file#pool",
                 "volume-" + id, 1'700'000'000'000'000, 1'700'000'000'000'000, 0, 0, 0, nullptr, nullptr, "nova", R"({"key":"value"})", 1, 1});
  }

 private:
  SystemClock clock_;
  std::unique_ptr<testing::Fresh> fresh_;
};

Filled& filled(Kind kind) {
  static Filled sqlite(Kind::sqlite_file);
  if (kind == Kind::sqlite_file) return sqlite;
  static Filled postgres(Kind::postgres);
  return postgres;
}

/// Times `one` and counts CPU per operation.
template <class One>
void measure(benchmark::State& state, Kind kind, const One& one) {
  static double own = 0, server = 0;
  Database& database = filled(kind).database();
  if (state.thread_index() == 0) {
    own = own_cpu();
    server = server_cpu(database);
  }
  SystemRandom random;
  for (auto _ : state) one(database, random);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() != 0) return;
  // All threads run about as many operations as this one.
  const double operations = static_cast<double>(state.iterations()) * state.threads();
  state.counters["client_us"] = (own_cpu() - own) * 1e6 / operations;
  state.counters["server_us"] = (server_cpu(database) - server) * 1e6 / operations;
}

void transaction(benchmark::State& state, Kind kind) {
  measure(state, kind, [](Database& database, Random& random) {
    const std::string id = random.uuid();
    const std::string project = Filled::project(static_cast<int>(random.below(projects)));
    database.write([&](Transaction& tx) {
      Filled::insert(tx, id, project);
      tx.run("INSERT INTO operation (id, kind, queue, state, run_at, input) VALUES (?, ?, ?, ?, scoria_now(), ?)",
             {id, "volume.create", "node-1@file", "done", R"({"size":10})"});
      tx.run("INSERT INTO outbox (id, topic, body) VALUES (?, ?, ?)", {id, "volume.create.start", R"({"volume":"…"})"});
      tx.guard("quota", "UPDATE quota SET gigabytes = gigabytes + ? WHERE project_id = ? AND gigabytes + ? <= ?",
               {10, project, 10, std::int64_t{1} << 40});
    });
  });
}

void look_up(benchmark::State& state, Kind kind) {
  static const std::string sql = fmt::format("SELECT {} FROM volume WHERE id = ?", columns);
  measure(state, kind, [](Database& database, Random& random) {
    const std::string id = volume_id(random.below(rows));
    database.read_one([&](Transaction& tx) { benchmark::DoNotOptimize(tx.query(sql, {id}).at(0, 0)); });
  });
}

void look_up_in_snapshot(benchmark::State& state, Kind kind) {
  static const std::string sql = fmt::format("SELECT {} FROM volume WHERE id = ?", columns);
  measure(state, kind, [](Database& database, Random& random) {
    const std::string id = volume_id(random.below(rows));
    database.read([&](Transaction& tx) { benchmark::DoNotOptimize(tx.query(sql, {id}).at(0, 0)); });
  });
}

void page(benchmark::State& state, Kind kind) {
  static const std::string sql = fmt::format("SELECT {} FROM volume WHERE project_id = ? ORDER BY created_at DESC, id DESC LIMIT 100", columns);
  measure(state, kind, [](Database& database, Random& random) {
    const std::string project = Filled::project(static_cast<int>(random.below(projects)));
    database.read_one([&](Transaction& tx) { benchmark::DoNotOptimize(tx.query(sql, {project}).size()); });
  });
}

void register_all() {
  struct Engine {
    const char* name;
    Kind kind;
  };
  for (const Engine& engine : {Engine{"sqlite", Kind::sqlite_file}, Engine{"postgres", Kind::postgres}}) {
    if (const std::string reason = testing::why_not(engine.kind); !reason.empty()) {
      std::fprintf(stderr, "%s: %s\n", engine.name, reason.c_str());
      continue;
    }
    const auto add = [&](const char* what, void (*body)(benchmark::State&, Kind)) {
      for (const int threads : {1, 8, 16})
        benchmark::RegisterBenchmark(fmt::format("{}/{}", engine.name, what).c_str(), body, engine.kind)->Threads(threads)->UseRealTime();
    };
    add("look_up", look_up);
    add("look_up_in_snapshot", look_up_in_snapshot);
    add("page_100", page);
    add("transaction", transaction);
  }
}

}  // namespace
}  // namespace scoria::db

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  scoria::db::register_all();
  benchmark::RunSpecifiedBenchmarks();
}
