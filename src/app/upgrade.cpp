#include "app/upgrade.h"

#include <fmt/core.h>

#include "base/time.h"
#include "db/migrate.h"
#include "domain/shapes.h"
#include "json/writer.h"
#include "observe/log.h"
#include "operations/services.h"
#include "store/chores/chores.h"
#include "store/migrations.h"

namespace scoria::app {
namespace {

constexpr int rows_of_batch = 500;
constexpr Duration share = std::chrono::seconds{1}, breath = std::chrono::milliseconds{5}, every_look = std::chrono::seconds{5};

/// Rows that a fill has before it; the table may be gone or be another's.
std::int64_t rows_of(db::Database& database, const std::string& table) {
  return database.read_one([&](db::Transaction& tx) { return tx.query("SELECT count(*) FROM " + table).at(0, 0).integer(); });
}

struct Seen {
  engine::Pinned pinned;
  std::vector<engine::Member> members;
};

void write_members(json::Writer& out, const std::vector<engine::Member>& members) {
  out.key("nodes").begin_array();
  for (const engine::Member& member : members) {
    const auto schema = member.newest.find("schema");
    out.begin_object().field("incarnation", member.incarnation).field("host", std::string_view{member.host}).field("roles", std::string_view{member.roles});
    out.field("release", std::string_view{member.release}).field("schema", schema == member.newest.end() ? 0 : schema->second);
    out.field("silent", member.silent).end_object();
  }
  out.end_array();
}

/// What is written in an older version than this program knows, until the upgrade is finalised.
std::vector<std::string> gated(const engine::Pinned& pinned, const engine::Versions& own) {
  std::vector<std::string> out;
  for (const auto& [name, newest] : own.newest)
    if (const int at = pinned.of(name); at < newest)
      out.push_back(at == 0 ? fmt::format("{}: not yet", name) : fmt::format("{}: version {} of {}", name, at, newest));
  return out;
}

std::string waits_for(const db::Step& step, const engine::Pinned& pinned, bool open_fill_before) {
  if (step.applied) return {};
  if (!step.contract) return "the start of a node of this release";
  if (pinned.of("schema") < step.version) return "finalising";
  return open_fill_before ? "the fills before it" : "the next look of a node";
}

/// Returns whether everything is done that finalising allows.
bool write_schema(json::Writer& out, db::Database& database, const engine::Pinned& pinned) {
  const std::vector<db::Fill> fills = db::fills(database, store::migrations());
  bool settled = true;
  out.key("schema").begin_object().field("version", db::schema_version(database)).key("steps").begin_array();
  for (const db::Step& step : db::steps(database, store::migrations())) {
    const auto before = [&](const db::Fill& fill) { return fill.version < step.version && !fill.finished; };
    const std::string waits = waits_for(step, pinned, std::any_of(fills.begin(), fills.end(), before));
    settled = settled && (step.applied || pinned.of("schema") < step.version);
    out.begin_object().field("version", step.version).field("name", std::string_view{step.name}).field("contract", step.contract);
    out.field("applied", step.applied).key("waits_for").string_or_null(waits).end_object();
  }
  out.end_array().key("fills").begin_array();
  for (const db::Fill& fill : fills) {
    const bool due = fill.version <= pinned.of("schema");
    settled = settled && (fill.finished || !due);
    out.begin_object().field("version", fill.version).field("table", std::string_view{fill.table}).field("rows_done", fill.rows_done);
    out.field("rows", fill.finished ? fill.rows_done : rows_of(database, fill.table));
    out.field("state", fill.finished ? "done" : due ? "running" : "waits for finalising").end_object();
  }
  out.end_array().end_object();
  return settled;
}

void write_texts(json::Writer& out, std::string_view key, const std::vector<std::string>& texts) {
  out.key(key).begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

}  // namespace

engine::Versions own_versions(db::Database& database) {
  SystemClock clock;
  SystemRandom random;
  operations::Backends none;
  operations::Services services{database, clock, random, none};
  engine::Kinds kinds;  // to name them: nothing is run
  operations::register_all(kinds, services);
  engine::Versions out{.release = SCORIA_RELEASE, .schema_oldest = store::oldest_schema, .newest = {}};
  out.newest["schema"] = store::migrations().back().version;
  for (const engine::Kind* kind : kinds.all()) out.newest["kind:" + std::string(kind->name())] = kind->version();
  each_stored_shape([&]<class Shape>() { out.newest["shape:" + std::string(Shape::shape)] = Shape::version; });
  return out;
}

std::string start_refused(db::Database& database, const engine::Versions& own) {
  const auto admitted = database.read([&](db::Transaction& tx) -> Result<> {
    const engine::Pinned now = engine::pinned(tx);
    return now.release.empty() ? Result<>{} : engine::may_start(tx, now, own);
  });
  return admitted ? std::string{} : admitted.error().message;
}

std::string upgrade_report(db::Database& database, const engine::Versions& own) {
  const Seen seen = database.read([](db::Transaction& tx) { return Seen{engine::pinned(tx), engine::members(tx)}; });
  const std::vector<std::string> waiting = gated(seen.pinned, own);
  json::Writer out;
  out.begin_object().key("upgrade").begin_object();
  out.field("release", std::string_view{own.release}).field("finalised_release", std::string_view{seen.pinned.release});
  out.key("finalised_at").string_or_null(seen.pinned.finalised_at ? to_rfc3339(seen.pinned.finalised_at) : std::string{});
  write_members(out, seen.members);
  const bool settled = write_schema(out, database, seen.pinned);
  out.field("state", !waiting.empty() ? "not finalised" : settled ? "finalised" : "converting");
  write_texts(out, "gated", waiting);
  write_texts(out, "obstacles", waiting.empty() ? std::vector<std::string>{} : engine::obstacles(seen.pinned, seen.members, own));
  out.key("start_refused").string_or_null(start_refused(database, own));
  out.key("pins").begin_object();
  for (const auto& [name, version] : seen.pinned.pins) out.field(name, version);
  return out.end_object().end_object().end_object().take();
}

bool go_on_with_schema(db::Database& database, Clock& clock) {
  const int finalised = database.read([](db::Transaction& tx) { return engine::pinned(tx).of("schema"); });
  const Deadline end = Deadline::in(clock, share);
  while (db::fill_batch(database, store::migrations(), finalised, rows_of_batch)) {
    if (end.passed(clock)) return true;
    clock.sleep(breath);
  }
  if (const int steps = db::contract(database, store::migrations(), finalised); steps > 0)
    log::info("upgrade", {}, "{} steps of the schema took away what no release uses any more", steps);
  return false;
}

Upgrade::Upgrade(db::Database& database, Clock& clock, engine::Kinds& kinds, engine::Versions own)
    : database_(database), clock_(clock), kinds_(kinds), own_(std::move(own)), threads_(clock) {}

void Upgrade::refresh() {
  engine::Pinned now = database_.read([](db::Transaction& tx) { return engine::pinned(tx); });
  if (now.release.empty()) return;  // the first node of a deployment pins its own when it joins
  kinds_.pins().set(std::move(now.pins));
}

bool Upgrade::turn() {
  refresh();
  engine::tell_unreadable(database_);
  bool more = false;
  store::chores::run_turn(database_, "upgrade", std::chrono::seconds{30}, [&](const std::string&) {
    more = go_on_with_schema(database_, clock_);
    return store::chores::Next{more ? Duration::zero() : every_look, {}};
  });
  return more;
}

void Upgrade::start() {
  threads_.spawn("upgrade", [this] { loop(); });
}

void Upgrade::stop() {
  stopping_ = true;
  wake_.raise();
  threads_.wait();
}

void Upgrade::loop() {
  for (bool more = false; !stopping_;) {
    clock_.wait(wake_, more ? breath : every_look);
    if (stopping_) return;
    try {
      more = turn();
    } catch (const std::exception& failure) {
      log::warning("upgrade", {}, "{}", failure.what());
      more = false;
    }
  }
}

void Upgrade::mount(api::Handlers& handlers) {
  handlers.mount("scoria.upgrade.show", [this](api::ApiRequest& request) { return request.reply(upgrade_report(database_, own_)); });
  handlers.mount("scoria.upgrade.finalize", [this](api::ApiRequest& request) -> api::Answer {
    if (const auto done = engine::finalize(database_, own_); !done) return refuse(done.error());
    log::warning("upgrade", {}, "the upgrade to release {} is finalised: there is no way back to an older one", own_.release);
    refresh();
    database_.write([](db::Transaction& tx) { store::chores::hurry(tx, "upgrade"); });
    wake_.raise();
    return request.reply(upgrade_report(database_, own_));
  });
}

}  // namespace scoria::app
