#pragma once
#include "base/result.h"
#include "engine/kind.h"

namespace scoria::engine {

/// What every end of an operation means beside its own row, in the same transaction: the resource's side, its claims
/// given back, those woken that wait for it, its parent told. Its claims are filled.
void finish(db::Transaction& tx, const Kind& kind, const Operation& operation, const Ending& ending);

/// Ends an operation that cannot proceed, whatever it is doing: its epoch is raised, so that whoever runs it can commit
/// nothing any more, and it ends as failed with `reason`; the resource goes to its error status. Refuses not_found;
/// conflict when it has ended.
Result<> abandon(db::Database& database, const Kinds& kinds, const std::string& id, const std::string& reason);

}  // namespace scoria::engine
