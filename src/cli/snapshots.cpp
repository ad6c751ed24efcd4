#include "cli/progress.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

Result<> list(Session& session) {
  const Given& given = session.given;
  std::vector<std::pair<std::string, std::string>> query;
  for (const char* name : {"name", "status"})
    if (given.has(name)) query.emplace_back(name, given.text(name));
  if (given.has("volume")) {
    const auto volume = find_id(session.client, volume_kind(), given.text("volume"));
    if (!volume) return refuse(volume.error());
    query.emplace_back("volume_id", *volume);
  }
  return list_of(session, snapshot_kind(), query);
}

Result<> show(Session& session) {
  const auto found = find(session.client, snapshot_kind(), session.given.text("snapshot"));
  return found ? session.output.show(*found, snapshot_kind().sheet) : refuse(found.error());
}

Result<> create(Session& session) {
  const Given& given = session.given;
  const auto volume = find_id(session.client, volume_kind(), given.text("volume"));
  if (!volume) return refuse(volume.error());
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  const auto made = session.client.call(
      "POST", "/snapshots",
      body_of("snapshot", {{"volume_id", *volume}, {"name", given.text("name")}, {"description", given.text("description")}}, 0, *properties));
  return made ? conclude(session, snapshot_kind(), (*made)["snapshot"].text_or("id")) : refuse(made.error());
}

Result<> set(Session& session) {
  const Given& given = session.given;
  const auto id = find_id(session.client, snapshot_kind(), given.text("snapshot"));
  if (!id) return refuse(id.error());
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  const bool renames = given.has("name") || given.has("description");
  if (!renames && properties->empty() && !given.has("state"))
    return refuse(RefusalCode::invalid_input, "Nothing to set: say what, for example --name NEW or --property key=value.");
  Result<json::Value> done;
  if (renames)
    done = session.client.call("PUT", "/snapshots/" + *id,
                               body_of("snapshot", {{"name", given.text("name")}, {"description", given.text("description")}}));
  if (done && !properties->empty()) done = session.client.call("POST", "/snapshots/" + *id + "/metadata", map_of("metadata", *properties));
  if (done && given.has("state"))
    done = session.client.call("POST", "/snapshots/" + *id + "/action", body_of("os-reset_status", {{"status", given.text("state")}}));
  return done ? Result<>{} : refuse(done.error());
}

Result<> unset(Session& session) {
  const auto id = find_id(session.client, snapshot_kind(), session.given.text("snapshot"));
  if (!id) return refuse(id.error());
  for (const std::string& key : session.given.all("property"))
    if (const auto done = session.client.call("DELETE", fmt::format("/snapshots/{}/metadata/{}", *id, escaped(key)), {}); !done)
      return refuse(done.error());
  return {};
}

Result<> remove(Session& session) {
  for (const std::string& what : session.given.all("snapshot")) {
    const auto id = find_id(session.client, snapshot_kind(), what);
    if (!id) return refuse(id.error());
    const auto done = session.given.has("force") ? session.client.call("POST", fmt::format("/snapshots/{}/action", *id), R"({"os-force_delete":{}})")
                                                 : session.client.call("DELETE", "/snapshots/" + *id, {});
    if (!done) return refuse(done.error());
    if (session.given.has("wait"))
      if (const auto ended = follow_request(session, session.client.request_id()); !ended) return ended;
  }
  return {};
}

std::string size_cell(const json::Value& row) { return fmt::format("{} GiB", row.integer_or("size")); }

}  // namespace

const Kind& snapshot_kind() {
  static const Kind kind{"snapshot",
                         "snapshots",
                         "/snapshots",
                         "/detail", true,
                         {{"ID", "id"},
                          {"NAME", "name"},
                          {"STATUS", "status"},
                          {"SIZE", "size", size_cell},
                          {"VOLUME", "volume_id"},
                          {"CREATED", "created_at", created_cell}},
                         {{"id", "id"},
                          {"name", "name"},
                          {"description", "description"},
                          {"status", "status"},
                          {"size", "size", size_cell},
                          {"volume", "volume_id"},
                          {"properties", "metadata"},
                          {"created", "created_at", created_cell}}};
  return kind;
}

std::vector<Verb> snapshot_verbs() {
  constexpr auto nothing = Option::Takes::nothing, many = Option::Takes::many;
  const Argument one{"snapshot", "id, name, or the beginning of the id"};
  return {
      {"snapshot",
       "create",
       "keep the content that a volume has now",
       {{"volume", "id or name"}},
       {{"name", "how it is called"}, {"description", "what it is for"}, {"property", "key=value to keep with it", many}, wait_option},
       create},
      {"snapshot",
       "list",
       "what there is",
       {},
       filters({{"volume", "only of that volume"}, {"name", "only of that name"}, {"status", "only in that status"}}),
       list},
      {"snapshot", "show", "everything about one", {one}, {}, show},
      {"snapshot",
       "set",
       "change one",
       {one},
       {{"name", "its new name"},
        {"description", "its new description"},
        {"property", "key=value to keep with it", many},
        {"state", "put this status over it (administrators)"}},
       set},
      {"snapshot", "unset", "take properties from one", {one}, {{"property", "its key", many}}, unset},
      {"snapshot",
       "delete",
       "end snapshots",
       {{"snapshot...", "ids or names"}},
       {{"force", "whatever their status (administrators)", nothing}, wait_option},
       remove},
  };
}

}  // namespace scoria::cli
