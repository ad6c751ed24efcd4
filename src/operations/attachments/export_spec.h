#pragma once
#include "domain/attachments/attachment.h"
#include "domain/attachments/shapes.h"
#include "domain/qos/qos_specs.h"
#include "domain/volumes/volume.h"
#include "engine/operation.h"
#include "operations/backends.h"
#include "operations/services.h"

namespace scoria::operations {

/// What an export is made from, read in one look.
struct ExportSource {
  Attachment attachment;
  Volume volume;
  ConnectorShape connector;
  ConnectionShape connection;  // opened
  QosSpecs qos;                // of the volume's type; without specs: no limits
  std::string place;           // where the volume is served; empty: nowhere yet, or it has none
};
Result<ExportSource> export_source(Services& services, const std::string& attachment_id);
/// From what the command saw and wrote that began the operation, if it ran here: only limits and place are read. Else as above.
Result<ExportSource> export_source(Services& services, const engine::Operation& operation);

/// The protocol that suits the connector; refuses what no attachment to this host can be made from.
Result<std::string> choose_protocol(Services& services, const Backend& backend, const ExportSource& source);

/// The protocol and the specification, ready for Door::ensure. A volume in a form that the protocol cannot serve is
/// flattened first, which may take long.
struct ExportPlan {
  std::string protocol;
  exports::ExportSpec spec;
};
drivers::DriverResult<ExportPlan> plan_export(Services& services, Backend& backend, const drivers::Call& call, const ExportSource& source);

/// What the storage itself keeps of the type's limits, for the volume as big as it is.
exports::Throttle throttle_of(const ExportSource& source);

/// connection_info's data as JSON, with what every protocol gets.
std::string connection_data(const exports::Connection& connection, const ExportSource& source, bool read_only);

/// Where the sealed connection stands.
inline std::string seal_owner(const std::string& attachment_id) { return "attachment:" + attachment_id; }

}  // namespace scoria::operations
