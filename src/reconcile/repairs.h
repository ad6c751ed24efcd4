#pragma once
#include <string>
#include <vector>

#include "db/database.h"
#include "store/objects/objects.h"

/// What can be put right without asking anybody: sums are counted again from what they sum up. Each repair locks the row
/// that holds the sum, then counts: whoever changes what is summed changes that row in the same transaction. Safe at any
/// time, on a running deployment; nothing wrong, nothing changes. Each gives a sentence per repair.
namespace scoria::reconcile {

/// Capacity and volumes that pools of a backend (empty: all) have promised (I15).
std::vector<std::string> recount_pools(db::Database& database, const std::string& backend = {});
/// Usage of quota, per project and type (I1).
std::vector<std::string> recount_quotas(db::Database& database);
/// Children and readers of volumes and snapshots (I4).
std::vector<std::string> recount_children(db::Database& database);
/// Objects that an operation meant to make and that will never be published, as it has ended, are doomed (I8).
std::vector<std::string> doom_abandoned(db::Database& database);
/// Locks whose lease is over go (I18).
std::vector<std::string> drop_dead_locks(db::Database& database);

/// All of them, for `scoria admin check --repair`.
std::vector<std::string> repair_all(db::Database& database);

/// A volume's object is larger than written down: ledger, volume and pool follow, if nobody works on the volume and its
/// row is as it was seen. False: not done.
bool record_size(db::Database& database, const store::objects::Listed& object, std::int64_t bytes);

}  // namespace scoria::reconcile
