#include "engine/upgrade.h"

#include <fmt/core.h>

#include "base/text.h"

namespace scoria::engine {
namespace {

constexpr std::string_view living = "state IN ('up', 'draining')";

VersionMap versions_of(db::Transaction& tx, std::int64_t incarnation) {
  const db::Rows rows = tx.query("SELECT name, version FROM node_version WHERE inc = ? ORDER BY name", {incarnation});
  VersionMap out;
  for (std::size_t i = 0; i < rows.size(); ++i) out[rows.at(i, 0).text()] = static_cast<int>(rows.at(i, 1).integer());
  return out;
}

/// What of `pins` is newer than `newest`: "volume.extend version 2 (known: 1)".
std::vector<std::string> beyond(const VersionMap& pins, const VersionMap& newest) {
  std::vector<std::string> out;
  for (const auto& [name, version] : pins) {
    const auto found = newest.find(name);
    const int known = found == newest.end() ? 0 : found->second;
    if (version > known) out.push_back(fmt::format("{} version {} (known: {})", name.substr(name.find(':') + 1), version, known));
  }
  return out;
}

void raise(db::Transaction& tx, const VersionMap& pins) {
  for (const auto& [name, version] : pins)
    tx.run("INSERT INTO pin (name, version) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = {greatest}(pin.version, excluded.version)", {name, version});
}

Pinned read_pinned(db::Transaction& tx, std::string_view lock) {
  const db::Rows row = tx.query(fmt::format("SELECT release, finalised_at FROM upgrade WHERE id = 1{}", lock));
  Pinned out{row.at(0, 0).text(), row.at(0, 1).time(), {}};
  const db::Rows rows = tx.query("SELECT name, version FROM pin ORDER BY name");
  for (std::size_t i = 0; i < rows.size(); ++i) out.pins[rows.at(i, 0).text()] = static_cast<int>(rows.at(i, 1).integer());
  return out;
}

}  // namespace

Pinned pinned(db::Transaction& tx) { return read_pinned(tx, {}); }

Result<> admit(db::Transaction& tx, const Versions& versions) {
  if (versions.newest.empty()) return {};
  const Pinned now = read_pinned(tx, "{for_share}");
  if (now.release.empty()) {
    tx.run("UPDATE upgrade SET release = ? WHERE id = 1 AND release = ''", {versions.release});
    raise(tx, versions.newest);
    return {};
  }
  return may_start(tx, now, versions);
}

Result<> may_start(db::Transaction& tx, const Pinned& now, const Versions& versions) {
  if (const auto missing = beyond(now.pins, versions.newest); !missing.empty())
    return refuse(RefusalCode::conflict,
                  "This deployment was finalised at release {}; release {} of this program cannot read what it writes: {}. Start release {} or a newer "
                  "one: after `scoria admin upgrade finalize` there is no way back.",
                  now.release, versions.release, join(missing, ", "), now.release);
  if (now.of("schema") < versions.schema_oldest)
    return refuse(RefusalCode::conflict,
                  "Release {} of this program needs a deployment that was finalised at schema version {} or later; this one is at {} (release {}). "
                  "Run the release before this one and `scoria admin upgrade finalize`; or, with every node stopped, "
                  "`scoria admin upgrade finalize --config-file …` of this release.",
                  versions.release, versions.schema_oldest, now.of("schema"), now.release);
  if (!tx.query("SELECT 1 FROM schema_fills WHERE finished_at IS NULL AND version <= ? LIMIT 1", {versions.schema_oldest}).empty())
    return refuse(RefusalCode::conflict,
                  "Release {} of this program relies on data that release {} is still converting. `scoria admin upgrade status` shows how far it is; start "
                  "this release when it is over.",
                  versions.release, now.release);
  return {};
}

void publish(db::Transaction& tx, std::int64_t incarnation, const Versions& versions) {
  tx.run(fmt::format("DELETE FROM node_version WHERE inc NOT IN (SELECT inc FROM node WHERE {})", living));
  for (const auto& [name, version] : versions.newest)
    tx.run("INSERT INTO node_version (inc, name, version) VALUES (?, ?, ?)", {incarnation, name, version});
}

std::vector<Member> members(db::Transaction& tx) {
  // A lease never lies further ahead than its length, so one that ended `silence` ago was refused to its holder for as long.
  const db::Rows rows = tx.query(
      "SELECT inc, host, roles, release, CASE WHEN state IN ('up', 'draining') AND lease_until >= scoria_now() THEN 0 ELSE 1 END FROM node "
      "WHERE (state IN ('up', 'draining') OR state = 'fenced') AND lease_until >= scoria_now() - ? ORDER BY inc",
      {silence.count()});
  std::vector<Member> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.at(i, 0).integer(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text(), rows.at(i, 4).flag(),
                   versions_of(tx, rows.at(i, 0).integer())});
  return out;
}

std::vector<std::string> obstacles(const Pinned& now, const std::vector<Member>& all, const Versions& own) {
  std::vector<std::string> out;
  const auto tell = [&](const Member& member, std::string_view what) {
    out.push_back(fmt::format("node {} ({}, {}, release {}) {}", member.incarnation, member.host, member.roles, member.release, what));
  };
  VersionMap newest = own.newest;
  std::string release = own.release;
  for (const Member& member : all)
    if (!member.silent && !beyond(member.newest, newest).empty()) newest = member.newest, release = member.release;
  for (const Member& member : all) {
    if (member.silent)
      tell(member, "was cut off a moment ago and may still be writing: try again in a few seconds");
    else if (!beyond(newest, member.newest).empty())
      tell(member, fmt::format("cannot read what release {} writes: upgrade or stop it", release));
  }
  if (const auto back = beyond(now.pins, newest); !back.empty()) out.push_back(fmt::format("the pins are higher than this: {}", join(back, ", ")));
  return out;
}

Result<Pinned> finalize(db::Database& database, const Versions& own) {
  return database.transact(
      [&](db::Transaction& tx) -> Result<Pinned> {
        // First the lock: whoever joins does so before, and is seen below, or after, and sees the new pins.
        tx.guard("upgrade", "UPDATE upgrade SET release = release WHERE id = 1", {});
        const Pinned before = pinned(tx);
        const std::vector<Member> all = members(tx);
        if (const auto why = obstacles(before, all, own); !why.empty())
          return refuse(RefusalCode::conflict, "The upgrade cannot be finalised now: {}.", join(why, "; "));
        const VersionMap target = all.empty() ? own.newest : all.front().newest;  // without obstacles all read the same
        if (beyond(target, before.pins).empty()) return before;
        raise(tx, target);
        const std::string release = all.empty() ? own.release : all.front().release;
        tx.run("UPDATE upgrade SET finalised_at = scoria_now(), release = ? WHERE id = 1", {release});
        // Those long silent are dead whatever their rows say; there may be nobody else to sweep them.
        tx.run("UPDATE node SET state = 'fenced' WHERE state IN ('up', 'draining') AND lease_until < scoria_now() - ?", {silence.count()});
        return pinned(tx);
      },
      [](std::string_view) { return Refusal{RefusalCode::unavailable, "The table of versions is empty: run `scoria db upgrade`.", {}}; });
}

void tell_unreadable(db::Database& database) {
  constexpr std::string_view unreadable =
      "state = 'ready' AND (reason IS NULL OR reason NOT LIKE 'waits for a node that knows%') AND NOT EXISTS (SELECT 1 FROM node_version v JOIN node n ON n.inc = v.inc "
      "WHERE v.name = 'kind:' || operation.kind AND v.version >= operation.ver AND n.state IN ('up', 'draining'))";
  const bool any = database.read_one([&](db::Transaction& tx) { return !tx.query(fmt::format("SELECT 1 FROM operation WHERE {} LIMIT 1", unreadable)).empty(); });
  if (!any) return;
  database.write([&](db::Transaction& tx) {
    tx.run(fmt::format("UPDATE operation SET reason = 'waits for a node that knows version ' || ver || ' of ' || kind, updated_at = scoria_now() WHERE {}", unreadable));
  });
}

Refusal refuse_not_yet() {
  return {RefusalCode::conflict,
          "Nodes of an older release, which does not know this, may still be started: it can be used once the upgrade is finalised "
          "(`scoria admin upgrade finalize`).", {}};
}

}  // namespace scoria::engine
