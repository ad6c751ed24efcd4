#include "reconcile/exports.h"

#include "observe/log.h"
#include "operations/attachments/export_spec.h"
#include "store/attachments/attachments.h"

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

std::size_t restore_exports(operations::Services& services) {
  std::size_t failed = 0;
  for (operations::Backend* backend : services.backends.all()) {
    const auto ids = services.database.read([&](db::Transaction& tx) { return store::attachments::connected_of_backend(tx, backend->name); });
    for (const std::string& id : ids)
      if (!restore(services, *backend, id)) ++failed;
  }
  return failed;
}

}  // namespace scoria::reconcile
