#include "reconcile/limits.h"

#include "observe/log.h"
#include "operations/attachments/export_spec.h"
#include "store/attachments/attachments.h"
#include "store/qos/qos.h"

namespace scoria::reconcile {

Limits::Limits(operations::Services& services)
    : services_(services), seen_(services.database.read([](db::Transaction& tx) { return store::qos::changes(tx); })) {}

void Limits::turn() {
  if (services_.exports == nullptr) return;
  const std::int64_t now = services_.database.read_one([](db::Transaction& tx) { return store::qos::changes(tx); });
  if (now != seen_) {
    for (const operations::Backend* backend : services_.backends.all())
      for (std::string& id : services_.database.read([&](db::Transaction& tx) { return store::attachments::connected_of_backend(tx, backend->name); }))
        pending_.insert(std::move(id));
    seen_ = now;
  }
  std::erase_if(pending_, [this](const std::string& id) { return apply(id); });
}

/// False: not yet.
bool Limits::apply(const std::string& attachment_id) {
  const auto source = operations::export_source(services_, attachment_id);
  if (!source) return true;  // gone
  if (!source->attachment.x_op.empty()) return false;
  if (source->connection.type.empty()) return true;
  drivers::Call call;
  call.deadline = Deadline::in(services_.clock, std::chrono::seconds{30});
  call.operation = "limits";
  const auto done = services_.exports->throttle(call, source->connection.protocol, attachment_id, operations::throttle_of(*source));
  if (!done) log::info("exports", {.resource = attachment_id}, "limits: {}", done.error().message);
  return done || done.error().kind == drivers::FailureClass::permanent;
}

}  // namespace scoria::reconcile
