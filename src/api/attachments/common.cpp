#include "api/attachments/common.h"

#include "engine/operations.h"
#include "json/parse.h"
#include "store/attachments/attachments.h"

namespace scoria::api {
namespace {

constexpr std::size_t longest_connector_text = 255;

}  // namespace

Result<ConnectorShape> read_connector(const json::Value& connector) {
  if (!connector.is_object() || connector.object().empty()) return refuse(RefusalCode::invalid_input, "The connector must be an object that tells about the host.");
  for (const char* field : {"host", "ip", "initiator", "nqn", "mountpoint", "mode", "scoria_transport"}) {
    const json::Value& value = connector[field];
    if (value.is_null()) continue;
    if (!value.is_string() || value.string().size() > longest_connector_text)
      return refuse(RefusalCode::invalid_input, "The connector's {} must be a text of at most {} characters.", field, longest_connector_text);
  }
  ConnectorShape out;
  out.host = connector.text_or("host"), out.ip = connector.text_or("ip"), out.initiator = connector.text_or("initiator");
  out.nqn = connector.text_or("nqn"), out.mountpoint = connector.text_or("mountpoint"), out.mode = connector.text_or("mode");
  out.transport = connector.text_or("scoria_transport"), out.multipath = connector.flag_or("multipath");
  return out;
}

ConnectionShape open_connection(Services& services, const Attachment& attachment) {
  if (attachment.connection.empty() || services.commands.sealer == nullptr) return {};
  const auto opened = services.commands.sealer->open(attachment.connection, "attachment:" + attachment.id.text);
  if (!opened) return {};
  return ConnectionShape::from_json(*opened).value_or(ConnectionShape{});
}

Result<> may_cut_off(Services& services, const ApiRequest& request, const VolumeId& volume, const std::string& attachment_id) {
  if (services.detach_rule == nullptr) return {};
  for (const Attachment& one : services.database.read_one([&](db::Transaction& tx) { return store::attachments::of_volume(tx, volume); })) {
    if (!attachment_id.empty() && one.id.text != attachment_id) continue;
    if (auto allowed = may_cut_off(services, request, one); !allowed) return allowed;
  }
  return {};
}

Result<> may_cut_off(Services& services, const ApiRequest& request, const Attachment& one) {
  if (services.detach_rule == nullptr || one.hidden || one.connection.empty()) return {};
  return services.detach_rule->check(request.context, one.instance_id, one.volume_id.text, one.id.text);
}

Answer after(Services& services, ApiRequest& request, const commands::Attaching& attaching, std::function<Answer(ApiRequest&, const std::any&)> done) {
  if (attaching.operation.empty()) return done(request, {});
  return Parked{attaching.operation, request.context.deadline, [&services, id = attaching.operation, done = std::move(done)](ApiRequest& again) -> Answer {
                  auto operation = services.endings != nullptr ? services.endings->find(id) : std::nullopt;
                  if (!operation) operation = services.database.read_one([&](db::Transaction& tx) { return engine::find_ending(tx, id); });
                  if (!operation) return refuse(RefusalCode::not_found, "Operation {} could not be found.", id);
                  if (operation->state == engine::State::succeeded) return done(again, operation->told);
                  if (operation->state == engine::State::cancelled) return refuse(RefusalCode::conflict, "The attachment was removed while it was being made.");
                  const RefusalCode refusal = operation->code == "connector" ? RefusalCode::invalid_input : RefusalCode::backend_failed;
                  return refuse(refusal, "Unable to attach or detach: {} (operation {}).", operation->text, id);
                }};
}

}  // namespace scoria::api
