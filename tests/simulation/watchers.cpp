#include "simulation/watchers.h"

namespace scoria::simulation {

std::span<const std::string_view> watchers() {
  static constexpr std::string_view all[] = {
      "CREATE TABLE sim_violation (text TEXT NOT NULL)",

      // Only the owner of the current epoch moves an operation: what it adds to the history carries that epoch.
      R"(CREATE TRIGGER sim_epoch AFTER UPDATE OF history ON operation
         WHEN NEW.history <> OLD.history AND instr(substr(NEW.history, length(OLD.history) + 1), '"epoch":' || OLD.epoch || ',') = 0
         BEGIN INSERT INTO sim_violation VALUES ('I5: operation ' || OLD.id || ' of epoch ' || OLD.epoch || ' was moved by another: '
           || substr(NEW.history, length(OLD.history) + 1)); END)",
      R"(CREATE TRIGGER sim_epoch_rises AFTER UPDATE OF epoch ON operation WHEN NEW.epoch < OLD.epoch
         BEGIN INSERT INTO sim_violation VALUES ('I5: the epoch of operation ' || OLD.id || ' fell'); END)",
      R"(CREATE TRIGGER sim_claim AFTER UPDATE OF owner ON operation
         WHEN NEW.owner IS NOT NULL AND NEW.owner IS NOT OLD.owner AND (OLD.state <> 'ready' OR NEW.epoch <> OLD.epoch + 1)
         BEGIN INSERT INTO sim_violation VALUES ('I5: operation ' || OLD.id || ' got owner ' || NEW.owner || ' while it was ' || OLD.state); END)",
      R"(CREATE TRIGGER sim_birth AFTER INSERT ON operation WHEN NEW.state = 'running' AND (NEW.epoch <> 1 OR NEW.owner IS NULL)
         BEGIN INSERT INTO sim_violation VALUES ('I5: operation ' || NEW.id || ' was born running in epoch ' || NEW.epoch); END)",
      R"(CREATE TRIGGER sim_end AFTER UPDATE OF state ON operation
         WHEN OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state
         BEGIN INSERT INTO sim_violation VALUES ('I5: operation ' || OLD.id || ' had ended as ' || OLD.state || ', and is ' || NEW.state); END)",

      // A doomed object stays doomed until it is gone; a name that is gone is only ever doomed again; no row goes away.
      R"(CREATE TRIGGER sim_ledger AFTER UPDATE OF state ON backend_object
         WHEN NOT ((OLD.state = NEW.state) OR (OLD.state = 'intended' AND NEW.state IN ('published', 'doomed'))
           OR (OLD.state = 'published' AND NEW.state IN ('doomed', 'released')) OR (OLD.state = 'doomed' AND NEW.state = 'gone')
           OR (OLD.state = 'gone' AND NEW.state = 'doomed'))
         BEGIN INSERT INTO sim_violation VALUES ('I9: object ' || OLD.name || ' was ' || OLD.state || ', and is ' || NEW.state); END)",
      R"(CREATE TRIGGER sim_ledger_kept AFTER DELETE ON backend_object
         BEGIN INSERT INTO sim_violation VALUES ('I9: the ledger forgets ' || OLD.name); END)",

      // Who holds X or L gives it back or hands it on; nobody takes it from another.
      R"(CREATE TRIGGER sim_volume_claim AFTER UPDATE OF x_op ON volume
         WHEN OLD.x_op IS NOT NULL AND NEW.x_op IS NOT NULL AND NEW.x_op <> OLD.x_op AND NEW.x_op IS NOT OLD.next_op
         BEGIN INSERT INTO sim_violation VALUES ('I6: volume ' || OLD.id || ' went from ' || OLD.x_op || ' to ' || NEW.x_op || ', which did not wait for it'); END)",
      R"(CREATE TRIGGER sim_snapshot_claim AFTER UPDATE OF x_op ON snapshot
         WHEN OLD.x_op IS NOT NULL AND NEW.x_op IS NOT NULL AND NEW.x_op <> OLD.x_op AND NEW.x_op IS NOT OLD.next_op
         BEGIN INSERT INTO sim_violation VALUES ('I6: snapshot ' || OLD.id || ' went from ' || OLD.x_op || ' to ' || NEW.x_op || ', which did not wait for it'); END)",
      // A lock goes to another only when its lease has ended or it was given back, and each holder's token is higher than the last one's.
      R"(CREATE TRIGGER sim_lock AFTER UPDATE OF holder ON lease_lock WHEN OLD.holder <> '' AND NEW.holder NOT IN ('', OLD.holder) AND OLD.until >= scoria_now()
         BEGIN INSERT INTO sim_violation VALUES ('H10: lock ' || OLD.name || ' was taken from ' || OLD.holder || ', whose lease had not ended'); END)",
      R"(CREATE TRIGGER sim_token AFTER UPDATE ON lease_lock WHEN NEW.token < OLD.token OR (NEW.token = OLD.token AND NEW.holder NOT IN ('', OLD.holder))
         BEGIN INSERT INTO sim_violation VALUES ('H10: lock ' || OLD.name || ' went to ' || NEW.holder || ' with the token of ' || OLD.holder); END)",
      // A fenced node never lives again.
      R"(CREATE TRIGGER sim_fence AFTER UPDATE OF state ON node WHEN OLD.state IN ('fenced', 'gone') AND NEW.state IN ('up', 'draining')
         BEGIN INSERT INTO sim_violation VALUES ('I6: node ' || OLD.inc || ' was ' || OLD.state || ', and is ' || NEW.state); END)",
  };
  return all;
}

}  // namespace scoria::simulation
