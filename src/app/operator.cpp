#include "app/operator.h"

#include <set>

#include "base/failpoint.h"
#include "json/writer.h"
#include "observe/log.h"
#include "reconcile/invariants.h"
#include "reconcile/repairs.h"
#include "store/findings/findings.h"

namespace scoria::app {

namespace {

void write_findings(json::Writer& out, db::Database& database, std::size_t limit) {
  out.key("findings").begin_array();
  for (const auto& one : database.read([limit](db::Transaction& tx) { return store::findings::list(tx, limit); })) {
    out.begin_object().field("place", std::string_view{one.place}).field("kind", std::string_view{one.kind});
    out.field("subject", std::string_view{one.subject}).field("text", std::string_view{one.text});
    out.field("found_at", std::string_view{to_rfc3339(one.found_at)}).field("seen_at", std::string_view{to_rfc3339(one.seen_at)}).end_object();
  }
  out.end_array();
}

constexpr std::size_t most_findings = 1000;

}  // namespace

std::string check_report(db::Database& database, bool repair) {
  const std::vector<std::string> repairs = repair ? reconcile::repair_all(database) : std::vector<std::string>{};
  const std::vector<reconcile::Violation> violations = reconcile::check_invariants(database);
  json::Writer out;
  out.begin_object().key("checked").begin_array();
  for (const std::string& id : reconcile::invariants()) out.string(id);
  out.end_array().key("repairs").begin_array();
  for (const std::string& one : repairs) out.string(one);
  out.end_array().key("violations").begin_array();
  std::set<std::string> broken;
  for (const reconcile::Violation& one : violations) {
    broken.insert(one.invariant);
    out.begin_object().field("invariant", std::string_view{one.invariant}).field("text", std::string_view{one.text}).end_object();
  }
  out.end_array();
  write_findings(out, database, most_findings);
  out.field("broken", static_cast<std::int64_t>(broken.size()));
  return out.end_object().take();
}

namespace {

api::Answer list_findings(db::Database& database, api::ApiRequest& request) {
  json::Writer out;
  out.begin_object();
  write_findings(out, database, most_findings);
  return request.reply(out.end_object().take());
}

api::Answer list_failpoints(api::ApiRequest& request) {
  std::map<std::string, const failpoint::Site*> sorted;
  for (const failpoint::Site* site : failpoint::sites()) sorted.emplace(site->name, site);
  json::Writer out;
  out.begin_object().key("failpoints").begin_array();
  for (const auto& [name, site] : sorted) {
    out.begin_object().field("site", std::string_view{name}).field("armed", site->armed.load() != 0);
    out.field("hits", static_cast<std::int64_t>(failpoint::hits(name))).end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

api::Answer set_failpoint(bool allowed, api::ApiRequest& request) {
  if (!allowed) return refuse(RefusalCode::forbidden, "Faults are injected only where the configuration says failpoints = true.");
  const std::string site = request.body["failpoint"].text_or("site"), terms = request.body["failpoint"].text_or("terms");
  try {
    failpoint::arm(site, terms);
  } catch (const std::invalid_argument& problem) { return refuse(RefusalCode::invalid_input, "{}", problem.what()); }
  log::warning("failpoint", {}, "{} is armed with {}", site, terms);
  return request.reply();
}

}  // namespace

void mount_operator(api::Handlers& handlers, db::Database& database, bool failpoints_allowed) {
  handlers.mount("scoria.check", [&database](api::ApiRequest& request) { return request.reply(check_report(database, false)); });
  handlers.mount("scoria.repair", [&database](api::ApiRequest& request) { return request.reply(check_report(database, true)); });
  handlers.mount("scoria.findings", [&database](api::ApiRequest& request) { return list_findings(database, request); });
  handlers.mount("scoria.failpoints.list", [](api::ApiRequest& request) { return list_failpoints(request); });
  handlers.mount("scoria.failpoints.set", [failpoints_allowed](api::ApiRequest& request) { return set_failpoint(failpoints_allowed, request); });
}

}  // namespace scoria::app
