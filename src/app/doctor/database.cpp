#include <fmt/core.h>

#include "app/doctor/doctor.h"
#include "db/migrate.h"
#include "store/migrations.h"

// How a node stands to its database, and the database to its own promises.
namespace scoria::app::doctor {
namespace {

/// How far the machine's clock is ahead of the database's; the one of several looks that was answered fastest.
struct Offset {
  Duration ahead{}, took{};
};

Offset offset(const Patient& patient) {
  Offset best{.took = std::chrono::hours{1}};
  for (int i = 0; i < 3; ++i) {
    const Instant asked = patient.clock.now();
    const Timestamp there = patient.database->read_one([](db::Transaction& tx) { return tx.query("SELECT scoria_now()").at(0, 0).time(); });
    const Duration took = patient.clock.now() - asked;
    if (took < best.took) best = {patient.clock.wall() - there - took / 2, took};
  }
  return best;
}

std::string seconds(Duration time) { return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1e6); }

bool is_postgres(const Patient& patient) { return patient.database != nullptr && patient.database->engine() == db::Engine::postgres; }

std::string setting(const Patient& patient, const std::string& name) {
  return patient.database->read_one([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT setting FROM pg_settings WHERE name = ?", {name});
    return rows.empty() ? std::string{} : rows.at(0, 0).text();
  });
}

}  // namespace

void host_database(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;  // whoever could not open it says so
  constexpr Duration slow = std::chrono::milliseconds{250};
  try {
    const int has = db::schema_version(*patient.database), wants = db::newest_expansion(store::migrations()), knows = store::migrations().back().version;
    if (has < wants)
      out.push_back({{}, "schema", fmt::format("The schema is of version {}, this program wants {}.", has, wants), "`scoria db upgrade`, or start a node of this release."});
    if (has > knows)
      out.push_back({{}, "schema", fmt::format("The schema is of version {}, this program knows none after {}.", has, knows), "Run the newer release on this node too."});
    if (const Duration took = offset(patient).took; took > slow)
      out.push_back({{}, "database", fmt::format("The database takes {} for the smallest question.", seconds(took)),
                     "Look at its load, its disk and the network between: leases and answers wait for it."});
  } catch (const db::Error& failure) {
    out.push_back({{}, "database", fmt::format("The database cannot be asked: {}.", failure.what()),
                   "Check that it runs, and [database] connection. Nothing accepted is lost; work goes on when it is back."});
  }
}

void host_clock(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr) return;
  const Offset seen = offset(patient);
  if (std::chrono::abs(seen.ahead) <= std::chrono::seconds{1} + seen.took) return;
  out.push_back({{}, "clock", fmt::format("This machine's clock is {} {} the database's.", seconds(std::chrono::abs(seen.ahead)), seen.ahead.count() > 0 ? "ahead of" : "behind"),
                 "Let chrony or another time service set both. Leases do not depend on it, tokens, certificates and logs do."});
}

void host_sealing_key(const Patient& patient, Diagnoses& out) {
  if (patient.database == nullptr || patient.sealer == nullptr) return;
  const std::string sample = patient.database->read_one([](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT value FROM setting WHERE name = 'sealed_sample'");
    return rows.empty() ? std::string{} : rows.at(0, 0).text();
  });
  if (sample.empty() || patient.sealer->open(sample, "setting:sealed_sample")) return;
  out.push_back({{}, "sealing.key", "This node's sealing.key is not the one that the secrets in the database were sealed with: it cannot open connections of volumes.",
                 "Copy sealing.key in state_path from a node that was there before, and restart this one."});
}

void database_settings(const Patient& patient, Diagnoses& out) {
  if (!is_postgres(patient)) return;
  for (const char* name : {"fsync", "full_page_writes"})
    if (setting(patient, name) == "off")
      out.push_back({{}, name, fmt::format("PostgreSQL runs with {} = off: a crash of its machine loses acknowledged work or corrupts everything.", name),
                     fmt::format("ALTER SYSTEM SET {} = on; then reload it.", name)});
  if (const std::string commit = setting(patient, "synchronous_commit"); commit == "off")
    out.push_back({{}, "synchronous_commit",
                   "PostgreSQL answers commits before they are on disk (synchronous_commit = off).", "ALTER SYSTEM SET synchronous_commit = on; then reload it."});
}

void database_standby(const Patient& patient, Diagnoses& out) {
  if (!is_postgres(patient)) return;
  const std::string wanted = setting(patient, "synchronous_standby_names");
  const auto [standbys, confirming] = patient.database->read_one([](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT count(*), coalesce(sum(CASE WHEN sync_state IN ('sync', 'quorum') THEN 1 ELSE 0 END), 0) FROM pg_stat_replication");
    return std::pair(rows.at(0, 0).integer(), rows.at(0, 1).integer());
  });
  if (standbys > 0 && confirming == 0)
    out.push_back({{}, "standby", fmt::format("{} standby server{} of PostgreSQL follow{}, none of them synchronously: a failover loses the last acknowledged work.", standbys,
                                              standbys == 1 ? "" : "s", standbys == 1 ? "s" : ""),
                   "Name it in synchronous_standby_names (Patroni: synchronous_mode and synchronous_mode_strict)."});
  if (standbys == 0 && !wanted.empty())
    out.push_back({{}, "standby", fmt::format("synchronous_standby_names = '{}', but no standby is connected: commits wait for it, or are not confirmed by it.", wanted),
                   "Start the standby, or take it out of synchronous_standby_names for as long as it is away."});
}

}  // namespace scoria::app::doctor
