#include "commands/once.h"

#include <fmt/core.h>

namespace scoria::commands {
namespace {

store::idempotency::Key key_of(const Context& context) { return {context.project_id, context.user_id, context.idempotency_key}; }

}  // namespace

Result<std::optional<store::idempotency::Made>> made_before(const Services& services, const Context& context) {
  if (context.idempotency_key.empty()) return std::nullopt;
  auto made = services.database.read([&](db::Transaction& tx) { return store::idempotency::find(tx, key_of(context)); });
  if (made && made->request_hash != context.request_hash)
    return refuse(RefusalCode::conflict, "Idempotency-Key '{}' was used for another request; a new request needs a new key.", context.idempotency_key);
  return made;
}

void remember(db::Transaction& tx, const Context& context, const std::string& operation, const std::string& resource) {
  if (!context.idempotency_key.empty()) store::idempotency::insert(tx, key_of(context), {context.request_hash, operation, resource});
}

Refusal made_but_gone(const Context& context, const std::string& resource) {
  return {RefusalCode::conflict, fmt::format("The request with Idempotency-Key '{}' was accepted before; {}, which it made, has been deleted since.",
                                             context.idempotency_key, resource), resource};
}

}  // namespace scoria::commands
