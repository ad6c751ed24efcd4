#pragma once
#include <atomic>

/// Deliberate faults, for testing the tests: `if (MUTANT(no_epoch_guard)) …` stands where a rule is kept, and breaks it
/// while the simulation has switched that mutant on. Builds without SCORIA_MUTANTS have none of them in their code.
namespace scoria {

enum class Mutant {
  none,
  no_epoch_guard,        // a step's commit does not ask for the epoch: a ghost may commit
  no_step_guard,         // nor for the step: a repeated commit counts twice
  doom_skipped,          // an object is destroyed without being doomed first
  name_reused,           // the next object of a resource takes a doomed name
  adopted_under_writer,  // a copy goes on in an object that another writer still has open
  quota_apart,           // quota is taken in a transaction of its own
  shared_kept,           // a cancelled reader does not give S back
  claim_any_state,       // an operation is claimed whatever its state
  poke_only,             // work is found by pokes alone, there is no poll
  reaper_blind,          // the reaper takes any object that no operation is working on, published or not
  drain_loses,           // a drained node puts its operations where nobody looks
  cancel_ignored,        // a publish does not look at the cancel request
  readers_ignored,       // a delete dooms while somebody reads
  sweep_forgets,         // only operations of nodes fenced in this very sweep come back
  base_removed,          // a doomed object is destroyed under its children
  strays_kept,           // an operation whose claim was never answered stays with its owner
  born_without_epoch,    // an operation that is born running has no epoch of its own
  born_stale,            // a node that knows an old generation of a backend starts work there all the same
  born_unlimited,        // what is born running has no time limit
  berth_kept,            // a slot that was kept for an operation is not given back when that cannot be committed
  placed_for_nothing,    // a volume that is placed as it is asked for takes no room
  placed_unwritten,      // nor is its object in the ledger
  key_forgotten,         // a request's idempotency key is not written down with what it made
  fenced_revives,        // a fenced node's heartbeat makes it a member again
  waiters_forgotten,     // who waits for an operation is not woken by its end
  readers_unwoken,       // nor who waits for readers by the last of them
  parent_forgotten,      // the end of a part is not counted where the whole waits for it
  capacity_kept,         // a create that failed keeps the room it was promised
  growth_unpaid,         // an extend that failed keeps its quota
  hasty_growth,          // a volume grows while somebody reads it
  export_left,           // a detach leaves the export
  event_lost,            // a create ends without its event
  lock_stolen,           // a lock is taken from its holder before its lease has ended
  token_kept,            // who has a lock after another gets that one's token
  count,
};

#ifdef SCORIA_MUTANTS
inline std::atomic<Mutant> active_mutant{Mutant::none};
#define MUTANT(name) (::scoria::active_mutant.load(std::memory_order_relaxed) == ::scoria::Mutant::name)
#else
#define MUTANT(name) false
#endif

}  // namespace scoria
