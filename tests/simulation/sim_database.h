#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "db/database.h"
#include "simulation/baton.h"
#include "simulation/faults.h"

namespace scoria::simulation {

/// How a seed's database misbehaves. All chances are per transaction.
struct DatabaseFaults {
  double refused = 0;         // fails before it began
  double commit_lost = 0;     // fails, nothing committed, and the caller cannot know
  double reply_lost = 0;      // committed, but the caller cannot know
  double run_again = 0;       // a deadlock: the work runs twice, the first time for nothing
  double slow = 0;            // takes up to `slow_limit`
  double poke_lost = 0;
  Duration latency = 300us;   // of an ordinary transaction, at most
  Duration slow_limit = 2s;
};

class SimDatabase;

/// The one database of a simulated cluster: real SQL in memory, and the misbehaviour of the way to it.
class DatabaseServer {
 public:
  DatabaseServer(Baton& baton, db::Database& engine, Faults& numbered) : baton_(baton), engine_(engine), numbered_(numbered) {}
  DatabaseFaults faults;
  bool has_beacons = false;
  /// Nobody gets an answer until then: a stall, a failover.
  void stall(Duration time) { stalled_until_ = baton_.now() + time; }
  /// Ends every connection, with what was under way on it, and takes none until then. Beacons come back a little later.
  void restart(Duration time);
  /// Takes no writes until then: its disk is full, or it is a standby.
  void refuse_writes(Duration time) { read_only_until_ = baton_.now() + time; }
  /// One process alone does not get through until then.
  void cut(const Process& process, Duration time) { cut_until_[&process] = baton_.now() + time; }
  /// What one process sends arrives, but no answer comes back until then.
  void deafen(const Process& process, Duration time) { deaf_until_[&process] = baton_.now() + time; }
  /// Living nodes' beacons look lost now and then until then, as if only their connections had broken.
  void lie_about_beacons(Duration time) { beacons_lie_until_ = baton_.now() + time; }
  /// The beacon of this process outlives it until then: nobody told the server that it is gone.
  void keep_beacon(const Process& process, Duration time) { beacon_kept_until_[&process] = baton_.now() + time; }
  /// From now on nothing misbehaves any more, and nothing may be told to.
  void heal();
  bool healed() const { return healed_; }
  /// For checks: the database itself, undisturbed.
  db::Database& engine() { return engine_; }
  /// Called after every commit, before anybody else sees it.
  std::function<void()> after_commit;
  std::uint64_t transactions = 0, injected = 0, takeovers = 0;  // takeovers: operations taken back from dead nodes

 private:
  friend class SimDatabase;
  struct Beacon {
    const Process* holder = nullptr;
    Instant since{};  // a restart may put it into the future
  };
  Baton& baton_;
  db::Database& engine_;
  Faults& numbered_;
  bool healed_ = false;
  std::uint64_t lives_ = 1;
  Instant stalled_until_{}, down_until_{}, read_only_until_{}, beacons_lie_until_{};
  std::map<const Process*, Instant> cut_until_, deaf_until_, beacon_kept_until_;  // looked up only, never walked
  std::map<std::int64_t, Beacon> beacons_;
  std::vector<SimDatabase*> links_;
};

/// What one process sees of the server. One transaction is one scheduling point before and one after.
class SimDatabase final : public db::Database {
 public:
  SimDatabase(Baton& baton, Clock& clock, DatabaseServer& server);
  ~SimDatabase() override;

  /// What nodes ask for is whether there are beacons; the SQL is the engine's own.
  db::Engine engine() const override { return server_.has_beacons ? db::Engine::postgres : server_.engine_.engine(); }
  db::Statistics statistics() const override { return server_.engine_.statistics(); }
  void run_transaction(const std::function<bool(db::Transaction&)>& work) override;
  void run_read(const std::function<void(db::Transaction&)>& work) override;
  void poke(std::string_view queue) override;
  void on_poke(std::function<void(std::string_view queue)> listener) override;
  void hold_beacon(std::int64_t incarnation) override;
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override;

 private:
  void reach(std::string_view what);
  void hear(std::uint64_t life);
  bool blocked(const std::map<const Process*, Instant>& until, Instant& end) const;
  bool chance(double probability);
  void listen();

  Baton& baton_;
  Clock& clock_;
  DatabaseServer& server_;
  Process& process_;
  std::function<void(std::string_view)> listener_;
  std::deque<std::string> inbox_;
  Signal inbox_filled_;
};

}  // namespace scoria::simulation
