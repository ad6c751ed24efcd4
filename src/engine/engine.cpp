#include "engine/engine.h"

#include <deque>

#include "base/failpoint.h"
#include "base/mutants.h"
#include "engine/claim.h"
#include "engine/start.h"
#include "observe/log.h"

namespace scoria::engine {
namespace {

/// Without a poke the queues are looked at this often at most, however many operations end.
constexpr Duration look_interval = std::chrono::milliseconds{10};

/// The queue's backend, or scheduler.
std::string without_bulk(const std::string& queue) { return is_bulk(queue) ? queue.substr(0, queue.size() - bulk("").size()) : queue; }

}  // namespace

Engine::Engine(db::Database& database, Clock& clock, Random& random, const Kinds& kinds, EngineOptions options, std::function<void()> fenced)
    : database_(database),
      clock_(clock),
      random_(random),
      kinds_(kinds),
      options_(std::move(options)),
      fenced_(std::move(fenced)),
      membership_(database, clock, options_.membership),
      runner_(database, clock, random, kinds, membership_),
      short_lane_{{clock, 1024}, {0}, options_.slots, {false}, {false}},
      bulk_lane_{{clock, 1024}, {0}, options_.bulk_slots, {false}, {false}},
      limits_{.project = options_.project_limit, .backends = {}} {}

Engine::~Engine() { database_.on_poke({}); }

void Engine::start() {
  membership_.join();
  database_.on_poke([this](std::string_view queue) { ask(queue); });
  const auto spawn = [this](const std::string& name, auto loop) {
    ++loops_;
    clock_.spawn(name, [this, loop] {
      loop();
      --loops_;
    });
  };
  spawn("heartbeat", [this] { heartbeat_loop(); });
  spawn("sweep", [this] { sweep_loop(); });
  for (int i = 0; i < short_lane_.slots; ++i) spawn("work", [this] { work_loop(short_lane_); });
  for (int i = 0; i < bulk_lane_.slots; ++i) spawn("bulk", [this] { work_loop(bulk_lane_); });
  spawn("dispatch", [this] { dispatch_loop(); });
}

void Engine::serve(const std::string& queue, int most) {
  {
    const std::lock_guard lock(mutex_);
    if (most > 0) limits_.backends[queue] = most;
    else limits_.backends.erase(queue);
    if (!served_.insert(queue).second) return;
  }
  wake_.raise();
}

void Engine::stop_serving(const std::string& queue) {
  const std::lock_guard lock(mutex_);
  served_.erase(queue);
}

bool Engine::serves(const std::string& queue) const {
  const std::lock_guard lock(mutex_);
  return served_.contains(without_bulk(queue));
}

ClaimLimits Engine::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

/// What is counted where it is claimed is not taken on without a claim.
bool Engine::bound(const std::string& queue) const {
  const std::lock_guard lock(mutex_);
  return limits_.binds(without_bulk(queue));
}

std::vector<std::string> Engine::queues(bool bulk_queues) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const std::string& queue : served_) out.push_back(bulk_queues ? bulk(queue) : queue);
  return out;
}

void Engine::ask(std::string_view queue) {
  if (queue.empty() || !is_bulk(queue)) short_lane_.asked = true;
  if (queue.empty() || is_bulk(queue)) bulk_lane_.asked = true;
  wake_.raise();
}

void Engine::poke(const std::string& queue) {
  const Lane& lane = lane_for(queue);
  const bool own = serves(queue);
  if (own) ask(queue);
  // Who takes it at once need not tell the others; should it fail, they look by themselves.
  if (own && lane.busy < lane.slots && !stopping_ && !lane.resting && membership_.leash_holds()) return;
  try {
    FAILPOINT("engine.poke");
    database_.poke(queue);
  } catch (const std::exception& failure) {  // the others poll as well
    log::debug("engine", {}, "poke: {}", failure.what());
  }
}

std::optional<Berths::Berth> Engine::reserve(const std::string& operation, const std::string& queue) {
  // What is capped is counted where it is claimed.
  if (stopping_ || options_.project_limit > 0 || bound(queue) || !membership_.leash_holds() || !serves(queue)) return std::nullopt;
  try {
    FAILPOINT("engine.berth.reserve");
  } catch (const std::exception& failure) {
    log::debug("engine", {.operation = operation}, "berth: {}", failure.what());
    return std::nullopt;
  }
  Lane& lane = lane_for(queue);
  const std::lock_guard lock(mutex_);
  const auto known = generations_.find(queue);
  if (!lane.has_berth() || (queue != scheduler_queue && known == generations_.end())) return std::nullopt;
  ++lane.busy;
  const auto control = running_[{operation, 1}] = std::make_shared<Runner::Control>();
  control->bulk = is_bulk(queue);
  return Berth{membership_.incarnation(), known == generations_.end() ? 0 : known->second};
}

void Engine::release(const std::string& operation, const std::string& queue) {
  {
    const std::lock_guard lock(mutex_);
    running_.erase({operation, 1});
    --lane_for(queue).busy;
  }
  wake_.raise();
}

void Engine::board(Operation operation, std::optional<Duration> time_limit) {
  if (time_limit) operation.expires = clock_.now() + *time_limit;
  const std::string id = operation.id, queue = operation.queue;
  try {
    FAILPOINT("engine.berth.board");
  } catch (const std::exception& failure) {
    log::warning("engine", {.operation = id}, "berth: {}", failure.what());
    return release(id, queue);
  }
  hand_over(lane_for(queue), std::move(operation));
}

void Engine::hand_over(Lane& lane, Operation operation) {
  const Claimed own{operation.id, operation.epoch};
  if (lane.work.try_push(std::move(operation))) return;
  // Draining: nobody runs it here any more.
  {
    const std::lock_guard lock(mutex_);
    running_.erase(own);
    --lane.busy;
  }
  try {
    give_back(own);
  } catch (const std::exception& failure) {
    log::warning("engine", {.operation = own.first}, "give back: {}", failure.what());  // it comes back when this node is gone
  }
}

std::size_t Engine::running() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

void Engine::heartbeat_loop() {
  while (!left_) {
    try {
      if (!membership_.beat()) {
        log::error("engine", {}, "node {} was fenced by others: ending this process", membership_.incarnation());
        return fenced_();
      }
      look_at_own();
    } catch (const std::exception& failure) {
      log::warning("engine", {}, "heartbeat: {}", failure.what());
    }
    clock_.wait(stop_heartbeat_, options_.membership.beat);
  }
}

/// An administrator asked for it, or took it back.
void Engine::rest(bool resting) {
  rest(short_lane_, false, resting);
  rest(bulk_lane_, true, resting);
}

void Engine::rest(Lane& lane, bool bulk_lane, bool resting) {
  const std::lock_guard lock(mutex_);
  if ((retired_ && !resting) || lane.resting.exchange(resting) == resting) return;
  log::info("engine", {}, "node {} {} {} operations", membership_.incarnation(), resting ? "gives back its" : "takes up", bulk_lane ? "long" : "short");
  if (!resting) return lane.asked = true, wake_.raise();
  for (const auto& [own, control] : running_)
    if (control->bulk == bulk_lane) control->drain = true;
}

/// What the database says about this node and what it owns: whether to rest; cancel requests, for long copies; and what we own
/// without knowing it (a claim whose COMMIT was answered by a lost connection) goes back, once it was seen on two beats in a row,
/// for a claim may be under way.
void Engine::look_at_own() {
  const db::Rows rows = database_.read_one([&](db::Transaction& tx) {
    return tx.query("SELECT o.id, o.epoch, o.cancel_req, n.state FROM node n LEFT JOIN operation o ON o.owner = n.inc AND o.state = 'running' "
                    "WHERE n.inc = ? ORDER BY o.id", {membership_.incarnation()});
  });
  if (!rows.empty() && !retired_) rest(rows.at(0, 3).text() == "draining");
  std::set<Claimed> strays;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows.at(i, 0).null()) continue;
      const Claimed own{rows.at(i, 0).text(), rows.at(i, 1).integer()};
      const auto found = running_.find(own);
      if (found == running_.end())
        strays.insert(own);
      else if (rows.at(i, 2).flag())
        found->second->cancel = true;
    }
  }
  for (const Claimed& stray : strays)
    if (strays_.contains(stray) && !MUTANT(strays_kept)) give_back(stray);
  strays_ = std::move(strays);
}

void Engine::give_back(const Claimed& stray) {
  database_.write([&](db::Transaction& tx) {
    tx.run("UPDATE operation SET state = 'ready', owner = NULL, run_at = scoria_now(), updated_at = scoria_now() "
           "WHERE id = ? AND epoch = ? AND owner = ? AND state = 'running'",
           {stray.first, stray.second, membership_.incarnation()});
  });
  log::warning("engine", {.operation = stray.first}, "gave back an operation that nobody here runs");
  wake_.raise();
}

void Engine::sweep_loop() {
  Instant next_sweep = clock_.now();
  std::deque<Instant> lease_ends;  // of those this node found dead: it sweeps right then, not at some later tick
  while (!stopping_) {
    Duration due = options_.membership.beacon_look;
    try {
      const Membership::Look look = membership_.look_for_beacons();
      if (look.suspected) stop_heartbeat_.raise();  // ends its wait
      if (look.shortened) lease_ends.push_back(clock_.now() + options_.membership.suspect_lease + std::chrono::milliseconds{5});
      const bool ended = !lease_ends.empty() && clock_.now() >= lease_ends.front();
      if (ended) lease_ends.pop_front();
      if (ended || clock_.now() >= next_sweep) {
        const auto period = static_cast<std::uint64_t>(options_.membership.sweep.count());
        next_sweep = clock_.now() + Duration{static_cast<std::int64_t>(period * 8 / 10 + random_.below(period * 4 / 10 + 1))};
        take_back();
      }
      if (!lease_ends.empty()) due = std::clamp(lease_ends.front() - clock_.now(), Duration{1}, due);
    } catch (const std::exception& failure) {  // and not again at once, however much is due
      log::warning("engine", {}, "sweep: {}", failure.what());
    }
    clock_.wait(stop_sweep_, due);
  }
}

void Engine::take_back() {
  if (membership_.sweep() == 0) return;
  wake_.raise();
  poke({});  // of whichever queues: other nodes may have the free slots
}

void Engine::dispatch_loop() {
  Instant next_look{};
  while (!stopping_) {
    const bool look = clock_.now() >= next_look;
    if (look) next_look = clock_.now() + look_interval;
    try {
      if (membership_.leash_holds()) {
        dispatch(short_lane_, false, look);
        dispatch(bulk_lane_, true, look);
      }
    } catch (const std::exception& failure) {
      log::warning("engine", {}, "claim: {}", failure.what());
      clock_.sleep(std::chrono::milliseconds{100});
    }
    if (!look) {
      clock_.wait(wake_, std::max(next_look - clock_.now(), Duration::zero()));
      continue;
    }
    const auto poll = static_cast<std::uint64_t>(MUTANT(poke_only) ? Duration{std::chrono::hours{24}}.count() : options_.poll.count());
    clock_.wait(wake_, Duration{static_cast<std::int64_t>(poll * 8 / 10 + random_.below(poll * 4 / 10 + 1))});
  }
}

void Engine::dispatch(Lane& lane, bool bulk_lane, bool look) {
  const int free = lane.slots - lane.busy;
  if (free <= 0 || lane.resting) return;
  const auto wanted = static_cast<std::size_t>(free);
  const std::vector<std::string> from = queues(bulk_lane);
  if (from.empty() || (!lane.asked.exchange(false) && !(look && anything_ready(from)))) return;
  std::vector<Operation> claimed = claim(database_, clock_, kinds_, membership_.incarnation(), from, wanted, limits());
  FAILPOINT("engine.dispatch.claimed");
  for (Operation& operation : claimed) {
    ++lane.busy;
    {
      const std::lock_guard lock(mutex_);
      const auto control = running_[{operation.id, operation.epoch}] = std::make_shared<Runner::Control>();
      control->bulk = bulk_lane;
    }
    hand_over(lane, std::move(operation));
  }
  if (claimed.size() < wanted) return;
  lane.asked = true;  // there may be more
  wake_.raise();
}

/// A read, so that idle wake-ups cost no write transaction.
bool Engine::anything_ready(const std::vector<std::string>& from) {
  std::string sql = "SELECT 1 FROM operation o WHERE o.state = 'ready' AND o.run_at <= scoria_now() AND o.queue IN (?";
  for (std::size_t i = 1; i < from.size(); ++i) sql += ", ?";
  sql += ") AND " + std::string(known_work) + " LIMIT 1";
  db::Values values(from.begin(), from.end());
  values.push_back(kinds_.known());
  return !database_.read_one([&](db::Transaction& tx) { return tx.query(sql, values); }).empty();
}

void Engine::work_loop(Lane& lane) {
  while (auto claimed = lane.work.pop()) {
    const Claimed own{claimed->id, claimed->epoch};
    std::shared_ptr<Runner::Control> control;
    {
      const std::lock_guard lock(mutex_);
      control = running_.at(own);
      control->drain = stopping_ || lane.resting;  // under the lock: who stops the lane says so first, then marks what runs
    }
    control->serves = [this, &lane](const std::string& queue) { return serves(queue) && !stopping_ && !lane.resting; };
    control->takes_on = [&own = *control, this](const std::string& queue) { return own.serves(queue) && !bound(queue); };
    control->handed_over = [this](const std::string& queue) { poke(queue); };
    const Operation after = runner_.run(std::move(*claimed), *control);
    {
      const std::lock_guard lock(mutex_);
      running_.erase(own);
      if (!after.backend.empty()) generations_[after.backend] = after.backend_generation;
      --lane.busy;
    }
    if (ended_ && is_end(after.state)) ended_(after);
    wake_.raise();  // a slot is free, and who waited for this one may have become ready: a look tells
  }
}

void Engine::retire() {
  try {
    FAILPOINT("engine.drain.begun");
    membership_.set_draining();
  } catch (const std::exception& failure) {
    log::warning("engine", {}, "drain: {}", failure.what());
  }
  {
    const std::lock_guard lock(mutex_);
    retired_ = true;
  }
  rest(bulk_lane_, true, true);
  if (!options_.membership.exclusive) rest(short_lane_, false, true);
}

void Engine::drain(Duration limit) {
  const Deadline deadline = Deadline::in(clock_, limit);
  retire();
  stopping_ = true;
  wake_.raise();
  stop_sweep_.raise();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [own, control] : running_) control->drain = true;
  }
  short_lane_.work.close();
  bulk_lane_.work.close();
  // The heartbeat goes on until the last operation is given back: nobody takes over what is still being finished.
  while (loops_ > 1 && !deadline.passed(clock_)) clock_.sleep(std::chrono::milliseconds{5});
  left_ = true;
  stop_heartbeat_.raise();
  while (loops_ > 0 && !deadline.passed(clock_)) clock_.sleep(std::chrono::milliseconds{1});
  try {
    FAILPOINT("engine.drain.before_leave");
    membership_.leave();
  } catch (const std::exception& failure) {
    log::warning("engine", {}, "leave: {}", failure.what());
  }
}

}  // namespace scoria::engine
