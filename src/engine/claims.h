#pragma once
#include <string>
#include <string_view>

#include "engine/operation.h"

/// S claims are counted in the resource row's s_ops. X and L stand in its x_op: domain/claim_sql.h has their fragments.
namespace scoria::engine {

/// Takes S on a row that is readable and whose status is one of `statuses` (SQL list of literals). Guarded as `label`.
void take_shared(db::Transaction& tx, std::string_view label, const std::string& table, const std::string& id, std::string_view statuses);
/// Gives S back and wakes an X that waits for the last reader.
void give_shared_back(db::Transaction& tx, const Claim& claim);
/// What an X waits on until its readers are gone.
std::string readers_of(std::string_view type, std::string_view id);
/// Commit part of such a wait: fails the step (which then runs again) unless there are readers at this very moment.
void require_readers(db::Transaction& tx, const std::string& table, const std::string& id, const std::string& operation);
/// The same for waits on "children" and on "op:<id>": there is an open child, that operation has not ended.
void require_children(db::Transaction& tx, const std::string& operation);
void require_live(db::Transaction& tx, const std::string& operation);

}  // namespace scoria::engine
