#include "api/snapshots/view.h"

#include <fmt/core.h>

namespace scoria::api {

void write_snapshot(json::Writer& out, const ApiRequest& request, const Snapshot& s, bool extended) {
  out.begin_object().field("id", std::string_view{s.id.text}).key("name").string_or_null(s.name).key("description").string_or_null(s.description);
  out.key("created_at").string_or_null(s.created_at ? to_iso(s.created_at) : std::string{});
  out.key("updated_at").string_or_null(s.updated_at ? to_iso(s.updated_at) : std::string{});
  out.field("volume_id", std::string_view{s.volume_id.text}).field("status", to_text(s.status)).field("size", s.size_gib);
  out.key("metadata").raw(s.metadata);
  if (request.since(14)) out.key("group_snapshot_id").string_or_null(s.group_snapshot_id);
  if (request.since(41)) out.field("user_id", std::string_view{s.user_id});
  if (request.since(65)) out.field("consumes_quota", s.consumes_quota);
  if (extended) {
    out.field("os-extended-snapshot-attributes:project_id", std::string_view{s.project_id});
    out.field("os-extended-snapshot-attributes:progress", std::string_view{fmt::format("{}%", s.progress)});
  }
  out.end_object();
}

}  // namespace scoria::api
