#include "simulation/sim_database.h"

#include "base/check.h"

namespace scoria::simulation {
namespace {

/// Puts each statement and what it touched into the trace.
class TracedTransaction final : public db::Transaction {
 public:
  TracedTransaction(Baton& baton, db::Transaction& tx) : baton_(baton), tx_(tx) {}
  void run(std::string_view sql, db::Values values) override {
    note(sql, -1);
    tx_.run(sql, std::move(values));
  }
  void guard(std::string_view label, std::string_view sql, db::Values values) override {
    note(sql, -1);
    try {
      tx_.guard(label, sql, std::move(values));
    } catch (const db::GuardFailed&) {
      baton_.note("  | guard failed: " + std::string(label));
      throw;
    }
  }
  std::int64_t change(std::string_view sql, db::Values values) override {
    const std::int64_t changed = tx_.change(sql, std::move(values));
    if (sql.starts_with("UPDATE operation SET state = 'ready', owner = NULL, deaths = deaths + 1")) taken_back += changed;
    note(sql, changed);
    return changed;
  }
  db::Rows query(std::string_view sql, db::Values values) override {
    db::Rows rows = tx_.query(sql, std::move(values));
    note(sql, static_cast<std::int64_t>(rows.size()));
    return rows;
  }

 private:
  void note(std::string_view sql, std::int64_t rows) { baton_.note(fmt::format("  | {} [{}]", sql.substr(0, 110), rows)); }
  Baton& baton_;
  db::Transaction& tx_;

 public:
  std::int64_t taken_back = 0;
};

}  // namespace

void DatabaseServer::heal() {
  healed_ = true;
  stalled_until_ = down_until_ = read_only_until_ = beacons_lie_until_ = {};
  cut_until_.clear(), deaf_until_.clear(), beacon_kept_until_.clear();
}

void DatabaseServer::restart(Duration time) {
  ++lives_;
  down_until_ = baton_.now() + time;
  for (auto& [incarnation, beacon] : beacons_) beacon.since = down_until_ + Duration{static_cast<std::int64_t>(baton_.random().below(1'500'000))};
}

SimDatabase::SimDatabase(Baton& baton, Clock& clock, DatabaseServer& server)
    : baton_(baton), clock_(clock), server_(server), process_(baton.current()) {
  server_.links_.push_back(this);
}

SimDatabase::~SimDatabase() { std::erase(server_.links_, this); }

bool SimDatabase::chance(double probability) {
  if (server_.healed_ || probability <= 0 || !baton_.chance(probability) || !server_.numbered_.happens()) return false;
  ++server_.injected;
  return true;
}

bool SimDatabase::blocked(const std::map<const Process*, Instant>& until, Instant& end) const {
  const auto found = until.find(&process_);
  if (found != until.end()) end = std::max(end, found->second);
  return end > baton_.now();
}

/// The way to the server: latency, stalls, cuts.
void SimDatabase::reach(std::string_view what) {
  SCORIA_CHECK(!baton_.unwinding(), "a destructor talks to the database while its process is killed");
  const auto latency = static_cast<std::uint64_t>(server_.faults.latency.count());
  const std::uint64_t life = server_.lives_;
  Duration time{20 + static_cast<std::int64_t>(baton_.random().below(latency + 1))};
  if (chance(server_.faults.slow)) time = Duration{static_cast<std::int64_t>(baton_.random().below(static_cast<std::uint64_t>(server_.faults.slow_limit.count())))};
  baton_.sleep(time + baton_.drag(), what);
  const Instant begun = baton_.now();
  for (Instant end = server_.stalled_until_; blocked(server_.cut_until_, end); end = server_.stalled_until_) {
    if (baton_.now() - begun >= 5s) throw db::Error("simulated: the database does not answer");
    baton_.sleep(std::min(end - baton_.now(), Duration{1s}), "db.unreachable");
  }
  if (server_.down_until_ > baton_.now()) throw db::Error("simulated: the database is not running");
  if (life != server_.lives_) throw db::Error("simulated: connection ended by a restart", baton_.chance(0.5));
}

/// The way back: who does not hear the answer cannot know.
void SimDatabase::hear(std::uint64_t life) {
  if (life != server_.lives_) throw db::Error("simulated: connection ended by a restart", true);
  const Instant begun = baton_.now();
  bool waited = false;
  for (Instant end{}; blocked(server_.deaf_until_, end) && baton_.now() - begun < 5s; end = {}) {
    waited = true;
    baton_.sleep(std::min(end - baton_.now(), Duration{1s}), "db.no answer");
  }
  if (waited) throw db::Error("simulated: no answer came back", true);
}

void SimDatabase::run_transaction(const std::function<bool(db::Transaction&)>& work) {
  const std::uint64_t life = server_.lives_;
  reach("db.begin");
  ++server_.transactions;
  if (server_.read_only_until_ > baton_.now()) throw db::Error("simulated: the database takes no writes");
  if (chance(server_.faults.refused)) throw db::Error("simulated: connection refused");
  if (chance(server_.faults.commit_lost)) throw db::Error("simulated: connection lost before COMMIT arrived", true);
  const bool twice = chance(server_.faults.run_again);
  {
    const Baton::Undisturbed whole;
    std::int64_t taken_back = 0;
    const auto traced = [&](db::Transaction& tx) {
      TracedTransaction recorder(baton_, tx);
      const bool wanted = work(recorder);
      taken_back = recorder.taken_back;
      return wanted;
    };
    if (twice) server_.engine_.run_transaction([&](db::Transaction& tx) { return traced(tx), false; });
    server_.engine_.run_transaction(traced);
    server_.takeovers += static_cast<std::uint64_t>(taken_back);
  }
  if (server_.after_commit) server_.after_commit();
  baton_.point("db.committed");
  hear(life);
  if (chance(server_.faults.reply_lost)) throw db::Error("simulated: connection lost after COMMIT", true);
}

void SimDatabase::run_read(const std::function<void(db::Transaction&)>& work) {
  const std::uint64_t life = server_.lives_;
  reach("db.read");
  if (chance(server_.faults.refused)) throw db::Error("simulated: connection refused");
  {
    const Baton::Undisturbed whole;
    server_.engine_.run_read([&](db::Transaction& tx) {
      TracedTransaction recorder(baton_, tx);
      work(recorder);
    });
  }
  baton_.point("db.read done");
  hear(life);
}

void SimDatabase::poke(std::string_view queue) {
  baton_.point("db.poke");
  for (SimDatabase* link : server_.links_) {
    if (link == this || !link->listener_ || chance(server_.faults.poke_lost)) continue;
    link->inbox_.emplace_back(queue);
    link->inbox_filled_.raise();
  }
}

void SimDatabase::on_poke(std::function<void(std::string_view)> listener) {
  listener_ = std::move(listener);
  clock_.spawn("notified", [this] { listen(); });
}

void SimDatabase::listen() {
  while (true) {
    clock_.wait(inbox_filled_, 1h);
    while (!inbox_.empty()) {
      const std::string queue = std::move(inbox_.front());
      inbox_.pop_front();
      listener_(queue);
    }
  }
}

void SimDatabase::hold_beacon(std::int64_t incarnation) { server_.beacons_[incarnation] = {&process_, baton_.now()}; }

std::vector<std::int64_t> SimDatabase::beacons_held(const std::vector<std::int64_t>& incarnations) {
  reach("db.beacons");
  const Instant now = baton_.now();
  std::vector<std::int64_t> out;
  for (const std::int64_t incarnation : incarnations) {
    const auto found = server_.beacons_.find(incarnation);
    if (found == server_.beacons_.end() || found->second.since > now) continue;
    const Process* holder = found->second.holder;
    const auto kept = server_.beacon_kept_until_.find(holder);
    if (holder->killed() && (kept == server_.beacon_kept_until_.end() || kept->second <= now)) continue;
    if (server_.beacons_lie_until_ > now && baton_.chance(0.3)) continue;
    out.push_back(incarnation);
  }
  return out;
}

}  // namespace scoria::simulation
