#include "operations/attachments/export_spec.h"

#include "json/parse.h"
#include "json/writer.h"
#include "store/attachments/exported.h"
#include "store/portals/portals.h"
#include "store/qos/qos.h"

namespace scoria::operations {
namespace {

exports::Connector connector_of(const ConnectorShape& shape) {
  return {.host = shape.host, .ip = shape.ip, .initiator = shape.initiator, .nqn = shape.nqn, .mountpoint = shape.mountpoint,
          .transport = shape.transport, .multipath = shape.multipath};
}

Result<ExportSource> source_of(Services& services, store::attachments::Exported exported) {
  ExportSource out{std::move(exported.attachment), std::move(exported.volume), {}, {}, std::move(exported.qos).value_or(QosSpecs{}), {}};
  if (services.places != nullptr)
    if (const auto place = services.database.read_one([&](db::Transaction& tx) { return store::portals::place_of(tx, out.volume.id); })) out.place = place->name;
  auto connector = ConnectorShape::from_json(out.attachment.connector);
  if (!connector) return refuse(connector.error());
  out.connector = std::move(*connector);
  const auto opened = services.sealer->open(out.attachment.connection, seal_owner(out.attachment.id.text));
  if (!opened) return refuse(opened.error());
  auto connection = ConnectionShape::from_json(*opened);
  if (!connection) return refuse(connection.error());
  out.connection = std::move(*connection);
  return out;
}

drivers::DriverError permanent(std::string text) { return {drivers::FailureClass::permanent, std::move(text)}; }

}  // namespace

Result<ExportSource> export_source(Services& services, const std::string& attachment_id) {
  auto exported = services.database.read_one([&](db::Transaction& tx) { return store::attachments::find_exported(tx, {attachment_id}); });
  if (!exported) return refuse(RefusalCode::not_found, "Attachment {} is gone.", attachment_id);
  return source_of(services, std::move(*exported));
}

Result<ExportSource> export_source(Services& services, const engine::Operation& operation) {
  const auto* const seen = std::any_cast<std::shared_ptr<const store::attachments::Exported>>(&operation.seen);
  if (seen == nullptr) return export_source(services, operation.resource_id);
  store::attachments::Exported exported = **seen;
  exported.qos = services.database.read_one([&](db::Transaction& tx) { return store::qos::of_type(tx, exported.volume.type.text); });
  return source_of(services, std::move(exported));
}

Result<std::string> choose_protocol(Services& services, const Backend& backend, const ExportSource& source) {
  const std::string& preferred = source.connection.protocol.empty() ? backend.target_protocol : source.connection.protocol;
  return services.exports->choose(connector_of(source.connector), preferred);
}

drivers::DriverResult<ExportPlan> plan_export(Services& services, Backend& backend, const drivers::Call& call, const ExportSource& source) {
  const auto protocol = choose_protocol(services, backend, source);
  if (!protocol) return tl::unexpected(permanent(protocol.error().message));
  const drivers::ObjectRef object{source.volume.pool, source.volume.provider_name};
  auto location = backend.driver->locate(call, object);
  if (!location) return tl::unexpected(location.error());
  if (exports::Door::needs_raw(*protocol) && location->format != "raw") {
    auto* flattens = dynamic_cast<drivers::Flattens*>(backend.driver.get());
    if (flattens == nullptr) return tl::unexpected(permanent("This volume hangs on another one, and its backend cannot free it for this protocol."));
    if (const auto flat = flattens->flatten(call, object); !flat) return tl::unexpected(flat.error());
    location = backend.driver->locate(call, object);
    if (!location) return tl::unexpected(location.error());
  }
  ExportPlan plan{*protocol, {}};
  plan.spec.name = source.attachment.id.text, plan.spec.volume_id = source.volume.id.text;
  plan.spec.location = *location, plan.spec.size = {source.volume.object_bytes};
  plan.spec.read_only = source.attachment.attach_mode == "ro" || source.volume.readonly;
  plan.spec.connector = connector_of(source.connector);
  plan.spec.throttle = throttle_of(source);
  if (!source.place.empty() && !store::portals::is_home(source.place)) {
    plan.spec.portal = source.place;
    // Clients know the port.
    if (const Result<json::Value> data = json::parse(source.connection.data)) plan.spec.port = static_cast<int>(data->integer_or("port"));
  }
  plan.spec.chap_user = source.connection.chap_user, plan.spec.chap_secret = source.connection.chap_secret;
  return plan;
}

exports::Throttle throttle_of(const ExportSource& source) {
  if (!source.qos.by_storage()) return {};
  const Specs limits = resolve_for(source.qos.specs, source.volume.size_gib);
  exports::Throttle out;
  out.total_iops = limit_of(limits, "total_iops_sec"), out.total_bytes = limit_of(limits, "total_bytes_sec");
  // A limit of all and limits of each do not go together: the one of all counts.
  if (out.total_iops == 0) out.read_iops = limit_of(limits, "read_iops_sec"), out.write_iops = limit_of(limits, "write_iops_sec");
  if (out.total_bytes == 0) out.read_bytes = limit_of(limits, "read_bytes_sec"), out.write_bytes = limit_of(limits, "write_bytes_sec");
  return out;
}

std::string connection_data(const exports::Connection& connection, const ExportSource& source, bool read_only) {
  json::Writer out;
  out.begin_object();
  for (const auto& [key, value] : connection.text) out.field(key, std::string_view{value});
  for (const auto& [key, value] : connection.numbers) out.field(key, value);
  for (const auto& [key, value] : connection.flags) out.field(key, value);
  out.field("volume_id", std::string_view{source.volume.id.text}).field("access_mode", read_only ? "ro" : "rw").field("encrypted", false);
  const Specs limits = source.qos.by_host() ? resolve_for(source.qos.specs, source.volume.size_gib) : Specs{};
  out.key("qos_specs");
  if (limits.empty()) {
    out.null();
  } else {
    out.begin_object();
    for (const auto& [key, value] : limits) out.field(key, std::string_view{value});
    out.end_object();
  }
  out.field("cacheable", false);
  return out.end_object().take();
}

}  // namespace scoria::operations
