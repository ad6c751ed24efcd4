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
      {Mutant::born_without_epoch, "born_without_epoch", "I5"},
      {Mutant::born_stale, "born_stale", "I16"},
      {Mutant::born_unlimited, "born_unlimited", "I7"},
      {Mutant::berth_kept, "berth_kept", "I7"},
      {Mutant::placed_for_nothing, "placed_for_nothing", "I15"},
      {Mutant::placed_unwritten, "placed_unwritten", "I8"},
      {Mutant::key_forgotten, "key_forgotten", "model"},
      {Mutant::fenced_revives, "fenced_revives", "I6"},
      {Mutant::waiters_forgotten, "waiters_forgotten", "I7"},
      {Mutant::readers_unwoken, "readers_unwoken", "I7"},
      {Mutant::parent_forgotten, "parent_forgotten", "I4 I7"},
      {Mutant::capacity_kept, "capacity_kept", "I15"},
      {Mutant::growth_unpaid, "growth_unpaid", "I1"},
      {Mutant::hasty_growth, "hasty_growth", "I8"},
      {Mutant::export_left, "export_left", "I11"},
      {Mutant::event_lost, "event_lost", "I17"},
      {Mutant::lock_stolen, "lock_stolen", "H10"},
      {Mutant::token_kept, "token_kept", "H10"},
  };
  static_assert(std::size(all) == static_cast<std::size_t>(Mutant::count) - 1, "every mutant has a case");
  return all;
}

std::optional<Mutant> mutant_called(const std::string& text) {
  for (const MutantCase& one : mutants())
    if (text == one.name || text == std::to_string(static_cast<int>(one.mutant))) return one.mutant;
  return std::nullopt;
}

}  // namespace scoria::simulation
