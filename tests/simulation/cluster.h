#pragma once
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "commands/services.h"
#include "engine/engine.h"
#include "engine/start.h"
#include "identity/context.h"
#include "operations/services.h"
#include "simulation/baton.h"
#include "simulation/config.h"
#include "simulation/sim_array.h"
#include "simulation/sim_database.h"

namespace scoria::simulation {

struct Counters {
  std::uint64_t seeds = 0, commands = 0, accepted = 0, operations = 0;
  std::uint64_t kills = 0, kills_of_owners = 0, pauses = 0, takeovers = 0, injected = 0, ghosts = 0;
  std::uint64_t transactions = 0, switches = 0, points = 0, checks = 0;
  std::uint64_t faults = 0;  // that happened or, while a run is made smaller, would have
  std::int64_t virtual_seconds = 0;
  static constexpr std::size_t kinds_of_nemeses = 17;
  std::array<std::uint64_t, kinds_of_nemeses> struck{};  // by their places in nemeses()
  void add(const Counters& other);
  std::string to_text() const;
};

/// A whole cluster in one process: nodes that run the real engine, commands and operations, one database, one array. The
/// harness builds on it: seeds (workload.h) and the sweep (sweep.h).
class Cluster {
 public:
  Cluster(const SeedConfig& config, bool print);
  ~Cluster();

  /// Runs `main` as a process that is never killed, until it returns; then everything ends.
  void run(std::function<void()> main);

  // For the harness's own threads.
  /// Nodes run and are restarted when they end, until the end of the run.
  void start_nodes();
  /// Faults stop, whoever is down comes back; from here on everything must end.
  void heal();
  /// Waits until nothing lives: no operation, nothing doomed that could go, nothing delayed. False after `limit`.
  bool wait_quiet(Duration limit);
  /// One request, run by a node (SeedConfig::on_nodes) or as a process of its own: it may be killed like any other.
  enum class Answer { done, unknown };
  Answer request(const std::string& name, const std::function<void(commands::Services&, const Context&)>& work);
  /// A look at the truth, unseen by the simulated world.
  template <class Work>
  auto look(Work&& work) {
    SCORIA_CHECK(!baton.undisturbed(), "a look inside a transaction");
    const Baton::Invisible invisible;
    return engine_->read(std::forward<Work>(work));
  }
  void check_now();
  /// From now on also what takes time must have happened.
  void expect_timely() { timely_ = true; }
  /// I7: no node keeps a slot when nothing runs; only when all is quiet.
  void check_slots();
  /// Compares storage with the ledger; only when all is quiet.
  void check_storage();
  void fail(std::string text);
  const std::vector<std::string>& failures() const { return failures_; }
  std::vector<std::string> live_operations();
  /// Nothing lives but creates that the array will never be ready for.
  bool only_obstacles_live();

  // Faults.
  std::size_t some_owner();
  void kill_node(std::size_t index);
  void pause_node(std::size_t index, Duration time);
  void drain_node(std::size_t index);
  void cut_node(std::size_t index, Duration time);
  void deafen_node(std::size_t index, Duration time);
  void cut_node_from_array(std::size_t index, Duration time);
  /// Dies without a word: its beacon stays for that long.
  void cut_power(std::size_t index, Duration beacon);
  void slow_node(std::size_t index, Duration time);
  void stall_clock_of(std::size_t index, Duration time);
  /// Drains and restarts all nodes, one after the other; returns at once. One such round at a time.
  void restart_one_by_one();
  /// The database's clock, from which all leases and times come, jumps forth or back by that much.
  void jump_database_clock(Duration by);
  void pass_time(Duration time) { database_clock_ahead_ += time; }
  /// The backend gets a new generation, as by a change of site, if no operation runs there just now.
  void change_site();
  /// May the operations of this process bear another death? More would end them as poison, by design. A node that is
  /// paused or cut off long enough to be fenced is dead for them, too.
  bool may_kill(const Process& process) const;
  void count_kill(const Process& process);
  std::size_t nodes() const { return nodes_.size(); }

  const SeedConfig config;
  Faults faults;
  Baton baton;
  SimClock clock;
  std::unique_ptr<DatabaseServer> server;
  std::unique_ptr<SimArray> array;
  SeededRandom ids;  // the clients' ids and the nodes' jitter start here
  Counters counters;
  Context tenant;
  /// Kinds as every node knows them; for looks only.
  const engine::Kinds& kinds() const { return *kinds_; }

 private:
  struct Node {
    Process* process = nullptr;
    const engine::Engine* engine = nullptr;  // while the process runs
    std::int64_t incarnation = 0;
    bool drain = false, was_killed = false;
    bool endangered = false;  // an operation of it has seen three deaths
    Signal wake;
    Instant restart_at{};
    bool open = false;  // takes requests
    std::deque<std::function<void(commands::Services&)>> inbox;
    Signal asked;
  };
  struct Asked {
    bool answered = false, over = false;
  };
  void node_main(Node& node, std::size_t index);
  void do_chores(operations::Services& services);
  void serve_requests(Node& node, commands::Services& services);
  Node* some_open_node();
  void run_request(commands::Services& services, const std::function<void(commands::Services&, const Context&)>& work, Asked& asked);
  void supervise();
  void look_at(Node& node);
  bool nothing_doomed();
  void prepare_database();
  std::string host(std::size_t index) const;

  std::unique_ptr<db::Database> engine_;
  std::unique_ptr<db::Database> nowhere_;
  std::unique_ptr<operations::Services> kind_services_;
  operations::Backends no_backends_;
  std::unique_ptr<engine::Kinds> kinds_;
  std::vector<std::unique_ptr<Node>> nodes_;
  /// The process of a node that may be disturbed just now; null if it does not run.
  Process* disturbable(std::size_t index);

  bool healed_ = false, ending_ = false, timely_ = false, rolling_ = false;
  Duration database_clock_ahead_{};
  int commits_ = 0;
  std::vector<std::string> failures_;
  std::vector<Process*> processes_;
};

}  // namespace scoria::simulation
