#include "commands/try_once.h"

namespace scoria::commands {

std::optional<Result<bool>> try_once(Services& services, const std::function<Result<bool>(db::Transaction&)>& work) {
  try {
    auto outcome = services.database.transact(
        work, [](std::string_view label) { return label == engine::not_yet ? engine::refuse_not_yet() : Refusal{RefusalCode::conflict, std::string(label), "again"}; });
    if (!outcome && outcome.error().detail == "again") return std::nullopt;
    return outcome;
  } catch (const db::ConstraintError& repeated) {
    if (!repeated.unique) throw;
  } catch (const db::Error& failure) {
    if (!failure.commit_unknown) throw;
  }
  return std::nullopt;
}

bool accepted_before(Services& services, const std::string& operation) {
  return services.database.read([&](db::Transaction& tx) { return !tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty(); });
}

}  // namespace scoria::commands
