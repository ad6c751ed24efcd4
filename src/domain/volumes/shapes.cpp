#include "domain/volumes/shapes.h"

#include "domain/read_shape.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria {
std::string CreateVolumeInput::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("size_gib", size_gib).field("source_type", std::string_view{source_type});
  out.field("source_id", std::string_view{source_id}).key("hints").raw(hints);
  return out.end_object().take();
}

Result<CreateVolumeInput> CreateVolumeInput::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  CreateVolumeInput out;
  out.size_gib = value->integer_or("size_gib");
  out.source_type = value->text_or("source_type");
  out.source_id = value->text_or("source_id");
  if (const json::Value* hints = value->find("hints"); hints != nullptr && hints->is_object()) out.hints = json::to_text(*hints);
  return out;
}

std::string ExtendVolumeInput::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("old_gib", old_gib).field("new_gib", new_gib).field("old_bytes", old_bytes);
  return out.end_object().take();
}

Result<ExtendVolumeInput> ExtendVolumeInput::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  return ExtendVolumeInput{value->integer_or("old_gib"), value->integer_or("new_gib"), value->integer_or("old_bytes")};
}

std::string RevertVolumeInput::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("snapshot_id", std::string_view{snapshot_id});
  return out.end_object().take();
}

Result<RevertVolumeInput> RevertVolumeInput::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  return RevertVolumeInput{value->text_or("snapshot_id")};
}

std::string Placement::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("backend", std::string_view{backend}).field("pool", std::string_view{pool});
  out.field("object", std::string_view{object}).field("bytes", bytes).key("refused").begin_array();
  for (const std::string& host : refused) out.string(host);
  return out.end_array().end_object().take();
}

Result<Placement> Placement::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  Placement out;
  out.backend = value->text_or("backend"), out.pool = value->text_or("pool"), out.object = value->text_or("object");
  out.bytes = value->integer_or("bytes");
  if (const json::Value* refused = value->find("refused"); refused != nullptr && refused->is_array())
    for (const json::Value& host : refused->array())
      if (host.is_string()) out.refused.push_back(host.string());
  return out;
}

}  // namespace scoria
