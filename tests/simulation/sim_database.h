#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "db/database.h"
#include "simulation/baton.h"

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
  DatabaseServer(Baton& baton, db::Database& engine) : baton_(baton), engine_(engine) {}
  DatabaseFaults faults;
  /// Nobody gets an answer until then: a stall, a failover.
  void stall(Duration time) { stalled_until_ = baton_.now() + time; }
  /// One process alone does not get through until then.
  void cut(const Process& process, Duration time) { cut_until_[&process] = baton_.now() + time; }
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
  Baton& baton_;
  db::Database& engine_;
  bool healed_ = false;
  Instant stalled_until_{};
  std::map<const Process*, Instant> cut_until_;  // looked up only, never walked
  std::map<std::int64_t, const Process*> beacons_;
  std::vector<SimDatabase*> links_;
};

/// What one process sees of the server. One transaction is one scheduling point before and one after.
class SimDatabase final : public db::Database {
 public:
  SimDatabase(Baton& baton, Clock& clock, DatabaseServer& server);
  ~SimDatabase() override;

  db::Engine engine() const override { return server_.engine_.engine(); }
  db::Statistics statistics() const override { return server_.engine_.statistics(); }
  void run_transaction(const std::function<bool(db::Transaction&)>& work) override;
  void run_read(const std::function<void(db::Transaction&)>& work) override;
  void poke(std::string_view queue) override;
  void on_poke(std::function<void(std::string_view queue)> listener) override;
  void hold_beacon(std::int64_t incarnation) override;
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override;

 private:
  void reach(std::string_view what);
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
