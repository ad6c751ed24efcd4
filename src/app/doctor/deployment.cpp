#include <fmt/core.h>

#include <set>

#include "app/doctor/doctor.h"
#include "base/text.h"
#include "engine/start.h"
#include "reconcile/invariants.h"
#include "store/findings/findings.h"
#include "store/health/health.h"
#include "store/services/services.h"

// What the database knows of all nodes, of their work, and of what the reconciler has found.
namespace scoria::app::doctor {
namespace {

constexpr std::size_t most_told = 20;  // of one kind

struct Remedy {
  std::string_view kind, fix;
};
constexpr Remedy remedies[] = {
    {"object.orphan", "If the database was restored from a backup, the object may be somebody's data: look before anything is removed. Else remove it on the storage."},
    {"object.foreign", "Somebody made an object under a name of ours: find out who, and rename or remove it on the storage."},
    {"object.missing", "The data is gone from the storage. Bring it back under that name, or delete the volume; its users are told."},
    {"object.long", "Nothing to do: sizes follow at the next look."},
    {"object.short", "Data is missing at the end. Restore the volume from a backup or snapshot."},
    {"object.damaged", "Restore the volume from a backup or snapshot; `qemu-img check` tells what is damaged."},
    {"object.undying", "Something holds it open or hangs on it: `lsof` on the storage's host tells."},
    {"object.misplaced", "It was moved by hand: move it back into the pool that the ledger names."},
    {"attachment.stale", "`scoria attachment delete ID` ends it; the host that asked for it is gone or gave up."},
    {"export.unknown", "Nobody asked for this export any more: end it on that host once no client uses it."},
};

std::string remedy(const std::string& kind) {
  for (const Remedy& one : remedies)
    if (one.kind == kind) return std::string(one.fix);
  return "docs/explanation/reconciler.md says what it means.";
}

}  // namespace

void services_down(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  for (const auto& one : patient.database->read_one([](db::Transaction& tx) { return store::health::lost_services(tx); }))
    out.push_back({{}, one.host, fmt::format("{} on {} died; it was last heard of at {}.", one.binary, one.host, to_rfc3339(one.updated_at)),
                   "Start it again; its work is done by others meanwhile, if they serve the same storage. If it is gone for good, disable it with a reason."});
}

void services_storage(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  const auto broken = patient.database->read_one([](db::Transaction& tx) { return store::health::broken_backends(tx); });
  for (const auto& one : broken)
    out.push_back({{}, one.host, fmt::format("{} cannot reach its storage: {}.", one.host, one.reason),
                   "Put that path right on this node; it takes up work for the backend again by itself. Other nodes of the cluster go on."});
}

void services_versions(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  const auto releases = patient.database->read_one([](db::Transaction& tx) { return store::health::live_releases(tx); });
  if (releases.size() < 2) return;
  std::vector<std::string> told;
  for (const auto& [release, hosts] : releases) told.push_back(fmt::format("{} on {}", release, hosts));
  out.push_back({{}, "release", fmt::format("Nodes of different releases work together: {}.", join(told, ", ")),
                 "Fine during an upgrade; finish it by upgrading the others."});
}

void backends_unserved(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  std::set<std::string> served;
  for (const auto& one : patient.database->read([](db::Transaction& tx) { return store::services::all(tx); }))
    if (one.up && one.binary == store::services::volume_binary) served.insert(one.backend());
  const auto holding = patient.database->read_one([](db::Transaction& tx) { return store::health::backends_with_volumes(tx); });
  for (const auto& one : holding) {
    if (served.contains(one.name)) continue;
    std::string also;
    for (const std::string& name : served) also += (also.empty() ? "" : ", ") + name;
    out.push_back({{}, one.name,
                   fmt::format("Nobody serves {}, which holds {} volume{}{}.", one.name, one.volumes, one.volumes == 1 ? "" : "s",
                               also.empty() ? "" : fmt::format("; served are {}", also)),
                   "Start a node that serves it. If `cluster`, `host` or the section's name was changed, change it back, or move what is there with `scoria admin cluster`."});
  }
}

void operations_stuck(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  for (const auto& one : patient.database->read_one([](db::Transaction& tx) { return store::health::stuck_operations(tx, most_told); })) {
    const std::string name = fmt::format("{} {} of {} {}", one.kind, one.id, one.resource_type, one.resource_id);
    if (one.state == "dead")
      out.push_back({{}, one.id, fmt::format("{} is given up: {}", name, one.text),
                     fmt::format("`scoria operation show {0}`; then `scoria operation retry {0}` or `abandon`.", one.id)});
    else if (one.unserved)
      out.push_back({{}, one.id,
                     fmt::format("{} waits since {} in queue {}, which no live node serves.", name, to_rfc3339(one.since), one.queue),
                     one.queue == engine::scheduler_queue ? "Start a node with the role scheduler." 
                                                          : "Start a node that serves that backend, or put its path to the storage right."});
    else
      out.push_back({{}, one.id, fmt::format("{} should have ended by {}: {}", name, to_rfc3339(one.deadline), one.text.empty() ? "it says no reason" : one.text),
                     fmt::format("`scoria operation show {}` tells what it waits for.", one.id)});
  }
}

void findings_told(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  const auto findings = patient.database->read([](db::Transaction& tx) { return store::findings::list(tx, most_told); });
  for (const auto& one : findings)
    out.push_back({{}, one.subject, fmt::format("{} ({} on {}, since {})", one.text, one.kind, one.place, to_rfc3339(one.found_at)), remedy(one.kind)});
}

void invariants_broken(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  std::size_t told = 0;
  for (const auto& one : reconcile::check_invariants(*patient.database)) {
    if (++told > most_told) return;
    out.push_back({{}, one.invariant, one.text, "`scoria admin check --repair` counts sums again; docs/explanation/invariants.md says what can be put right and how."});
  }
}

}  // namespace scoria::app::doctor
