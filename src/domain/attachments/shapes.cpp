#include "domain/attachments/shapes.h"

#include "domain/read_shape.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria {

std::string ConnectorShape::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("host", std::string_view{host}).field("ip", std::string_view{ip});
  out.field("initiator", std::string_view{initiator}).field("nqn", std::string_view{nqn}).field("mountpoint", std::string_view{mountpoint});
  out.field("transport", std::string_view{transport}).field("mode", std::string_view{mode}).field("multipath", multipath);
  return out.end_object().take();
}

Result<ConnectorShape> ConnectorShape::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  ConnectorShape out;
  out.host = value->text_or("host"), out.ip = value->text_or("ip"), out.initiator = value->text_or("initiator"), out.nqn = value->text_or("nqn");
  out.mountpoint = value->text_or("mountpoint"), out.transport = value->text_or("transport"), out.mode = value->text_or("mode");
  out.multipath = value->flag_or("multipath");
  return out;
}

std::string ConnectionShape::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("protocol", std::string_view{protocol}).field("type", std::string_view{type});
  out.field("chap_user", std::string_view{chap_user}).field("chap_secret", std::string_view{chap_secret}).key("data").raw(data);
  return out.end_object().take();
}

Result<ConnectionShape> ConnectionShape::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  ConnectionShape out;
  out.protocol = value->text_or("protocol"), out.type = value->text_or("type");
  out.chap_user = value->text_or("chap_user"), out.chap_secret = value->text_or("chap_secret");
  if (const json::Value* data = value->find("data"); data != nullptr && data->is_object()) out.data = json::to_text(*data);
  return out;
}

}  // namespace scoria
