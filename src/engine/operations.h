#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/kind.h"

namespace scoria::engine {

/// With the claims that are noted beside it (op_res): S, and those on other resources than its own.
std::optional<Operation> find_operation(db::Transaction& tx, const std::string& id);
/// X or L on the resource that a live operation works on, whose row says so; nothing while it waits for it.
std::optional<Claim> own_claim(db::Transaction& tx, const Operation& operation);
/// Its state, and if it has ended badly how: one statement.
std::optional<Ending> find_ending(db::Transaction& tx, const std::string& id);

/// Which operations a list shows; empty members do not restrict.
struct OperationFilter {
  std::string project_id, resource_id, request_id, kind, parent;
  std::vector<State> states;
  std::int64_t before_seq = 0;  // older than this one: the next page
  std::size_t limit = 100;
};
/// Newest first.
std::vector<Operation> list_operations(db::Transaction& tx, const OperationFilter& filter);

/// Live operations of all nodes, for metrics. `reason`: why they are in that state: "due", "later", "retry"; "operation",
/// "children", "readers" for waiting ones; empty for running ones.
struct Backlog {
  std::string queue, state, reason;
  std::int64_t operations = 0;
};
std::vector<Backlog> backlog(db::Transaction& tx);

}  // namespace scoria::engine
