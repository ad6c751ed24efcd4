#include "reconcile/exports.h"

#include <fmt/core.h>

#include <set>

#include "base/failpoint.h"
#include "db/values.h"
#include "observe/log.h"
#include "operations/attachments/export_spec.h"
#include "store/attachments/attachments.h"
#include "store/findings/findings.h"

namespace scoria::reconcile {
namespace {

bool restore(operations::Services& services, operations::Backend& backend, const std::string& attachment_id) {
  drivers::Call call;
  call.deadline = Deadline::in(services.clock, std::chrono::seconds{30});
  call.operation = "restore";
  const auto source = operations::export_source(services, attachment_id);
  if (!source) return false;
  // One that is being made or removed right now is its operation's business.
  if (!source->attachment.x_op.empty() || source->connection.type.empty()) return true;
  const auto plan = operations::plan_export(services, backend, call, *source);
  if (!plan) {
    log::error("exports", {.resource = attachment_id}, "cannot be exported again: {}", plan.error().message);
    return false;
  }
  const auto made = services.exports->ensure(call, plan->protocol, plan->spec);
  if (!made) log::error("exports", {.resource = attachment_id}, "cannot be exported again: {}", made.error().message);
  return made.has_value();
}

}  // namespace

std::size_t restore_exports(operations::Services& services, const std::function<bool()>& stop) {
  std::size_t failed = 0;
  for (operations::Backend* backend : services.backends.all()) {
    if (services.places != nullptr && !backend->cluster.empty()) continue;  // reconcile/portals does it
    const auto ids = services.database.read([&](db::Transaction& tx) { return store::attachments::connected_of_backend(tx, backend->name); });
    for (const std::string& id : ids) {
      if (stop && stop()) return failed;
      if (!restore(services, *backend, id)) ++failed;
    }
  }
  return failed;
}

namespace {

struct Known {
  Timestamp began;
  std::set<std::string> attachments;  // of those exported, rows that are there
  std::set<std::string> ended;        // of the others, those whose removal is on record
};

Known look_up(operations::Services& services, const std::vector<exports::Door::Listed>& exported) {
  std::vector<std::string> ids;
  for (const auto& one : exported) ids.push_back(one.name);
  return services.database.read([&](db::Transaction& tx) {
    Known out{tx.query("SELECT scoria_now()").at(0, 0).time(), {}, {}};
    const db::Rows rows = tx.query("SELECT id FROM attachment WHERE {in:id:?}", {db::list_of(ids)});
    for (std::size_t i = 0; i < rows.size(); ++i) out.attachments.insert(rows.at(i, 0).text());
    const db::Rows ended = tx.query("SELECT resource_id FROM operation WHERE {in:resource_id:?} AND kind = 'attachment.remove' AND state = 'succeeded'", {db::list_of(ids)});
    for (std::size_t i = 0; i < ended.size(); ++i) out.ended.insert(ended.at(i, 0).text());
    return out;
  });
}

/// An attachment's id names its export and never returns, so one whose row is gone stays so.
void check_leftover(operations::Services& services, const std::string& host, const exports::Door::Listed& left, bool ended) {
  drivers::Call call;
  call.deadline = Deadline::in(services.clock, std::chrono::seconds{30});
  call.operation = "check_exports";
  if (ended) {
    FAILPOINT("reconcile.exports.before_remove");
    const auto removed = services.exports->remove(call, left.name);
    log::warning("exports", {.resource = left.name}, "{} export of an attachment that was removed: {}", left.protocol, removed ? "taken away" : removed.error().message);
    return;
  }
  const std::string text = fmt::format("{} export {} on {} has no attachment in the database (restored from a backup?): a host may be writing through it",
                                       left.protocol, left.name, host);
  const bool is_new = services.database.write([&](db::Transaction& tx) { return store::findings::record(tx, host, "export.unknown", left.name, text); });
  if (is_new) log::warning("exports", {.resource = left.name}, "{}", text);
}

}  // namespace

void check_exports(operations::Services& services, const std::string& host) {
  if (services.exports == nullptr) return;
  drivers::Call call;
  call.deadline = Deadline::in(services.clock, std::chrono::seconds{30});
  call.operation = "check_exports";
  // What is exported is read before the rows: a row is there before its export is made.
  const auto exported = services.exports->list(call);
  if (!exported) return log::warning("exports", {}, "cannot be listed: {}", exported.error().message);
  const Known known = look_up(services, *exported);
  std::set<std::string> served;
  for (const auto& one : *exported) {
    served.insert(one.name);
    if (!known.attachments.contains(one.name)) check_leftover(services, host, one, known.ended.contains(one.name));
  }
  services.database.write([&](db::Transaction& tx) { store::findings::forget(tx, host, "export.", {}, {}, known.began); });
  for (operations::Backend* backend : services.backends.all()) {
    if (!backend->cluster.empty() || !backend->usable()) continue;
    for (const std::string& id : services.database.read([&](db::Transaction& tx) { return store::attachments::connected_of_backend(tx, backend->name); }))
      if (!served.contains(id)) restore(services, *backend, id);
  }
}

}  // namespace scoria::reconcile
