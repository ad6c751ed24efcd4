#include "reconcile/portals.h"

#include <algorithm>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "operations/attachments/export_spec.h"

namespace scoria::reconcile {

namespace portals = store::portals;

namespace {

constexpr int good_enough = 3;  // renewals in time before one may judge others

const metrics::Counters takeovers{"scoria_export_takeovers_total", "Portals that this machine took."};
const metrics::Counters losses{"scoria_export_lease_losses_total", "Times that others declared this machine's exports dead."};

/// The same for a volume on every node and version (FNV-1a).
std::size_t share_of(const std::string& text, std::size_t shares) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::size_t>(hash % shares);
}

}  // namespace

Portals::Portals(operations::Services& services, exports::Moving& moving, PortalOptions options, std::function<void(const std::string&, bool)> serve)
    : services_(services), moving_(moving), options_(std::move(options)), host_(moving.home()), serve_(std::move(serve)),
      all_(options_.portals.begin(), options_.portals.end()), complaints_(services.clock) {}

drivers::Call Portals::call(Duration longest) const {
  drivers::Call out;
  out.deadline = Deadline::in(services_.clock, longest);
  out.operation = "portals";
  return out;
}

std::string Portals::choose(const std::string& volume_id) const {
  const std::lock_guard lock(mutex_);
  if (all_.empty()) return portals::home_place(host_);
  return *std::next(all_.begin(), static_cast<std::ptrdiff_t>(share_of(volume_id, all_.size())));
}

bool Portals::serves(const std::string& place) const {
  if (place == home()) return true;
  const std::lock_guard lock(mutex_);
  return held_.contains(place) && moving_.leash_holds();
}

bool Portals::abandoned(const std::string& place) const {
  const std::lock_guard lock(mutex_);
  return expired_.contains(place);
}

bool Portals::alive(const std::string& place) const {
  const std::lock_guard lock(mutex_);
  return live_.contains(place);
}

Portals::View Portals::renew() {
  return services_.database.write([&](db::Transaction& tx) {
    View out{.renewed = portals::renew(tx, host_, generation_, options_.lease), .hosts = {}, .portals = {}};
    out.hosts = portals::hosts(tx, options_.cluster);
    out.portals = portals::all(tx, options_.cluster);
    return out;
  });
}

/// What was held is others': it goes before a new lease makes it look like ours.
void Portals::rejoin() {
  if (generation_ >= 0) {
    losses.with().add();
    log::warning("exports", {}, "others declared the exports of {} dead: what moved is not served here any more", host_);
  }
  {
    const std::lock_guard lock(mutex_);
    held_.clear();
  }
  clean_ = false;
  good_ = 0;
  generation_ = services_.database.write([&](db::Transaction& tx) { return portals::join(tx, options_.cluster, host_, options_.portals); });
}

void Portals::drop_others(const std::set<std::string>& held) {
  if (const auto left = moving_.abandon(call(options_.lease / 2), held); left)
    clean_ = true;
  else if (complaints_.due("abandon", left.error().message))
    log::warning("exports", {}, "what others serve now is still served here: {}", left.error().message);
}

void Portals::round() {
  if (generation_ < 0) rejoin();
  const Instant sent = services_.clock.now();
  FAILPOINT("reconcile.portals.before_renewal");
  View view = renew();
  if (!view.renewed) return rejoin();
  good_ = services_.clock.now() - last_ <= options_.lease / 2 ? good_ + 1 : 0;
  last_ = services_.clock.now();
  if (!settle(view, sent) || good_ < good_enough) return;
  if (fence_expired(view)) view = renew();  // what is free now need not wait for the next round
  if (view.renewed) claim_free(view);
}

bool Portals::settle(const View& view, Instant sent) {
  std::set<std::string> held, queues{portals::queue_of(home())}, all(options_.portals.begin(), options_.portals.end()), live, expired;
  std::map<std::string, std::string> previous;
  std::map<std::string, std::int64_t> taken;
  for (const portals::Portal& one : view.portals) {
    if (one.host != host_) continue;
    held.insert(one.name), queues.insert(portals::queue_of(one.name));
    previous[one.name] = one.previous_host, taken[one.name] = one.generation;
  }
  for (const portals::Host& one : view.hosts) {
    const std::string place = portals::home_place(one.name);
    (one.expired ? expired : live).insert(place);
    // Detaching from a machine that is away is seen through by any other.
    if (one.expired) queues.insert(portals::queue_of(place));
  }
  bool lost = false;
  {
    const std::lock_guard lock(mutex_);
    lost = !std::includes(held.begin(), held.end(), held_.begin(), held_.end());
    if (lost) std::erase_if(held_, [&](const std::string& one) { return !held.contains(one); });
  }
  if (lost || !clean_) drop_others(held);
  if (!clean_) return false;
  // Counted from when the renewal was sent, and shorter than the lease: the keeper needs a moment.
  if (!moving_.extend_leash(sent + (options_.lease - options_.lease / 8))) return false;
  {
    const std::lock_guard lock(mutex_);
    held_ = held, all_ = std::move(all), live_ = std::move(live), expired_ = std::move(expired);
    previous_ = std::move(previous), taken_ = std::move(taken);
  }
  serve_queues(queues);
  return true;
}

void Portals::serve_queues(const std::set<std::string>& wanted) {
  for (const std::string& queue : wanted)
    if (!queues_.contains(queue)) serve_(queue, true);
  for (const std::string& queue : queues_)
    if (!wanted.contains(queue)) serve_(queue, false);
  queues_ = wanted;
}

bool Portals::fence_expired(const View& view) {
  bool any = false;
  for (const portals::Host& host : view.hosts) {
    const bool holds = std::any_of(view.portals.begin(), view.portals.end(), [&](const portals::Portal& one) { return one.host == host.name; });
    if (!host.expired || !holds || host.name == host_) continue;
    if (!services_.database.write([&](db::Transaction& tx) { return portals::fence(tx, host); })) continue;
    log::warning("exports", {}, "the lease of {} has run out: its portals are free", host.name);
    any = true;
  }
  return any;
}

/// One at a time, by who has the fewest; one that he leaves (he may have a lease and no way to the storage) by anybody.
void Portals::claim_free(const View& view) {
  // Whoever cannot reach the storage is not to be asked for it.
  for (const operations::Backend* backend : services_.backends.all())
    if (!backend->cluster.empty() && !backend->up) return;
  std::map<std::string, std::size_t> holds;
  for (const portals::Host& host : view.hosts)
    if (!host.expired) holds[host.name] = 0;
  for (const portals::Portal& one : view.portals)
    if (const auto found = holds.find(one.host); found != holds.end()) ++found->second;
  const auto fewest = std::min_element(holds.begin(), holds.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (fewest == holds.end()) return;
  const bool our_turn = holds[host_] <= fewest->second;
  const Instant now = services_.clock.now();
  for (const portals::Portal& one : view.portals) {
    if (!one.host.empty()) {
      free_since_.erase(one.name);
      continue;
    }
    const Instant since = free_since_.try_emplace(one.name, now).first->second;
    if (!our_turn && now - since < options_.lease / 4) continue;
    if (std::find(options_.portals.begin(), options_.portals.end(), one.name) == options_.portals.end()) continue;
    FAILPOINT("reconcile.portals.before_claim");
    if (!services_.database.write([&](db::Transaction& tx) { return portals::claim(tx, one, host_, generation_); })) continue;
    takeovers.with().add();
    log::info("exports", {}, "portal {} is served here now{}", one.name, one.previous_host.empty() ? "" : ", after " + one.previous_host);
    return;
  }
}

void Portals::restore() {
  std::set<std::string> places{home()};
  {
    const std::lock_guard lock(mutex_);
    if (live_.empty()) return;  // no lease yet
    places.insert(held_.begin(), held_.end());
    for (const auto& [place, generation] : taken_)
      if (restored_[place] != generation) ready_.erase(place), restored_[place] = generation;
  }
  // The keeper has ended what moves.
  if (!moving_.leash_holds()) std::erase_if(ready_, [](const std::string& place) { return !portals::is_home(place); });
  std::erase_if(ready_, [&](const std::string& place) { return !places.contains(place); });
  for (const std::string& place : places) {
    if (ready_.contains(place) || !serves(place)) continue;
    if (restore_place(place)) {
      ready_.insert(place), waiting_since_.erase(place);
    } else {
      waiting_since_.try_emplace(place, services_.clock.now());
      fence_previous(place);
    }
  }
}

bool Portals::restore_place(const std::string& place) {
  if (!portals::is_home(place)) {
    if (const auto up = moving_.raise(call(options_.lease), place); !up) {
      if (complaints_.due(place, up.error().message)) log::warning("exports", {}, "portal {} is not up: {}", place, up.error().message);
      return false;
    }
  }
  FAILPOINT("reconcile.portals.raised");
  bool complete = true;
  for (const portals::Served& one : services_.database.read([&](db::Transaction& tx) { return portals::served_at(tx, place); })) {
    if (!serves(place)) return false;
    complete = restore_one(one) && complete;
  }
  return complete;
}

bool Portals::restore_one(const portals::Served& one) {
  operations::Backend* backend = services_.backends.find(one.backend);
  if (backend == nullptr) return true;
  const auto source = operations::export_source(services_, one.attachment_id);
  // One that is being made or removed right now is its operation's business.
  if (!source || !source->attachment.x_op.empty() || source->connection.type.empty()) return true;
  const auto say = [&](const std::string& message) {
    if (complaints_.due(one.attachment_id, message)) log::warning("exports", {.resource = one.attachment_id}, "is not served at {} yet: {}", source->place, message);
    return false;
  };
  const auto plan = operations::plan_export(services_, *backend, call(std::chrono::seconds{20}), *source);
  if (!plan) return say(plan.error().message);
  if (const auto ours = services_.exports->exclusive(plan->spec.location); !ours) return say(ours.error().message);
  FAILPOINT("reconcile.portals.before_export");
  if (const auto made = services_.exports->ensure(call(std::chrono::seconds{20}), plan->protocol, plan->spec); !made) return say(made.error().message);
  return true;
}

/// Daemons of the machine before us hold an image, though its lease has run out: it is stopped as a whole. Whoever can make sure that it
/// stays so is asked; else the volume waits until it goes on, and ends them.
void Portals::fence_previous(const std::string& place) {
  if (services_.clock.now() - waiting_since_.at(place) < options_.fence_after) return;
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = previous_.find(place); found != previous_.end()) before = found->second;
  }
  if (before.empty() || before == host_ || alive(portals::home_place(before))) return;
  if (const auto fenced = moving_.fence(call(std::chrono::seconds{30}), before); fenced)
    log::warning("exports", {}, "{} was fenced: its daemons held volumes of portal {}", before, place);
  else if (complaints_.due("fence " + before, fenced.error().message))
    log::warning("exports", {}, "volumes of portal {} wait for daemons of {}: {}", place, before, fenced.error().message);
  waiting_since_[place] = services_.clock.now();
}

}  // namespace scoria::reconcile
