#include "simulation/cluster.h"

#include "app/reporter.h"
#include "db/engines/sqlite.h"
#include "observe/log.h"
#include "reconcile/invariants.h"
#include "reconcile/inventory.h"
#include "reconcile/purge.h"
#include "simulation/sim_door.h"
#include "simulation/watchers.h"
#include "store/migrations.h"
#include "store/objects/objects.h"

namespace scoria::simulation {
namespace {

constexpr std::string_view backend_name = "sim@array";

std::uint64_t schedule_of(const SeedConfig& config) {
  constexpr std::uint64_t apart = 0x2545F4914F6CDD1DULL;
  return config.seed + static_cast<std::uint64_t>(config.schedule) * apart;
}

std::string text_of(std::string_view sql_state) { return std::string(sql_state); }

}  // namespace

void Counters::add(const Counters& o) {
  seeds += o.seeds, commands += o.commands, accepted += o.accepted, operations += o.operations;
  kills += o.kills, kills_of_owners += o.kills_of_owners, pauses += o.pauses, takeovers += o.takeovers, injected += o.injected, ghosts += o.ghosts;
  transactions += o.transactions, switches += o.switches, points += o.points, checks += o.checks, virtual_seconds += o.virtual_seconds;
  faults += o.faults;
  for (std::size_t i = 0; i < struck.size(); ++i) struck[i] += o.struck[i];
}

std::string Counters::to_text() const {
  return fmt::format(
      "{} seeds, {} virtual hours: {} requests, {} operations; {} kills ({} of owners of running operations), {} pauses, {} takeovers, {} calls of ghosts, "
      "{} injected errors; {} transactions, {} invariant checks, {} switches",
      seeds, virtual_seconds / 3600, commands, operations, kills, kills_of_owners, pauses, takeovers, ghosts, injected, transactions, checks, switches);
}

Cluster::Cluster(const SeedConfig& drawn, bool print)
    : config(drawn), faults(drawn.faults), baton({.seed = schedule_of(drawn), .stickiness = drawn.stickiness, .print = print}), clock(baton), ids(drawn.seed ^ 0x5DEECE66DULL) {
  log::set_sink([this, print](const log::Line& line) {
    // Of what the reconciler repairs, sums that were wrong can have no cause but a bug.
    if (line.text.find("counted again") != std::string::npos) fail("I15: the reconciler had to repair: " + line.text);
    if (print) std::printf("%12.6f %-22s   # %s: %s\n", static_cast<double>(clock.now().since_boot.count()) / 1e6, baton.where().c_str(), line.area.c_str(), line.text.c_str());
  });
  prepare_database();
  server = std::make_unique<DatabaseServer>(baton, *engine_, faults);
  server->has_beacons = config.beacons;
  server->faults = config.database;
  array = std::make_unique<SimArray>(baton, std::string(backend_name), faults);
  array->faults = config.array;
  array->sections = config.sections;
  array->pools = {{"fast", from_gib(config.pool_gib)}, {"slow", from_gib(config.pool_gib)}};
  array->ledger = [this](const std::string& name) {
    return look([&](db::Transaction& tx) {
      const db::Rows rows = tx.query("SELECT state FROM backend_object WHERE backend = ? AND name = ?", {backend_name, name});
      const db::Rows children = tx.query("SELECT 1 FROM backend_object WHERE backend = ? AND base = ? AND state IN ('intended', 'published')", {backend_name, name});
      return SimArray::Ledger{rows.empty() ? "" : rows.at(0, 0).text(), !children.empty()};
    });
  };
  array->client_name = [this](const std::string& name) {
    return look([&](db::Transaction& tx) {
      const db::Rows rows = tx.query("SELECT volume.name FROM backend_object o JOIN volume ON volume.id = o.owner_id WHERE o.backend = ? AND o.name = ?", {backend_name, name});
      return rows.empty() ? std::string() : rows.at(0, 0).text();
    });
  };
  array->current = [this](const std::string& operation, std::int64_t epoch) {
    return look([&](db::Transaction& tx) {
      return !tx.query("SELECT 1 FROM operation WHERE id = ? AND epoch = ? AND state = 'running'", {operation, epoch}).empty();
    });
  };
  server->after_commit = [this] {
    if (++commits_ % config.check_every == 0) check_now();
  };
  tenant.project_id = "11111111111111111111111111111111";
  tenant.user_id = "22222222222222222222222222222222";
  kind_services_ = std::make_unique<operations::Services>(operations::Services{*engine_, clock, ids, no_backends_});
  kinds_ = std::make_unique<engine::Kinds>();
  operations::register_all(*kinds_, *kind_services_);
  for (int i = 0; i < config.nodes; ++i) nodes_.push_back(std::make_unique<Node>());
}

Cluster::~Cluster() { log::set_sink({}); }

void Cluster::prepare_database() {
  engine_ = db::open_sqlite(clock, {.path = ":memory:", .now = [this] { return Timestamp{1'700'000'000'000'000 + (baton.now().since_boot + database_clock_ahead_).count()}; }, .inline_execution = true});
  db::migrate(*engine_, store::migrations());
  for (const std::string_view trigger : watchers()) engine_->write([&](db::Transaction& tx) { tx.run(trigger); });
  engine_->write([&](db::Transaction& tx) {
    tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('33333333-3333-3333-3333-333333333333', '__DEFAULT__', 1, '{}', 0) "
           "ON CONFLICT (id) DO NOTHING");
    for (const char* resource : {"volumes", "gigabytes", "snapshots"})
      tx.run("INSERT INTO quota_class_limit (class, scope, resource, value) VALUES ('default', '', ?, 100000)", {resource});
  });
}

void Cluster::run(std::function<void()> main) {
  baton.start("harness", [this, main = std::move(main)] {
    try {
      main();
    } catch (const std::exception& failure) {
      fail(std::string("harness: ") + failure.what());
    }
    ending_ = true;
    counters.virtual_seconds = (baton.now() - Instant{1000s}).count() / 1'000'000;
    for (Process* process : processes_)
      if (!process->over()) baton.kill(*process);
  });
  baton.run();
  counters.seeds = 1;
  counters.faults = faults.count();
  counters.switches = baton.switches(), counters.points = baton.points();
  counters.transactions = server->transactions, counters.takeovers = server->takeovers;
  counters.injected += server->injected + array->injected, counters.ghosts = array->ghost_calls;
  for (const std::string& text : baton.faults()) fail(text);
  for (const std::string& text : array->violations()) fail(text);
}

std::string Cluster::host(std::size_t index) const { return fmt::format("node{}", index + 1); }

/// Backends against the ledger all the time, in small pages, and what is over thrown away.
void Cluster::do_chores(operations::Services& services) {
  reconcile::Inventory inventory(services, {.period = 8s, .pause = 500ms, .grace = 15s, .page = config.inventory_page});
  reconcile::Purge purge(services.database, {.events = 24h, .period = 20s});  // events are looked at by I17
  const auto carefully = [this](auto&& work) {
    try {
      work();
    } catch (const std::exception& failure) {
      baton.note(std::string("chore: ") + failure.what());
    }
  };
  while (true) {
    clock.sleep(2s);
    for (operations::Backend* backend : services.backends.all()) carefully([&] { inventory.turn(*backend); });
    carefully([&] { purge.turn(); });
  }
}

/// Each on a thread of its own, beside the operations.
void Cluster::serve_requests(Node& node, commands::Services& services) {
  node.inbox.clear();
  node.open = true;
  while (node.open) {
    for (; !node.inbox.empty(); node.inbox.pop_front())
      clock.spawn("request", [&services, work = node.inbox.front()] { work(services); });
    clock.wait(node.asked, 1h);
  }
}

/// What the program's start does on a volume node, without configuration and network.
void Cluster::node_main(Node& node, std::size_t index) {
  node.engine = nullptr;
  SimDatabase database(baton, clock, *server);
  SeededRandom random(ids.next());
  operations::Backends backends;
  auto backend = std::make_unique<operations::Backend>();
  backend->name = backend_name, backend->host = host(index) + "@array", backend->cluster = backend_name, backend->zone = "nova";
  backend->driver = std::make_unique<SimDriver>(baton, *array);
  locks::Locks& locks = *(backend->locks = locks::make_database_locks(clock, random, database, {.lease = config.lease}));
  backends.add(std::move(backend));
  SimDoor door(baton, *array);
  SimSealer sealer;
  operations::Services services{database, clock, random, backends, &door, &sealer, {}};
  engine::Kinds known;
  operations::register_all(known, services);
  engine::EngineOptions options;
  options.membership.host = host(index);
  options.membership.roles = "scheduler,volume";
  options.membership.lease = config.lease, options.membership.beat = config.beat, options.membership.sweep = config.sweep;
  options.poll = config.poll, options.slots = config.slots, options.bulk_slots = config.bulk_slots, options.project_limit = config.project_limit;
  engine::Engine engine(database, clock, random, known, options, [this] { baton.kill(baton.current()); });
  app::Reporter reporter(services, engine, config.report);
  try {
    engine.start();
  } catch (const std::exception& failure) {
    baton.note(std::string("node cannot start: ") + failure.what());
    baton.kill(baton.current());
  }
  node.incarnation = engine.incarnation();
  node.engine = &engine;
  engine.serve(std::string(engine::scheduler_queue));
  reporter.start();
  clock.spawn("chores", [&] { do_chores(services); });
  commands::Services requests{database, random, known, {}, [&engine](const std::string& queue) { engine.poke(queue); }, &sealer, &engine, &services.scheduler};
  requests.options.quotas = {};
  if (config.on_nodes > 0) clock.spawn("api", [&] { serve_requests(node, requests); });
  while (!node.drain) clock.wait(node.wake, 1h);
  baton.note("drain");
  reporter.stop();
  engine.drain(30s);
  locks.stop();
  baton.kill(baton.current());
}

void Cluster::start_nodes() {
  const auto keep = [this](std::string name, std::function<void()> main) { processes_.push_back(&baton.start(std::move(name), std::move(main))); };
  keep("array", [this] { array->land_delayed(); });
  keep("supervisor", [this] { supervise(); });
}

/// Starts what is not running: a node that ended comes back a little later.
void Cluster::supervise() {
  while (!ending_) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = *nodes_[i];
      look_at(node);
      if (node.process != nullptr && !node.process->over()) continue;
      node.open = false;
      if (node.process != nullptr && node.restart_at == Instant{}) {
        node.restart_at = baton.now() + (healed_ ? Duration{100ms} : Duration{static_cast<std::int64_t>(baton.random().below(5'000'000))});
        std::erase(processes_, node.process);
      }
      if (node.restart_at > baton.now()) continue;
      node.drain = false;
      node.restart_at = {};
      node.process = &baton.start(host(i), [this, &node, i] { node_main(node, i); });
      processes_.push_back(node.process);
    }
    clock.sleep(100ms);
  }
}

void Cluster::run_request(commands::Services& services, const std::function<void(commands::Services&, const Context&)>& work, Asked& asked) {
  Context context = tenant;
  context.request_id = "req-" + services.random.uuid();
  try {
    work(services, context);
    asked.answered = true;
  } catch (const std::exception& failure) {
    baton.note(std::string("request failed: ") + failure.what());
  }
  asked.over = true;
}

Cluster::Node* Cluster::some_open_node() {
  if (config.on_nodes == 0 || !baton.chance(config.on_nodes)) return nullptr;
  std::vector<Node*> open;
  for (const auto& node : nodes_)
    if (node->open && !node->process->over()) open.push_back(node.get());
  return open.empty() ? nullptr : open[baton.random().below(open.size())];
}

Cluster::Answer Cluster::request(const std::string& name, const std::function<void(commands::Services&, const Context&)>& work) {
  const auto asked = std::make_shared<Asked>();
  ++counters.commands;
  if (Node* node = some_open_node(); node != nullptr) {
    const Process& process = *node->process;
    node->inbox.emplace_back([this, asked, &work](commands::Services& services) { run_request(services, work, *asked); });
    node->asked.raise();
    while (!asked->over && !process.over()) clock.sleep(3ms);
    return asked->answered ? Answer::done : Answer::unknown;
  }
  Process& process = baton.start(name, [this, asked, &work] {
    SimDatabase database(baton, clock, *server);
    SeededRandom random(ids.next());
    SimSealer sealer;
    commands::Services services{database, random, *kinds_, {}, [&database](const std::string& queue) { database.poke(queue); }, &sealer};
    services.options.quotas = {};
    run_request(services, work, *asked);
  });
  processes_.push_back(&process);
  while (!process.over()) clock.sleep(3ms);
  std::erase(processes_, &process);
  return asked->answered ? Answer::done : Answer::unknown;
}

/// A node that owns a running operation, if there is one, else any: only such kills count.
std::size_t Cluster::some_owner() {
  const db::Rows rows = look([](db::Transaction& tx) { return tx.query("SELECT DISTINCT owner FROM operation WHERE state = 'running' ORDER BY owner"); });
  if (!rows.empty()) {
    const std::int64_t owner = rows.at(baton.random().below(rows.size()), 0).integer();
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i]->incarnation == owner) return i;
  }
  return baton.random().below(nodes_.size());
}

Process* Cluster::disturbable(std::size_t index) {
  Process* process = nodes_[index]->process;
  return process == nullptr || process->over() || !may_kill(*process) ? nullptr : process;
}

void Cluster::kill_node(std::size_t index) {
  Process* process = disturbable(index);
  if (process == nullptr) return;
  count_kill(*process);
  baton.kill(*process);
}

void Cluster::cut_power(std::size_t index, Duration beacon) {
  if (const Process* process = disturbable(index)) server->keep_beacon(*process, beacon);
  kill_node(index);
}

/// Answers from what the supervisor saw last: the caller may be inside a transaction.
bool Cluster::may_kill(const Process& process) const {
  return std::none_of(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node->process == &process && node->endangered; });
}

void Cluster::count_kill(const Process& process) {
  ++counters.kills;
  for (const auto& node : nodes_)
    if (node->process == &process) node->was_killed = true;
}

/// What a node's operations bear, and whether the killed one owned any that runs.
void Cluster::look_at(Node& node) {
  if (node.process == nullptr) return;
  const db::Rows rows = look([&](db::Transaction& tx) {
    return tx.query("SELECT count(*), COALESCE(SUM(CASE WHEN deaths >= 3 THEN 1 ELSE 0 END), 0) FROM operation WHERE state = 'running' AND owner = ?", {node.incarnation});
  });
  node.endangered = rows.at(0, 1).integer() > 0;
  if (std::exchange(node.was_killed, false) && rows.at(0, 0).integer() > 0) ++counters.kills_of_owners;
}

void Cluster::pause_node(std::size_t index, Duration time) {
  Process* process = disturbable(index);
  if (process == nullptr) return;
  ++counters.pauses;
  baton.pause(*process, time);
}

void Cluster::drain_node(std::size_t index) {
  baton.note("told to drain " + host(index));
  nodes_[index]->drain = true;
  nodes_[index]->wake.raise();
}

void Cluster::cut_node(std::size_t index, Duration time) {
  if (const Process* process = disturbable(index)) server->cut(*process, time);
}

void Cluster::deafen_node(std::size_t index, Duration time) {
  if (const Process* process = disturbable(index)) server->deafen(*process, time);
}

void Cluster::cut_node_from_array(std::size_t index, Duration time) {
  if (const Process* process = disturbable(index)) array->cut(*process, time);
}

void Cluster::slow_node(std::size_t index, Duration time) {
  if (Process* process = disturbable(index)) baton.slow_down(*process, time);
}

void Cluster::stall_clock_of(std::size_t index, Duration time) {
  if (Process* process = disturbable(index)) baton.stall_clock(*process, time);
}

void Cluster::restart_one_by_one() {
  if (std::exchange(rolling_, true)) return;
  baton.start("roller", [this] {
    for (std::size_t i = 0; i < nodes_.size() && !healed_; ++i) {
      const Process* before = nodes_[i]->process;
      if (before == nullptr || before->over()) continue;
      drain_node(i);
      const Deadline limit = Deadline::in(clock, 40s);
      while (!limit.passed(clock) && !healed_ && nodes_[i]->process == before) clock.sleep(100ms);
    }
    rolling_ = false;
  });
}

void Cluster::jump_database_clock(Duration by) {
  const bool back = baton.chance(0.5) && database_clock_ahead_ >= by;
  database_clock_ahead_ += back ? -by : by;
}

void Cluster::change_site() {
  const Baton::Invisible invisible;
  engine_->write([](db::Transaction& tx) {
    tx.run("UPDATE backend SET gen = gen + 1 WHERE name = ? AND NOT EXISTS (SELECT 1 FROM operation WHERE backend = ? AND state = 'running')", {backend_name, backend_name});
  });
}

void Cluster::heal() {
  baton.note("healed");
  healed_ = true;
  server->heal();
  array->heal();
  for (const auto& node : nodes_)
    if (node->process != nullptr) baton.pause(*node->process, Duration::zero());
}

bool Cluster::only_obstacles_live() {
  return look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query(
        "SELECT COALESCE(v.name, '') FROM operation o LEFT JOIN volume v ON v.id = o.resource_id WHERE o.state IN ('ready', 'running', 'waiting') ORDER BY o.seq");
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!array->never_ready.contains(rows.at(i, 0).text())) return false;
    return true;
  });
}

std::vector<std::string> Cluster::live_operations() {
  return look([&](db::Transaction& tx) {
    const db::Rows rows = tx.query(
        "SELECT id, kind, state, step, epoch, attempt, deaths, COALESCE(reason, ''), COALESCE(waits_on, ''), (run_at - scoria_now()) / 1000 FROM operation "
        "WHERE state IN ('ready', 'running', 'waiting') ORDER BY seq");
    std::vector<std::string> out;
    for (std::size_t i = 0; i < rows.size(); ++i)
      out.push_back(fmt::format("{} {} {} at {} epoch {} attempt {} deaths {}: {} {} (due in {} ms)", rows.at(i, 1).text(), rows.at(i, 0).text(), text_of(rows.at(i, 2).text()),
                                rows.at(i, 3).text(), rows.at(i, 4).integer(), rows.at(i, 5).integer(), rows.at(i, 6).integer(), rows.at(i, 7).text(), rows.at(i, 8).text(),
                                rows.at(i, 9).integer()));
    return out;
  });
}

/// What is doomed and hangs on nothing is removed in the end.
bool Cluster::nothing_doomed() {
  return look([&](db::Transaction& tx) { return store::objects::destroyable(tx, std::string(backend_name), 1).empty(); });
}

bool Cluster::wait_quiet(Duration limit) {
  const Deadline deadline = Deadline::in(clock, limit);
  while (!deadline.passed(clock)) {
    if (live_operations().empty() && !array->anything_delayed() && nothing_doomed()) return true;
    clock.sleep(250ms);
  }
  return false;
}

void Cluster::fail(std::string text) {
  baton.note("FAILED " + text);
  if (std::find(failures_.begin(), failures_.end(), text) == failures_.end() && failures_.size() < 20) failures_.push_back(std::move(text));
}

void Cluster::check_now() {
  const Baton::Invisible invisible;
  ++counters.checks;
  try {
    for (const reconcile::Violation& violation : reconcile::check_invariants(*engine_, {.timely = timely_, .events_kept = true}))
      fail(violation.invariant + ": " + violation.text);
    const db::Rows seen = engine_->read([](db::Transaction& tx) { return tx.query("SELECT text FROM sim_violation"); });
    for (std::size_t i = 0; i < seen.size(); ++i) fail(seen.at(i, 0).text());
    const db::Rows lost = engine_->read([](db::Transaction& tx) { return tx.query("SELECT text FROM finding WHERE kind NOT IN ('object.long', 'object.undying')"); });
    for (std::size_t i = 0; i < lost.size(); ++i) fail("I8: the inventory found: " + lost.at(i, 0).text());
  } catch (const std::exception& failure) {
    fail(std::string("checking the invariants: ") + failure.what());
  }
}

void Cluster::check_slots() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = *nodes_[i];
    if (node.process == nullptr || node.process->over() || node.engine == nullptr) continue;
    if (const std::size_t kept = node.engine->running(); kept > 0) fail(fmt::format("I7: {} keeps {} slots though nothing runs", host(i), kept));
  }
}

/// I8: what is published exists, whole and in its size; what is not published does not exist, once nobody works any more.
void Cluster::check_storage() {
  struct Row {
    std::string name, state;
    std::int64_t size;
  };
  const auto rows = look([&](db::Transaction& tx) {
    const db::Rows found = tx.query("SELECT name, state, size_bytes FROM backend_object WHERE backend = ? ORDER BY name", {backend_name});
    std::vector<Row> out;
    for (std::size_t i = 0; i < found.size(); ++i) out.push_back({found.at(i, 0).text(), found.at(i, 1).text(), found.at(i, 2).integer()});
    return out;
  });
  std::map<std::string, std::string> states;
  for (const Row& row : rows) {
    states[row.name] = row.state;
    const auto found = array->objects.find(row.name);
    if (row.state != "published") continue;
    if (found == array->objects.end()) fail("I8: " + row.name + " is published, but does not exist");
    else if (found->second.size.count != row.size) fail(fmt::format("I8: {} has {} bytes, the ledger says {}", row.name, found->second.size.count, row.size));
    else if (!found->second.complete) fail("I8: " + row.name + " is published, but only partly there");
  }
  const auto attachments = look([](db::Transaction& tx) {
    const db::Rows found = tx.query("SELECT id FROM attachment WHERE connection IS NOT NULL ORDER BY id");
    std::set<std::string> out;
    for (std::size_t i = 0; i < found.size(); ++i) out.insert(found.at(i, 0).text());
    return out;
  });
  for (const auto& [name, object] : array->exports) {
    if (!attachments.contains(name)) fail("I11: " + object + " is exported for attachment " + name + ", which is gone");
    if (!array->objects.contains(object)) fail("I11: attachment " + name + " exports " + object + ", which does not exist");
  }
  for (const std::string& id : attachments)
    if (!array->exports.contains(id)) fail("I11: attachment " + id + " is connected, but nothing is exported for it");
  const auto has_children = [this](const std::string& base) {
    return std::any_of(array->objects.begin(), array->objects.end(), [&](const auto& other) { return other.second.base == base; });
  };
  for (const auto& [name, object] : array->objects)
    if (states[name] != "published" && !(states[name] == "doomed" && has_children(name))) fail(fmt::format("I8: {} exists, though the ledger says '{}'", name, states[name]));
}

}  // namespace scoria::simulation
