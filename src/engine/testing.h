#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "db/engines/sqlite.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "engine/kind.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "observe/metrics.h"
#include "store/migrations.h"

namespace scoria::engine::testing {

/// Virtual time. Threads run one at a time, each until it waits; who made the clock is the first of them. Time moves when nobody
/// can go on, to the moment at which somebody can: the same test does the same at every run, and waits for nothing.
class TurnClock final : public Clock {
 public:
  TurnClock() { threads_.push_back(std::make_unique<Thread>()); }
  ~TurnClock() override {
    for (std::size_t i = 1; i < threads_.size(); ++i) SCORIA_CHECK(threads_[i]->done, "a thread outlives its clock");
  }
  Instant now() const override {
    SCORIA_CHECK(++asked_ < 1'000'000, "somebody waits for a time without waiting");
    return now_;
  }
  Timestamp database_time() const { return Timestamp{1'800'000'000'000'000} + now_.since_boot; }
  void sleep(Duration time) override { pause(nullptr, time); }
  bool wait(Signal& signal, Duration timeout) override { return pause(&signal, timeout); }
  void spawn(std::string name, std::function<void()> main) override {
    ++spawned[name];
    threads_.push_back(std::make_unique<Thread>());
    Thread& own = *threads_.back();
    own.wake = now_;
    real_.spawn(std::move(name), [this, &own, main = std::move(main)] {
      while (!real_.wait(own.turn, std::chrono::seconds{60})) {}
      main();
      own.done = true;
      running_ = next();
      threads_[running_]->turn.raise();
    });
  }

  std::map<std::string, int> spawned;  // how many of each name

 private:
  struct Thread {
    Signal turn;
    Signal* signal = nullptr;
    Instant wake{};
    bool raised = false, done = false;
  };

  bool pause(Signal* signal, Duration time) {
    asked_ = 0;
    Thread& self = *threads_[running_];
    const bool first = running_ == 0;
    self.signal = signal, self.raised = false, self.wake = now_ + std::max(time, Duration::zero());
    running_ = next();
    Thread& other = *threads_[running_];
    if (&other != &self) {
      other.turn.raise();
      while (!real_.wait(self.turn, std::chrono::seconds{20})) SCORIA_CHECK(!first, "a thread does not stop");
    }
    self.signal = nullptr;
    return self.raised;
  }

  std::size_t next() {
    for (int moments = 0;;) {
      Instant soonest = never;
      for (std::size_t i = 1; i <= threads_.size(); ++i) {
        const std::size_t at = (running_ + i) % threads_.size();
        Thread& thread = *threads_[at];
        if (thread.done) continue;
        thread.raised = thread.signal != nullptr && take(*thread.signal);
        if (thread.raised || thread.wake <= now_) {
          SCORIA_CHECK(++turns_ < 10'000 && ++all_turns_ < 300'000, "time hardly goes on");
          return at;
        }
        soonest = std::min(soonest, thread.wake);
      }
      SCORIA_CHECK(soonest != never && ++moments < 3, "nobody can go on");
      now_ = soonest, turns_ = 0;
    }
  }

  SystemClock real_;
  Instant now_{std::chrono::seconds{1000}};
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t running_ = 0;
  int turns_ = 0, all_turns_ = 0;
  mutable int asked_ = 0;
};

/// Says what it is told to say.
class ToldRandom final : public Random {
 public:
  std::uint64_t next() override { return says; }
  std::uint64_t says = 0;
};

/// A database as seen by one node, whose answers a test may spoil.
class Seen final : public db::Database {
 public:
  explicit Seen(db::Database& real) : real_(real) {}
  db::Engine engine() const override { return says; }
  db::Statistics statistics() const override { return real_.statistics(); }
  void run_transaction(const std::function<bool(db::Transaction&)>& work) override {
    count();
    if (before_write) before_write();
    if (twice) real_.run_transaction([&](db::Transaction& tx) { return work(tx), false; });
    real_.run_transaction(work);
    if (after_write) after_write();
  }
  void run_read(const std::function<void(db::Transaction&)>& work) override {
    count();
    if (before_read) before_read();
    real_.run_read(work);
  }
  void run_read_one(const std::function<void(db::Transaction&)>& work) override {
    count();
    if (before_read) before_read();
    real_.run_read_one(work);
  }
  void poke(std::string_view queue) override { poked.emplace_back(queue); }
  void on_poke(std::function<void(std::string_view)> listener) override { listens = std::move(listener); }
  void hold_beacon(std::int64_t incarnation) override { beacons.push_back(incarnation); }
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override {
    std::vector<std::int64_t> held;
    for (const std::int64_t one : incarnations)
      if (std::find(beacons.begin(), beacons.end(), one) != beacons.end()) held.push_back(one);
    return held;
  }

  db::Engine says = db::Engine::sqlite;
  bool twice = false;  // each transaction runs a second time, as after a deadlock
  std::function<void()> before_write, after_write, before_read;
  std::vector<std::string> poked;
  std::function<void(std::string_view)> listens;
  std::vector<std::int64_t> beacons;

 private:
  void count() { SCORIA_CHECK(++asked_ < 100'000, "the database is asked again and again"); }
  db::Database& real_;
  int asked_ = 0;
};

/// A kind whose steps a test writes. A step it does not write is done; the last one succeeds.
class Played : public Kind {
 public:
  explicit Played(std::string name = "test.played") : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  int version() const override { return newest; }
  int oldest_version() const override { return oldest; }
  std::vector<std::string_view> steps() const override { return list; }
  bool has_step(std::size_t step, int version) const override { return !since.contains(list[step]) || since.at(list[step]) <= version; }
  std::string_view point_of_no_return() const override { return no_return; }
  Outcome run(std::size_t step, Task& task) const override {
    ran.emplace_back(list[step]);
    if (const auto found = does.find(list[step]); found != does.end()) return found->second(task);
    return step + 1 == list.size() ? Outcome::succeed() : Outcome::advance(task.operation().context);
  }
  /// Noted in the ending transaction; a second end of the same operation fails.
  void settle(db::Transaction& tx, const Operation& operation, const Ending& ending) const override {
    tx.run("INSERT INTO setting (name, value) VALUES (?, ?)", {"end of " + operation.id, fmt::format("{}|{}|{}", to_text(ending.state), ending.code, ending.text)});
  }

  std::vector<std::string_view> list = {"first", "second", "third"};
  std::map<std::string_view, int> since;
  std::string_view no_return;
  int newest = 1, oldest = 1;
  std::map<std::string, std::function<Outcome(Task&)>, std::less<>> does;
  mutable std::vector<std::string> ran;

 private:
  const std::string name_;
};

/// Time stands still unless the test lets it go on, the database's too.
class Still : public ::testing::Test {
 protected:
  Seen& database() { return database_; }
  TurnClock& clock() { return clock_; }

  TurnClock clock_;
  std::unique_ptr<db::Database> real_ = db::open_sqlite(clock_, {.path = ":memory:", .now = [this] { return clock_.database_time(); }, .inline_execution = true});
  Seen database_{*real_};
};

/// The value of "name" or "name{label="…"}" in this process' metrics; 0 if there is none.
inline double measured(const std::string& name) {
  const std::string all = "\n" + metrics::render();
  const auto at = all.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stod(all.substr(at + name.size() + 2));
}

/// Operations of one kind in the schema of the release.
template <class Where>
class WithOperations : public Where {
 protected:
  void SetUp() override {
    Where::SetUp();
    if (Where::IsSkipped() || Where::HasFatalFailure()) return;
    db::migrate(this->database(), store::migrations());
    auto kind = std::make_unique<Played>();
    played_ = kind.get();
    kinds_.add(std::move(kind));
  }

  std::string start(NewOperation wanted = {}, Launch* launch = nullptr) {
    if (wanted.id.empty()) wanted.id = "op" + std::to_string(++made_);
    if (wanted.kind.empty()) wanted.kind = "test.played";
    if (wanted.queue.empty()) wanted.queue = "work";
    if (wanted.project_id.empty()) wanted.project_id = "project";
    if (wanted.resource_type.empty()) wanted.resource_type = "none";
    this->database().write([&](db::Transaction& tx) { engine::start(tx, kinds_, wanted, launch); });
    return wanted.id;
  }
  /// UPDATE operation SET `assignments`, of that one.
  void set(const std::string& id, const std::string& assignments) { sql("UPDATE operation SET " + assignments + " WHERE id = ?", {id}); }
  void sql(const std::string& statement, const db::Values& values = {}) {
    this->database().write([&](db::Transaction& tx) { tx.run(statement, values); });
  }
  std::int64_t number(const std::string& query) {
    return this->database().read([&](db::Transaction& tx) { return tx.query(query).at(0, 0).integer(); });
  }
  std::string text(const std::string& query) {
    return this->database().read([&](db::Transaction& tx) {
      const db::Rows rows = tx.query(query);
      return rows.empty() ? std::string("nothing") : rows.at(0, 0).text();
    });
  }
  Operation operation(const std::string& id) {
    return *this->database().read([&](db::Transaction& tx) { return find_operation(tx, id); });
  }
  std::string state(const std::string& id) { return std::string(to_text(operation(id).state)); }
  std::string end_of(const std::string& id) { return text("SELECT value FROM setting WHERE name = 'end of " + id + "'"); }
  std::int64_t add_node(const std::string& host, const std::string& state, std::int64_t lease_left, std::int64_t beats = 1) {
    return this->database().write([&](db::Transaction& tx) {
      return tx.query("INSERT INTO node (host, roles, state, hb_seq, lease_until, started_at, release, schema_version) "
                      "VALUES (?, 'all', ?, ?, scoria_now() + ?, scoria_now(), '1', 1) RETURNING inc", {host, state, beats, lease_left}).at(0, 0).integer();
    });
  }
  void add_volume(const std::string& id, const std::string& rest = "s_ops = 0") {
    sql("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('type', 'type', 1, '{}', 1) ON CONFLICT (id) DO UPDATE SET name = 'type'");
    sql("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, created_at) "
        "VALUES (?, 'project', 'user', 1, 'available', 'detached', 'type', 'nova', '{}', '{}', 1)", {id});
    sql("UPDATE volume SET " + rest + " WHERE id = ?", {id});
  }

  Kinds kinds_;
  Played* played_ = nullptr;
  int made_ = 0;
};

using OnEveryEngine = WithOperations<db::testing::EveryEngine>;
using InStillTime = WithOperations<Still>;

}  // namespace scoria::engine::testing
