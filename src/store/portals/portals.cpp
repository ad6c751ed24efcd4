#include "store/portals/portals.h"

namespace scoria::store::portals {

std::int64_t join(db::Transaction& tx, const std::string& cluster, const std::string& host, const std::vector<std::string>& portals) {
  tx.run("INSERT INTO export_host (name, cluster, lease_until) VALUES (?, ?, 0) ON CONFLICT (name) DO NOTHING", {host, cluster});
  for (const std::string& portal : portals)
    tx.run("INSERT INTO portal (name, cluster) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", {portal, cluster});
  return tx.query("SELECT generation FROM export_host WHERE name = ?", {host}).at(0, 0).integer();
}

bool renew(db::Transaction& tx, const std::string& host, std::int64_t generation, Duration lease) {
  return tx.change("UPDATE export_host SET lease_until = scoria_now() + ? WHERE name = ? AND generation = ?", {lease.count(), host, generation}) == 1;
}

std::vector<Host> hosts(db::Transaction& tx, const std::string& cluster) {
  const db::Rows rows = tx.query("SELECT name, generation, CASE WHEN lease_until < scoria_now() THEN 1 ELSE 0 END FROM export_host WHERE cluster = ? ORDER BY name", {cluster});
  std::vector<Host> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({rows.at(i, 0).text(), rows.at(i, 1).integer(), rows.at(i, 2).flag()});
  return out;
}

std::vector<Portal> all(db::Transaction& tx, const std::string& cluster) {
  const db::Rows rows = tx.query("SELECT name, host, previous_host, generation FROM portal WHERE cluster = ? ORDER BY name", {cluster});
  std::vector<Portal> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).integer()});
  return out;
}

bool fence(db::Transaction& tx, const Host& host) {
  if (tx.change("UPDATE export_host SET generation = generation + 1 WHERE name = ? AND generation = ? AND lease_until < scoria_now()", {host.name, host.generation}) != 1)
    return false;
  tx.run("UPDATE portal SET previous_host = host, host = NULL WHERE host = ?", {host.name});
  return true;
}

bool claim(db::Transaction& tx, const Portal& portal, const std::string& host, std::int64_t host_generation) {
  tx.guard("export_host.lease", "UPDATE export_host SET generation = generation WHERE name = ? AND generation = ? AND lease_until >= scoria_now()", {host, host_generation});
  return tx.change("UPDATE portal SET host = ?, generation = generation + 1, since = scoria_now() WHERE name = ? AND host IS NULL AND generation = ?",
                   {host, portal.name, portal.generation}) == 1;
}

std::optional<Place> place_of(db::Transaction& tx, const VolumeId& volume, std::string_view except) {
  const db::Rows rows = tx.query("SELECT p.place, (SELECT count(*) FROM attachment a WHERE a.volume_id = p.volume_id AND a.connection IS NOT NULL "
                                 "AND a.id <> ?) FROM export_place p WHERE p.volume_id = ?", {except, volume.text});
  if (rows.empty()) return std::nullopt;
  return Place{rows.at(0, 0).text(), rows.at(0, 1).integer() > 0};
}

void put(db::Transaction& tx, const VolumeId& volume, std::int64_t volume_rev, const std::string& place) {
  tx.guard("volume.rev", "UPDATE volume SET rev = rev + 1 WHERE id = ? AND rev = ?", {volume.text, volume_rev});
  tx.run("INSERT INTO export_place (volume_id, place) VALUES (?, ?) ON CONFLICT (volume_id) DO UPDATE SET place = excluded.place", {volume.text, place});
}

void forget(db::Transaction& tx, const VolumeId& volume) { tx.run("DELETE FROM export_place WHERE volume_id = ?", {volume.text}); }

std::vector<Served> served_at(db::Transaction& tx, const std::string& place) {
  const db::Rows rows = tx.query("SELECT a.id, v.backend FROM export_place p JOIN attachment a ON a.volume_id = p.volume_id JOIN volume v ON v.id = p.volume_id "
                                 "WHERE p.place = ? AND a.connection IS NOT NULL ORDER BY a.id", {place});
  std::vector<Served> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({rows.at(i, 0).text(), rows.at(i, 1).text()});
  return out;
}

}  // namespace scoria::store::portals
