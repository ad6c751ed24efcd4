#pragma once
#include <span>
#include <string_view>

namespace scoria::simulation {

/// Statements that make the database itself watch every single change, between two evaluations of the invariants: each
/// forbidden transition of a row leaves a sentence in the table sim_violation.
std::span<const std::string_view> watchers();

}  // namespace scoria::simulation
