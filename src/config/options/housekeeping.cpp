#include "config/options/housekeeping.h"

namespace scoria::config {

void HousekeepingOptions::declare(Fields& fields) {
  fields.section("housekeeping", "Looking after what nobody asks for.");
  fields.add("inventory_interval", &inventory_interval, "Rest between two looks through what a backend holds, compared with the database.").between(1, 86400);
  fields.add("inventory_grace", &inventory_grace, "How long a difference is only reported before anything is done about it.").between(1, 8640000);
  fields.add("operation_retention", &operation_retention, "How long operations that have ended are kept; 0: for ever.").at_least(0);
  fields.add("self_check_interval", &self_check_interval, "Rest between two looks of a node at its own machine and configuration, for `scoria doctor`.").between(1, 86400);
  fields.add("event_sink", &event_sink, "Where events of volumes and snapshots go.").choices({"none", "log", "file"});
  fields.add("event_file", &event_file, "The file that event_sink = file appends to, one JSON object a line.");
  fields.add("event_retention", &event_retention, "How long events are kept in the database when event_sink = none.").at_least(1);
}

}  // namespace scoria::config
