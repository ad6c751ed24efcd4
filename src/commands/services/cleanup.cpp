#include "commands/services/cleanup.h"

#include <algorithm>
#include <set>

#include "engine/start.h"
#include "store/chores/chores.h"

namespace scoria::commands {
namespace {

using store::services::Service;

std::string queue_of(const Service& service) {
  return service.binary == store::services::volume_binary ? service.backend() : std::string(engine::scheduler_queue);
}

/// Where a volume or a snapshot lies; empty: nowhere yet. Nothing: there is no such resource.
std::optional<std::string> backend_of(db::Transaction& tx, const std::string& id) {
  const db::Rows rows = tx.query("SELECT backend FROM volume WHERE id = ? UNION ALL SELECT backend FROM snapshot WHERE id = ?", {id, id});
  if (rows.empty()) return std::nullopt;
  return rows.at(0, 0).text();
}

/// Without its state: those whose backends are looked at anew.
bool meant(const CleanupRequest& request, const std::optional<std::string>& backend, const Service& service) {
  const bool host = request.host.empty() || service.host == request.host || service.host.starts_with(request.host + "@");
  const bool cluster = request.cluster.empty() || service.cluster == request.cluster || service.cluster.starts_with(request.cluster + "@");
  const bool place = !backend || (service.binary == store::services::volume_binary && service.backend() == *backend);
  return host && cluster && place && (request.binary.empty() || service.binary == request.binary) && (!request.disabled || service.disabled == *request.disabled) &&
         (!request.service || number_of(service) == *request.service);
}

bool any(db::Transaction& tx, std::string_view where, db::Values values) {
  return !tx.query("SELECT 1 FROM operation WHERE " + std::string(where) + " LIMIT 1", values).empty();
}

/// What it was at when it went, and, with nobody else there, what waits in its queue.
bool leaves_work(db::Transaction& tx, const Service& service, bool served) {
  if (!service.up && any(tx, "owner = ? AND state = 'running'", {service.incarnation})) return true;
  const std::string queue = queue_of(service);
  return !served && any(tx, "queue IN (?, ?) AND state IN ('ready', 'running', 'waiting')", {queue, engine::bulk(queue)});
}

}  // namespace

std::int64_t number_of(const Service& service) { return std::strtoll(service.id.substr(0, 7).c_str(), nullptr, 16); }

Result<Cleanup> clean_up(Services& services, const CleanupRequest& request) {
  std::set<std::string> queues;
  auto done = services.database.write([&](db::Transaction& tx) -> Result<Cleanup> {
    queues.clear();
    std::optional<std::string> backend;
    if (!request.resource_id.empty()) {
      backend = backend_of(tx, request.resource_id);
      if (!backend) return refuse(RefusalCode::not_found, "Resource {} could not be found.", request.resource_id);
    }
    const std::vector<Service> all = store::services::all(tx);
    Cleanup out;
    for (const Service& service : all) {
      if (!meant(request, backend, service)) continue;
      const std::string queue = queue_of(service);
      queues.insert(queue);
      if (service.up != request.up) continue;
      const bool served = std::any_of(all.begin(), all.end(), [&](const Service& one) { return one.up && one.backend_up && queue_of(one) == queue; });
      if (leaves_work(tx, service, served)) (served ? out.cleaning : out.unavailable).push_back(service);
    }
    for (const std::string& queue : queues) {
      store::chores::hurry(tx, "inventory:" + queue);
      tx.run("UPDATE operation SET run_at = scoria_now() WHERE queue IN (?, ?) AND state = 'ready' AND run_at > scoria_now()", {queue, engine::bulk(queue)});
    }
    return out;
  });
  if (!done) return refuse(done.error());
  for (const std::string& queue : queues) services.poke(queue), services.poke(engine::bulk(queue));
  return done;
}

}  // namespace scoria::commands
