#pragma once
#include <optional>
#include <span>
#include <string>

#include "base/mutants.h"

namespace scoria::simulation {

/// A deliberate fault and who must notice it: one of its failures begins with one of these words ("I9", "model").
struct MutantCase {
  Mutant mutant;
  const char* name;
  const char* noticed_by;  // separated by spaces
};
std::span<const MutantCase> mutants();
/// By its name or its number.
std::optional<Mutant> mutant_called(const std::string& text);

}  // namespace scoria::simulation
