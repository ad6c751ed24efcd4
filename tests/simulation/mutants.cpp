#include "simulation/mutants.h"

namespace scoria::simulation {

std::span<const MutantCase> mutants() {
  static constexpr MutantCase all[] = {
      {Mutant::no_epoch_guard, "no_epoch_guard", "I5"},
      {Mutant::no_step_guard, "no_step_guard", "I15"},
      {Mutant::doom_skipped, "doom_skipped", "I9"},
      {Mutant::name_reused, "name_reused", "I9 I10"},
      {Mutant::adopted_under_writer, "adopted_under_writer", "I10"},
      {Mutant::quota_apart, "quota_apart", "I1"},
      {Mutant::shared_kept, "shared_kept", "I4"},
      {Mutant::claim_any_state, "claim_any_state", "I5"},
      {Mutant::poke_only, "poke_only", "I7"},
      {Mutant::reaper_blind, "reaper_blind", "I9"},
      {Mutant::drain_loses, "drain_loses", "I7"},
      {Mutant::cancel_ignored, "cancel_ignored", "model"},
      {Mutant::readers_ignored, "readers_ignored", "I4"},
      {Mutant::sweep_forgets, "sweep_forgets", "I7"},
      {Mutant::base_removed, "base_removed", "I9"},
      {Mutant::strays_kept, "strays_kept", "I7"},
  };
  static_assert(std::size(all) == static_cast<std::size_t>(Mutant::count) - 1, "every mutant has a case");
  return all;
}

}  // namespace scoria::simulation
