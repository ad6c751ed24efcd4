#pragma once
#include <functional>
#include <optional>
#include <string>

#include "commands/services.h"
#include "identity/context.h"
#include "store/idempotency/keys.h"

/// Requests that carry an Idempotency-Key: the same request with the same key within its window makes one resource.
namespace scoria::commands {

/// What the same request made before; nothing: it is new, or carries no key. Refused: the key stood for another request.
Result<std::optional<store::idempotency::Made>> made_before(const Services& services, const Context& context);
/// First in the transaction that makes `resource`; nothing without a key.
void remember(db::Transaction& tx, const Context& context, const std::string& operation, const std::string& resource);
Refusal made_but_gone(const Context& context, const std::string& resource);

/// `make()` unless the same request was accepted before: then what it made, `load`ed. Two at once make one.
template <class T>
Result<T> once(Services& services, const Context& context, const std::function<std::optional<T>(db::Transaction&, const std::string& id)>& load,
               const std::function<Result<T>()>& make) {
  if (context.idempotency_key.empty()) return make();
  for (int tries = 0;; ++tries) {
    const auto before = made_before(services, context);
    if (!before) return refuse(before.error());
    if (*before) {
      auto found = services.database.read([&](db::Transaction& tx) { return load(tx, (*before)->resource_id); });
      if (!found) return refuse(made_but_gone(context, (*before)->resource_id));
      return std::move(*found);
    }
    try {
      return make();
    } catch (const db::ConstraintError& other) {
      if (!other.unique || tries > 0) throw;  // once: the other one of two has won
    }
  }
}

}  // namespace scoria::commands
