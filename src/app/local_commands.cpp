#include "app/local_commands.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "app/database.h"
#include "app/doctor/rounds.h"
#include "app/logging.h"
#include "app/node.h"
#include "app/operator.h"
#include "app/options.h"
#include "app/upgrade.h"
#include "base/failpoint.h"
#include "cli/resources.h"
#include "base/text.h"
#include "config/options/database.h"
#include "config/options/general.h"
#include "db/migrate.h"
#include "drivers/file/config.h"
#include "drivers/file/pool_image.h"
#include "json/parse.h"
#include "observe/log.h"
#include "store/migrations.h"

namespace scoria::app {
namespace {

int fail(const std::string& text, int code = 1) {
  std::fprintf(stderr, "scoria: %s\n", text.c_str());
  return code;
}

sigset_t awaited_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

int wait_for_signal() {
  const sigset_t set = awaited_signals();
  int received = 0;
  ::sigwait(&set, &received);
  return received;
}

/// Blocks the signals that end or reload the process, before any thread is made, so that wait_for_signal() meets them.
void block_signals() {
  const sigset_t set = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

/// True: the process was asked to end meanwhile.
bool told_to_end_within(Duration wait) {
  const sigset_t set = awaited_signals();
  const timespec time{.tv_sec = wait.count() / 1'000'000, .tv_nsec = wait.count() % 1'000'000 * 1000};
  const int received = ::sigtimedwait(&set, nullptr, &time);
  return received == SIGTERM || received == SIGINT;
}

/// A database may be started after us, or be promoted just now: its absence is waited for, within the limits of [database]. None: the
/// process was asked to end. Throws what Node's constructor throws.
std::unique_ptr<Node> make_node(const config::Config& config, SystemClock& clock) {
  const auto options = config.read<config::DatabaseOptions>();
  Duration wait = std::chrono::milliseconds{100};
  for (int tries = 0;; ++tries) {
    try {
      return std::make_unique<Node>(config, clock);
    } catch (const db::Unreachable& away) {
      if (tries == options.max_retries) throw;
      log::warning("app", {}, "{}; tried again in {:.1f} s", away.what(), std::chrono::duration<double>(wait).count());
    }
    if (told_to_end_within(wait)) return nullptr;
    wait = std::min(2 * wait, options.retry_interval);
  }
}

/// Runs `work` with the database of the configuration; what keeps it from that is told.
int with_database(const config::Sources& sources, const std::function<int(db::Database&)>& work) {
  const auto config = config::load(all_options(), sources);
  if (!config) return fail(config.error().message, 2);
  SystemClock clock;
  SystemRandom random;
  try {
    const auto database = open_database(*config, clock, random);
    return work(*database);
  } catch (const std::exception& failure) { return fail(failure.what()); }
}

/// SCORIA_FAILPOINTS injects faults, for tests of a whole process. Throws std::invalid_argument when it makes no sense.
void arm_failpoints(const config::Sources& sources) {
  for (const auto& [name, value] : sources.environment) {
    if (name != "SCORIA_FAILPOINTS") continue;
    failpoint::arm_from(value);
    log::warning("app", {}, "faults are injected on purpose: {}", value);
  }
}

/// A page of a list is larger than what malloc by default takes from the kernel, and gives back to it, each time anew.
void keep_memory_of_answers() {
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

}  // namespace

int serve(const cli::Given&, const config::Sources& sources) {
  auto config = config::load(all_options(), sources);
  if (!config) return fail(config.error().message, 2);
  keep_memory_of_answers();
  block_signals();
  start_logging(*config);
  SystemClock clock;
  std::unique_ptr<Node> node;
  try {
    arm_failpoints(sources);
    node = make_node(*config, clock);
    if (node) {
      node->start();
      while (wait_for_signal() == SIGHUP) {
        reload(*config);
        node->reload(*config);
      }
      node->stop();
    }
    log::stop();
    return 0;
  } catch (const std::exception& failure) {
    log::stop();
    const int code = fail(failure.what());
    if (node == nullptr) return code;
    // Its threads run, as many as were started: they end with the process, and before nothing that they use.
    std::fflush(nullptr);
    ::_exit(code);
  }
}

int db_version(const cli::Given&, const config::Sources& sources) {
  return with_database(sources, [](db::Database& database) {
    const int has = db::schema_version(database), wants = db::newest_expansion(store::migrations()), knows = store::migrations().back().version;
    std::printf("%d\n", has);
    if (has < wants) std::fprintf(stderr, "This program wants version %d: `scoria db upgrade` brings it there.\n", wants);
    if (has > knows) std::fprintf(stderr, "This program knows no version after %d: use a newer one.\n", knows);
    return wants <= has && has <= knows ? 0 : 1;
  });
}

int db_upgrade(const cli::Given&, const config::Sources& sources) {
  return with_database(sources, [](db::Database& database) {
    const int before = db::schema_version(database), steps = db::migrate(database, store::migrations());
    std::printf(steps == 0 ? "The schema is up to date, version %d.\n" : "The schema went from version %d to %d.\n", before,
                db::schema_version(database));
    for (const db::Step& step : db::steps(database, store::migrations()))
      if (!step.applied) std::printf("Step %d (%s) waits until the upgrade is finalised: `scoria admin upgrade status`.\n", step.version, step.name.c_str());
    return 0;
  });
}

int local_check(const cli::Given& given, const config::Sources& sources) {
  return with_database(sources, [&given](db::Database& database) {
    const auto report = json::parse(check_report(database, given.has("repair")));
    const cli::Output output(given.text("output", "table"), {}, {});
    const auto done = cli::tell_check(output, *report);
    return done ? 0 : fail(done.error().message);
  });
}

int local_doctor(const cli::Given& given, const config::Sources& sources) {
  const auto config = config::load(all_options(), sources);
  if (!config) return fail(config.error().message, 2);
  SystemClock clock;
  const auto report = json::parse(doctor::look_from_here(*config, clock));
  const cli::Output output(given.text("output", "table"), {}, {});
  const auto done = cli::tell_doctor(output, *report);
  return done ? 0 : fail(done.error().message);
}

namespace {

int tell_upgrade(const cli::Given& given, db::Database& database, const engine::Versions& own) {
  const auto report = json::parse(upgrade_report(database, own));
  const auto told = cli::tell_upgrade(cli::Output(given.text("output", "table"), {}, {}), *report);
  return told ? 0 : fail(told.error().message);
}

}  // namespace

int local_upgrade_status(const cli::Given& given, const config::Sources& sources) {
  return with_database(sources, [&given](db::Database& database) { return tell_upgrade(given, database, own_versions(database)); });
}

int local_upgrade_finalize(const cli::Given& given, const config::Sources& sources) {
  return with_database(sources, [&given](db::Database& database) {
    const engine::Versions own = own_versions(database);
    const bool alone = database.read([](db::Transaction& tx) { return engine::members(tx); }).empty();
    if (alone) db::migrate(database, store::migrations());
    if (const auto done = engine::finalize(database, own); !done) return fail(done.error().message, 4);
    SystemClock clock;
    while (alone && go_on_with_schema(database, clock)) std::fputs(".", stderr);
    return tell_upgrade(given, database, own);
  });
}

int pool_create(const cli::Given& given, const config::Sources& sources) {
  const auto gib = cli::gib_of(given.text("size", "100G"));
  if (!gib) return fail(gib.error().message, 2);
  const auto config = config::load(all_options(), sources);
  if (!config) return fail(config.error().message, 2);
  if (::geteuid() != 0) return fail("Mounting takes root: run it with sudo.", 5);
  const std::string directory = std::filesystem::absolute(given.text("directory")).lexically_normal().string();
  SystemClock clock;
  const auto made = drivers::file::make_pool_image(clock, {.deadline = Deadline::in(clock, std::chrono::minutes{5})}, directory, Bytes{*gib << 30});
  if (!made) return fail(made.error().message);
  std::vector<std::string> pools = config->read<drivers::file::FileBackendOptions>("file").directories;
  if (pools.empty()) pools.push_back("pool=" + config->read<config::GeneralOptions>().state_path + "/volumes");
  if (std::find(pools.begin(), pools.end(), directory) == pools.end()) pools.push_back(directory);
  std::printf(
      "%s is a pool with shared blocks: %lld GiB at most, which %s.xfs takes as they are written.\n"
      "To use it, put this into the configuration and start Scoria again:\n\n  [file]\n  file_directories = %s\n",
      directory.c_str(), static_cast<long long>(*gib), directory.c_str(), join(pools, ",").c_str());
  return 0;
}

}  // namespace scoria::app
