#include "api/snapshots/handlers.h"

#include "api/listing.h"
#include "api/maps.h"
#include "api/snapshots/view.h"
#include "base/text.h"
#include "commands/snapshots/create.h"
#include "commands/snapshots/delete.h"
#include "commands/snapshots/update.h"
#include "store/snapshots/list.h"
#include "store/volumes/volumes.h"

namespace scoria::api {
namespace {

constexpr std::string_view extended_rule = "volume_extension:extended_snapshot_attributes";

Result<Snapshot> load(Services& services, ApiRequest& request) {
  const std::string& id = request.capture("snapshot_id");
  auto snapshot = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, {id}); });
  if (!snapshot || (!request.context.is_admin && snapshot->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Snapshot {} could not be found.", id);
  if (auto allowed = request.enforce({{"project_id", snapshot->project_id}, {"user_id", snapshot->user_id}}); !allowed) return refuse(allowed.error());
  return std::move(*snapshot);
}

http::Response reply_with(const ApiRequest& request, const Snapshot& snapshot, bool detail) {
  json::Writer out;
  out.begin_object().key("snapshot");
  write_snapshot(out, request, snapshot, detail && request.allows(extended_rule));
  return request.reply(out.end_object().take());
}

std::string text(const json::Value& body, std::string_view key, std::string_view old_key) {
  const json::Value* value = body.find(key);
  if (value == nullptr) value = body.find(old_key);
  return value != nullptr && value->is_string() ? std::string(trimmed(value->string())) : std::string{};
}

/// Whether a volume in use may be snapshot: by `force` before 3.66, always from then on (`force` may only say true).
Result<bool> in_use_allowed(const ApiRequest& request, const json::Value& body) {
  const json::Value& value = body["force"];
  std::optional<bool> force;
  if (value.is_bool()) force = value.boolean();
  if (value.is_string()) force = read_flag(value.string());
  if (!value.is_null() && !force) return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute force. It must be a boolean.");
  if (!request.since(66)) return force.value_or(false);
  if (force && !*force)
    return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute force. From 3.66 on it may only be true; snapshots of volumes in use need no force.");
  return true;
}

Answer create(Services& services, ApiRequest& request) {
  const json::Value& body = request.body["snapshot"];
  const std::string volume_id = body.text_or("volume_id");
  const auto volume = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, {volume_id}); });
  if (!volume || (!request.context.is_admin && volume->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume_id);
  const auto in_use = in_use_allowed(request, body);
  if (!in_use) return refuse(in_use.error());
  commands::CreateSnapshotRequest wanted;
  wanted.name = text(body, "name", "display_name"), wanted.description = text(body, "description", "display_description");
  wanted.in_use = *in_use;
  if (body["metadata"].is_object()) {
    auto map = replaced(body["metadata"]);
    if (!map) return refuse(map.error());
    wanted.metadata = std::move(*map);
  }
  auto accepted = commands::create_snapshot(services.commands, request.context, *volume, wanted);
  if (!accepted) return refuse(accepted.error());
  const auto stored = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, accepted->id); });
  return reply_with(request, stored.value_or(*accepted), false);
}

Answer show(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  return reply_with(request, *snapshot, true);
}

Answer update(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const json::Value& body = request.body["snapshot"];
  commands::DescribeSnapshotRequest wanted;
  if (body.find("name") != nullptr || body.find("display_name") != nullptr) wanted.name = text(body, "name", "display_name");
  if (body.find("description") != nullptr || body.find("display_description") != nullptr) wanted.description = text(body, "description", "display_description");
  if (const auto done = commands::describe_snapshot(services.commands, snapshot->id, wanted); !done) return refuse(done.error());
  const auto stored = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, snapshot->id); });
  return reply_with(request, stored.value_or(*snapshot), false);
}

Answer remove(Services& services, ApiRequest& request, bool force) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  if (const auto accepted = commands::delete_snapshot(services.commands, request.context, *snapshot, force); !accepted) return refuse(accepted.error());
  return request.reply();
}

Answer list(Services& services, ApiRequest& request, bool detail) {
  const auto query = read_list(request, snapshot_list, services.lists);
  if (!query) return refuse(query.error());
  const auto listed = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, store::snapshots::list_table, *query); });
  if (!listed) return refuse(listed.error());
  const bool extended = detail && request.allows(extended_rule);
  json::Writer out;
  std::string last;
  out.begin_object().key("snapshots").begin_array();
  for (std::size_t i = 0; i < listed->rows.size(); ++i) {
    const Snapshot snapshot = store::snapshots::read(listed->rows, i);
    write_snapshot(out, request, snapshot, extended);
    last = snapshot.id.text;
  }
  out.end_array();
  if (listed->count) out.field("count", *listed->count);
  write_next_link(out, request, snapshot_list, *query, listed->rows.size(), last);
  return request.reply(out.end_object().take());
}

Answer reset_status(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const auto done = commands::reset_snapshot_status(services.commands, snapshot->id, request.payload().text_or("status"));
  if (!done) return refuse(done.error());
  return request.reply();
}

/// "80%", or a number.
Result<std::optional<int>> read_progress(const json::Value& value) {
  if (value.is_null()) return std::nullopt;
  std::string text = value.is_string() ? value.string() : value.is_integer() ? std::to_string(value.integer()) : "?";
  if (text.ends_with('%')) text.pop_back();
  const bool digits = !text.empty() && text.size() <= 3 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(text) > 100) return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute progress. It must be a percentage.");
  return std::stoi(text);
}

Answer update_status(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const auto progress = read_progress(request.payload()["progress"]);
  if (!progress) return refuse(progress.error());
  const auto done = commands::update_snapshot_status(services.commands, snapshot->id, request.payload().text_or("status"), *progress);
  if (!done) return refuse(done.error());
  return request.reply();
}

Answer metadata(Services& services, ApiRequest& request, const commands::MapChange& change) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  Result<std::string> after = snapshot->metadata;
  if (change) after = commands::change_snapshot_metadata(services.commands, snapshot->id, change);
  if (!after) return refuse(after.error());
  return request.reply(R"({"metadata":)" + *after + "}");
}

Answer metadata_item(const ApiRequest& request, std::string_view key, const std::string& value) {
  json::Writer out;
  out.begin_object().key("meta").begin_object().field(key, std::string_view{value});
  return request.reply(out.end_object().end_object().take());
}

Answer show_item(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const auto value = entry(snapshot->metadata, request.capture("key"));
  if (!value) return refuse(value.error());
  return metadata_item(request, request.capture("key"), *value);
}

Answer update_item(Services& services, ApiRequest& request) {
  const json::Value& meta = request.body["meta"];
  if (!meta.is_object() || meta.object().size() != 1) return refuse(RefusalCode::invalid_input, "Request body contains too many items.");
  if (meta.object().front().first != request.capture("key")) return refuse(RefusalCode::invalid_input, "Request body and URI mismatch.");
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const auto after = commands::change_snapshot_metadata(services.commands, snapshot->id, [&](const std::string& before) { return merged(before, meta); });
  if (!after) return refuse(after.error());
  return metadata_item(request, request.capture("key"), meta.object().front().second.string());
}

Answer remove_item(Services& services, ApiRequest& request) {
  const auto snapshot = load(services, request);
  if (!snapshot) return refuse(snapshot.error());
  const auto after = commands::change_snapshot_metadata(services.commands, snapshot->id,
                                                        [&](const std::string& before) { return without(before, request.capture("key")); });
  if (!after) return refuse(after.error());
  return request.reply();
}

}  // namespace

void mount_snapshots(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("snapshots.create", create);
  mount("snapshots.show", show);
  mount("snapshots.update", update);
  mount("snapshots.os-reset_status", reset_status);
  mount("snapshots.os-update_snapshot_status", update_status);
  mount("snapshots.metadata.show", show_item);
  mount("snapshots.metadata.update", update_item);
  mount("snapshots.metadata.delete", remove_item);
  handlers.mount("snapshots.delete", [&services](ApiRequest& request) { return remove(services, request, false); });
  handlers.mount("snapshots.os-force_delete", [&services](ApiRequest& request) { return remove(services, request, true); });
  handlers.mount("snapshots.list", [&services](ApiRequest& request) { return list(services, request, false); });
  handlers.mount("snapshots.detail", [&services](ApiRequest& request) { return list(services, request, true); });
  handlers.mount("snapshots.metadata.list", [&services](ApiRequest& request) { return metadata(services, request, {}); });
  handlers.mount("snapshots.metadata.create", [&services](ApiRequest& request) {
    return metadata(services, request, [&](const std::string& before) { return merged(before, request.body["metadata"]); });
  });
  handlers.mount("snapshots.metadata.replace", [&services](ApiRequest& request) {
    return metadata(services, request, [&](const std::string&) { return replaced(request.body["metadata"]); });
  });
}

}  // namespace scoria::api
