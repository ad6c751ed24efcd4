// A node reduced to what locks are about, for test_locks.py: a backend whose driver has a section that is not atomic, on
// storage that several such processes share; for each of several URLs, with blanks between them, one.
//   lock_worker URLS STATE-DIRECTORY STORAGE-DIRECTORY SCOPE [DATABASE]
// Commands on standard input, one answer each: `work N` goes through the section N times; `enter` goes in and stays;
// `write` writes as the section does and tells whether the storage let it; `commit` tells whether the database does; `leave`. Of the second backend with `second` in front.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/text.h"
#include "config/lock_url.h"
#include "db/engines/postgres.h"
#include "db/engines/sqlite.h"
#include "db/migrate.h"
#include "drivers/errors.h"
#include "operations/sections.h"
#include "operations/backends.h"
#include "os/files.h"
#include "store/migrations.h"

namespace {

using namespace scoria;
using namespace scoria::drivers;

/// Storage as an array has it: one number, and the highest token it has seen. It refuses a lower one.
class Storage {
 public:
  explicit Storage(std::string directory) : directory_(std::move(directory)) {}
  std::int64_t read() const { return number("value"); }
  bool write(std::int64_t value, std::int64_t token) {
    const os::Fd guard = os::open_file(directory_ + "/guard", O_RDWR | O_CREAT);  // the array's own atomicity, nobody's lock
    while (::flock(guard.get(), LOCK_EX) != 0) {}
    if (token != 0 && token < number("token")) return false;
    if (token != 0) os::write_file_atomically(directory_ + "/token", std::to_string(token));
    os::write_file_atomically(directory_ + "/value", std::to_string(value));
    return true;
  }

 private:
  std::int64_t number(const std::string& name) const {
    const auto file = os::open_if_there(directory_ + "/" + name, O_RDONLY);
    return file ? std::atoll(os::read_all(*file).c_str()) : 0;
  }
  const std::string directory_;
};

class NonAtomicDriver final : public Driver {
 public:
  NonAtomicDriver(Clock& clock, std::string directory, Scope scope) : clock_(clock), storage_(std::move(directory)), scope_(scope) {}
  std::string vendor() const override { return "non-atomic"; }
  Section section(Act) const override { return {scope_, "number"}; }
  DriverResult<> check(const Call&) override { return {}; }
  DriverResult<std::vector<PoolReport>> pools(const Call&) override { return std::vector<PoolReport>{}; }
  DriverResult<Probe> probe(const Call&, const ObjectRef&) override { return Probe{}; }
  /// Reads, thinks, and writes one more: lost updates tell that two were inside.
  DriverResult<> create(const Call& call, const ObjectRef&, Bytes) override {
    const std::int64_t before = storage_.read();
    clock_.sleep(std::chrono::milliseconds{2});
    if (storage_.write(before + 1, call.fences.empty() ? 0 : call.fences.front().token)) return {};
    return failed(FailureClass::transient, "the storage has seen a later token");
  }
  DriverResult<> remove(const Call&, const ObjectRef&) override { return {}; }
  DriverResult<std::vector<std::string>> list(const Call&, std::string_view, std::string_view, std::size_t) override { return std::vector<std::string>{}; }
  DriverResult<Location> locate(const Call&, const ObjectRef&) override { return Location{}; }

 private:
  Clock& clock_;
  Storage storage_;
  const Scope scope_;
};

/// One backend of the node.
struct Place {
  Place(Clock& its_clock, db::Database& its_database) : clock(its_clock), database(its_database) {}

  std::string work(int times) {
    for (int done = 0; done < times;) {
      Call one = call();
      const auto entered = operations::enter(backend, Act::create, {{"pool", "object"}}, one);
      if (entered && backend.driver->create(one, {}, {})) ++done;
    }
    return "done";
  }
  std::string enter() {
    call_inside = call();
    auto entered = operations::enter(backend, Act::create, {{"pool", "object"}}, call_inside);
    if (!entered) return "no: " + entered.error().message;
    inside = std::move(*entered);
    return fmt::format("in {}", call_inside.fences.empty() ? 0 : call_inside.fences.front().token);
  }
  std::string commit() {
    try {
      database.write(inside->proven([](db::Transaction& tx) { tx.run("UPDATE setting SET value = value"); }));
      return "committed";
    } catch (const db::GuardFailed&) {
      return "refused";
    }
  }
  std::string leave() {
    inside.reset();
    call_inside = {};
    return "out";
  }
  std::string answer(const std::string& command) {
    if (command.starts_with("work ")) return work(std::atoi(command.c_str() + 5));
    if (command == "enter") return enter();
    if (command == "write") return backend.driver->create(call_inside, {}, {}) ? "written" : "refused";
    if (command == "commit") return commit();
    if (command == "stopped") return call_inside.should_stop() ? "yes" : "no";
    return command == "leave" ? leave() : "what?";
  }
  Call call() { return {.deadline = Deadline::in(clock, std::chrono::seconds{60}), .operation = "test"}; }

  Clock& clock;
  db::Database& database;
  operations::Backend backend;
  std::optional<operations::Entered> inside;
  Call call_inside;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  SystemClock clock;
  SystemRandom random;
  const auto database = argc > 5 ? db::open_postgres(clock, random, {.connection = argv[5]}) : db::open_sqlite(clock, {.path = ":memory:", .inline_execution = true});
  db::migrate(*database, store::migrations());
  const Scope scope = std::string(argv[4]) == "host" ? Scope::host : Scope::backend;
  std::vector<std::unique_ptr<Place>> places;
  for (const std::string_view url : split(argv[1], ' ')) {
    const auto read = config::parse_lock_url(url);
    if (!read) return fmt::print(stderr, "{} {}\n", url, read.error()), 2;
    places.push_back(std::make_unique<Place>(clock, *database));
    operations::Backend& backend = places.back()->backend;
    backend.name = fmt::format("cluster@storage{}", places.size());
    backend.driver = std::make_unique<NonAtomicDriver>(clock, argv[3], scope);
    backend.locks = locks::make_locks(*read, "test", clock, random, *database);
    backend.host_locks = locks::make_host_locks(clock, random, argv[2]);
  }
  const auto tell = [](const std::string& text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
  };
  tell("ready");
  constexpr std::string_view second = "second ";
  for (std::string command; std::getline(std::cin, command);)
    tell(command.starts_with(second) ? places.at(1)->answer(command.substr(second.size())) : places.front()->answer(command));
  for (const auto& place : places) {
    place->leave();
    place->backend.locks->stop();
  }
  return 0;
}
