#include "reconcile/inventory.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/failpoint.h"
#include "domain/messages/message.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "reconcile/repairs.h"
#include "store/backends/names.h"
#include "store/findings/findings.h"
#include "store/messages/messages.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::reconcile {

namespace findings = store::findings;
namespace objects = store::objects;

namespace {

const metrics::Counters repairs{"scoria_reconciler_repairs_total", "What the reconciler did about its findings, by their kind.", {"kind"}};

std::string quoted(const std::string& backend, const std::string& name) { return fmt::format("{} on {}", name, backend); }

/// "volume-<id>", "snapshot-<id>.r2": whose object a name says to be; empty if it is not as we name them.
std::pair<std::string, std::string> owner_in(const std::string& name) {
  constexpr std::size_t id_length = 36;
  for (const std::string type : {"volume", "snapshot"}) {
    const std::size_t at = type.size() + 1;
    if (!name.starts_with(type + "-") || name.size() < at + id_length) continue;
    const std::string rest = name.substr(at + id_length);
    if (rest.empty() || rest.starts_with(".r")) return {type, name.substr(at, id_length)};
  }
  return {};
}

}  // namespace

/// One page of one pool: names (after, last] as storage lists them, and what the ledger knew a moment later.
struct Inventory::Page {
  std::string pool, after, last;
  std::vector<std::string> names;
  std::vector<objects::Listed> ledger;
  Timestamp began;
  bool too_many_missing = false;

  std::string subject(const std::string& name) const { return pool + "/" + name; }
};

drivers::Call Inventory::call() const {
  drivers::Call out;
  out.deadline = Deadline::in(services_.clock, std::chrono::minutes{1});
  out.operation = "inventory";
  return out;
}

bool Inventory::turn(operations::Backend& backend) {
  if (!backend.usable()) return false;
  return store::chores::run_turn(services_.database, "inventory:" + backend.name, std::chrono::minutes{2},
                                 [&](const std::string& progress) { return look(backend, progress); });
}

/// `progress` is "pool/name": the last name of the page before; empty at the start of a round.
store::chores::Next Inventory::look(operations::Backend& backend, const std::string& progress) {
  const auto pools = backend.driver->pools(call());
  if (!pools) return {options_.period, progress};
  const auto slash = progress.find('/');
  Page page;
  page.pool = progress.substr(0, slash);
  page.after = slash == std::string::npos ? std::string{} : progress.substr(slash + 1);
  auto pool = std::find_if(pools->begin(), pools->end(), [&](const drivers::PoolReport& one) { return one.name == page.pool; });
  if (pool == pools->end() && !pools->empty()) pool = pools->begin(), page.pool = pool->name, page.after.clear();
  if (pool == pools->end()) return {options_.period, {}};

  const auto names = backend.driver->list(call(), page.pool, page.after, options_.page);
  if (!names) {
    log::warning("reconcile", {.resource = backend.name}, "pool {} cannot be listed: {}", page.pool, names.error().message);
    return {options_.period, progress};
  }
  page.names = *names;
  const bool ended = names->size() < options_.page;
  if (!ended) page.last = names->back();
  FAILPOINT("reconcile.inventory.listed");
  // The ledger is read after the listing: what is made is written down before, so nothing of ours is listed and unknown.
  const bool named = services_.database.read([&](db::Transaction& tx) {
    page.began = tx.query("SELECT scoria_now()").at(0, 0).time();
    page.ledger = objects::of_pool(tx, backend.name, page.pool, page.after, page.last, page.names, options_.grace);
    return store::backends::find(tx, backend.name).has_value();
  });
  // It got another name, which this node has not heard of yet: its objects stand in the ledger under that one.
  if (!named) return {options_.period, {}};
  compare(backend, page);
  const std::string after = page.after.empty() ? page.pool + "/" : page.subject(page.after), last = ended ? page.pool + "0" : page.subject(page.last);
  services_.database.write([&](db::Transaction& tx) { findings::forget(tx, backend.name, "object.", after, last, page.began); });
  if (!ended) return {options_.pause, page.subject(page.last)};
  if (++pool != pools->end()) return {options_.pause, pool->name + "/"};
  end(backend);
  return {options_.period, {}};
}

void Inventory::compare(operations::Backend& backend, const Page& given) {
  Page page = given;
  const std::set<std::string> listed(page.names.begin(), page.names.end());
  const auto lacks = [&](const objects::Listed& object) { return object.state == "published" && !object.owner_busy && !listed.contains(object.name); };
  const auto lacking = static_cast<std::size_t>(std::count_if(page.ledger.begin(), page.ledger.end(), lacks));
  // That many at once are more likely a mount or a pool that is away: nobody's volume is given up for that.
  page.too_many_missing = lacking > std::max<std::size_t>(3, page.ledger.size() / 10);
  std::set<std::string> rows;
  for (const objects::Listed& object : page.ledger) {
    rows.insert(object.name);
    if (lacks(object))
      missing(backend, page, object);
    else if (listed.contains(object.name))
      known(backend, page, object);
  }
  for (const std::string& name : page.names)
    if (!rows.contains(name)) unknown(backend, page, name);
}

/// Listed with our mark, and the ledger, which forgets nothing, does not know it.
void Inventory::unknown(operations::Backend& backend, const Page& page, const std::string& name) {
  const auto probe = backend.driver->probe(call(), {page.pool, name});
  if (!probe || probe->presence == drivers::Presence::absent) return;
  const auto [type, id] = owner_in(name);
  if (probe->presence == drivers::Presence::foreign || id.empty())
    return tell(backend, page, "object.foreign", name, fmt::format("{} is not Scoria's; it is left alone", quoted(backend.name, name)));
  tell(backend, page, "object.orphan", name,
       fmt::format("{} bears this deployment's mark, but the database does not know it: removed once its history is known to have ended, else it is yours to judge "
                   "(a database restored from a backup looks like this)",
                   quoted(backend.name, name)));
  if (!older(backend, page, "object.orphan", name)) return;
  const objects::Object dead{.backend = backend.name, .name = name, .pool = page.pool, .owner_type = type, .owner_id = id, .base = probe->base.name,
                             .operation = {}, .epoch = 0, .state = "doomed", .size_bytes = probe->size.count};
  FAILPOINT("reconcile.inventory.before_adopt");
  if (!services_.database.write([&](db::Transaction& tx) { return objects::adopt_dead(tx, dead); })) return;
  log::warning("reconcile", {.resource = name}, "belongs to something that has ended, and was not in the ledger: it will be removed");
  repairs.with({"object.orphan"}).add();
}

void Inventory::known(operations::Backend& backend, const Page& page, const objects::Listed& object) {
  if (object.state == "released") return;
  if (object.pool != page.pool)
    return tell(backend, page, "object.misplaced", object.name,
                fmt::format("{} is listed in pool {}, the ledger says {}", quoted(backend.name, object.name), page.pool, object.pool));
  if (object.state == "gone") {
    const auto probe = backend.driver->probe(call(), {page.pool, object.name});
    if (!probe || (probe->presence != drivers::Presence::complete && probe->presence != drivers::Presence::partial)) return;
    log::warning("reconcile", {.resource = object.name}, "made again after it was removed (a late call of a paused process): doomed again");
    services_.database.write([&](db::Transaction& tx) { objects::rechecked(tx, backend.name, object.name, true); });
    return repairs.with({"object.returned"}).add();
  }
  if (object.state == "doomed" && object.old)
    return tell(backend, page, "object.undying", object.name,
                fmt::format("{} was to be removed long ago; something still hangs on it or holds it open", quoted(backend.name, object.name)));
  if (object.state != "published" || object.owner_busy) return;
  const auto probe = backend.driver->probe(call(), {page.pool, object.name});
  if (probe) present(backend, page, object, *probe);
}

void Inventory::present(operations::Backend& backend, const Page& page, const objects::Listed& object, const drivers::Probe& probe) {
  const std::string what = quoted(backend.name, object.name);
  if (probe.presence == drivers::Presence::partial || probe.presence == drivers::Presence::foreign)
    return tell(backend, page, "object.damaged", object.name, fmt::format("{} is published, but the storage says it is {}", what,
                probe.presence == drivers::Presence::partial ? "not complete" : "not Scoria's"));
  if (probe.presence == drivers::Presence::absent) return missing(backend, page, object);
  if (object.owner_type != "volume" || probe.size.count == object.size_bytes) return;
  if (probe.size.count < object.size_bytes)
    return tell(backend, page, "object.short", object.name,
                fmt::format("{} has {} bytes, {} were promised: its end is lost", what, probe.size.count, object.size_bytes));
  tell(backend, page, "object.long", object.name,
       fmt::format("{} has {} bytes, the database says {}: grown by a call whose answer was lost", what, probe.size.count, object.size_bytes));
  if (!older(backend, page, "object.long", object.name)) return;
  // A size never shrinks, so the database follows. Users see GiB, which stay.
  if (!record_size(services_.database, object, probe.size.count)) return;
  log::warning("reconcile", {.resource = object.name}, "has {} bytes, not {}: recorded", probe.size.count, object.size_bytes);
  repairs.with({"object.long"}).add();
}

void Inventory::missing(operations::Backend& backend, const Page& page, const objects::Listed& object) {
  const auto probe = backend.driver->probe(call(), {object.pool, object.name});
  if (!probe || probe->presence != drivers::Presence::absent) return;
  // What is still published after the probe was so during it; else it was deleted since the ledger was read.
  if (!services_.database.read([&](db::Transaction& tx) { return objects::is_published(tx, backend.name, object.name); })) return;
  tell(backend, page, "object.missing", object.name,
       fmt::format("{}, the data of {} {}, is not there{}", quoted(backend.name, object.name), object.owner_type, object.owner_id,
                   page.too_many_missing ? ". Many are missing at once: look at the pool first (is it mounted?)" : ""));
  if (page.too_many_missing || object.owner_rev < 0 || !older(backend, page, "object.missing", object.name)) return;
  give_up(backend, object);
}

/// Users are told by status and message. Nothing is done unless the row is as it was before the probe.
void Inventory::give_up(operations::Backend& backend, const objects::Listed& object) {
  FAILPOINT("reconcile.inventory.before_give_up");
  const bool changed = services_.database.write([&](db::Transaction& tx) {
    if (object.owner_type == "snapshot") {
      const auto snapshot = store::snapshots::find(tx, {object.owner_id});
      if (!snapshot || snapshot->status == SnapshotStatus::error) return false;
      return store::snapshots::override_status(tx, snapshot->id, object.owner_rev, SnapshotStatus::error) == 1;
    }
    const auto volume = store::volumes::find(tx, {object.owner_id});
    if (!volume || volume->status == VolumeStatus::error) return false;
    if (store::volumes::override_status(tx, volume->id, object.owner_rev, VolumeStatus::error, {}, {}) != 1) return false;
    store::messages::add(tx, {.id = services_.random.uuid(), .project_id = volume->project_id, .request_id = {}, .resource_type = "VOLUME",
                              .resource_id = volume->id.text, .action_id = action_id(MessageAction::attach_volume), .detail_id = "001", .level = "ERROR",
                              .text = "The storage does not have this volume's data any more; ask the operator.", .created_at = {}, .expires_at = {}});
    return true;
  });
  if (!changed) return;
  log::error("reconcile", {.resource = object.owner_id}, "{} is lost: {} has no object {}", object.owner_type, backend.name, object.name);
  repairs.with({"object.missing"}).add();
}

void Inventory::tell(operations::Backend& backend, const Page& page, std::string_view kind, const std::string& name, const std::string& text) {
  const bool is_new = services_.database.write([&](db::Transaction& tx) { return findings::record(tx, backend.name, kind, page.subject(name), text); });
  if (is_new) log::warning("reconcile", {.resource = name}, "{}", text);
}

bool Inventory::older(operations::Backend& backend, const Page& page, std::string_view kind, const std::string& name) {
  return services_.database.read([&](db::Transaction& tx) { return findings::older(tx, backend.name, kind, page.subject(name), options_.grace); });
}

/// What only rows can show, once a round.
void Inventory::end(operations::Backend& backend) {
  for (const std::string& done : recount_pools(services_.database, backend.name)) {
    log::warning("reconcile", {.resource = backend.name}, "{}", done);
    repairs.with({"pool"}).add();
  }
  struct Stale {
    Timestamp began;
    db::Rows rows;
  };
  const Stale stale = services_.database.read([&](db::Transaction& tx) {
    return Stale{tx.query("SELECT scoria_now()").at(0, 0).time(),
                 tx.query("SELECT a.id, a.attach_status, a.volume_id FROM volume v JOIN attachment a ON a.volume_id = v.id WHERE v.backend = ? AND v.attachments > 0 "
                          "AND a.x_op IS NULL AND a.attach_status NOT IN ('attached', 'reserved') AND COALESCE(a.updated_at, a.created_at) < scoria_now() - ? "
                          "ORDER BY a.id LIMIT 100",
                          {backend.name, Duration{std::chrono::hours{24}}.count()})};
  });
  services_.database.write([&](db::Transaction& tx) {
    for (std::size_t i = 0; i < stale.rows.size(); ++i)
      findings::record(tx, backend.name, "attachment.stale", stale.rows.at(i, 0).text(),
                       fmt::format("attachment {} of volume {} is {} for more than a day and nobody works on it: its client is gone; delete it", stale.rows.at(i, 0).text(),
                                   stale.rows.at(i, 2).text(), stale.rows.at(i, 1).text()));
    findings::forget(tx, backend.name, "attachment.", {}, {}, stale.began);
    // Of pools that the backend does not have any more.
    findings::forget(tx, backend.name, "object.", {}, {}, Timestamp{stale.began.micros - Duration{std::chrono::hours{24 * 7}}.count()});
  });
}

}  // namespace scoria::reconcile
