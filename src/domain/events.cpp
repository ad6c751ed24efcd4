#include "domain/events.h"

#include "domain/read_shape.h"
#include "json/writer.h"

namespace scoria {

std::string ResourceEvent::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version);
  const auto said = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) out.field(key, std::string_view{text});
  };
  said("volume_id", volume_id), said("snapshot_id", snapshot_id), said("project_id", project_id), said("user_id", user_id);
  said("request_id", request_id), said("operation", operation);
  if (size_gib > 0) out.field("size_gib", size_gib);
  return out.end_object().take();
}

Result<ResourceEvent> ResourceEvent::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  return ResourceEvent{value->text_or("volume_id"), value->text_or("snapshot_id"), value->text_or("project_id"), value->text_or("user_id"),
                       value->text_or("request_id"), value->text_or("operation"), value->integer_or("size_gib")};
}

}  // namespace scoria
