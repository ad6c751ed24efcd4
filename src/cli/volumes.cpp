#include "cli/progress.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

std::string size_cell(const json::Value& row) { return fmt::format("{} GiB", row.integer_or("size")); }

/// Who uses it: hosts or instances.
std::string users_cell(const json::Value& row) {
  std::string out;
  if (!row["attachments"].is_array()) return "-";
  for (const json::Value& one : row["attachments"].array()) {
    const std::string server = one.text_or("server_id"), host = one.text_or("host_name");
    out += (out.empty() ? "" : ", ") + (!server.empty() ? server : !host.empty() ? host : one.text_or("attachment_id"));
  }
  return out.empty() ? "-" : out;
}

std::string source_cell(const json::Value& row) {
  if (!row.text_or("snapshot_id").empty()) return "snapshot " + row.text_or("snapshot_id");
  if (!row.text_or("source_volid").empty()) return "volume " + row.text_or("source_volid");
  return "-";
}

std::string pool_cell(const json::Value& row) { return row.text_or("host", row.text_or("pool", "a pool")); }
std::string fits_cell(const json::Value& row) { return row.flag_or("passed") ? "yes" : "no"; }
std::string objections_cell(const json::Value& row) {
  std::string out;
  if (!row["objections"].is_array()) return "-";
  for (const json::Value& one : row["objections"].array()) {
    std::string text = one.text_or("reason", one.text_or("text", shown(one)));
    if (const std::string fix = one.text_or("fix"); !fix.empty()) text += " -> " + fix;
    out += (out.empty() ? "" : "; ") + text;
  }
  return out.empty() ? "-" : out;
}

Result<> list(Session& session) {
  const Given& given = session.given;
  std::vector<std::pair<std::string, std::string>> query;
  for (const char* name : {"name", "status"})
    if (given.has(name)) query.emplace_back(name, given.text(name));
  return list_of(session, volume_kind(), query);
}

Result<> show(Session& session) {
  const auto found = find(session.client, volume_kind(), session.given.text("volume"));
  return found ? session.output.show(*found, volume_kind().sheet) : refuse(found.error());
}

Result<> create(Session& session) {
  const Given& given = session.given;
  std::int64_t gib = 0;
  if (given.has("size")) {
    const auto size = gib_of(given.text("size"));
    if (!size) return refuse(size.error());
    gib = *size;
  } else if (!given.has("snapshot") && !given.has("source")) {
    return refuse(RefusalCode::invalid_input, "A new volume needs a size: --size 10G. Only a copy of --snapshot or --source may do without.");
  }
  std::string snapshot, source;
  if (given.has("snapshot")) {
    const auto found = find_id(session.client, snapshot_kind(), given.text("snapshot"));
    if (!found) return refuse(found.error());
    snapshot = *found;
  }
  if (given.has("source")) {
    const auto found = find_id(session.client, volume_kind(), given.text("source"));
    if (!found) return refuse(found.error());
    source = *found;
  }
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  const auto made = session.client.call("POST", "/volumes",
                                        body_of("volume",
                                                {{"name", given.text("name")},
                                                 {"description", given.text("description")},
                                                 {"volume_type", given.text("type")},
                                                 {"availability_zone", given.text("zone")},
                                                 {"snapshot_id", snapshot},
                                                 {"source_volid", source}},
                                                gib, *properties));
  if (!made) return refuse(made.error());
  return conclude(session, volume_kind(), (*made)["volume"].text_or("id"));
}

Result<> act(Client& client, const std::string& id, const std::string& body) {
  const auto done = client.call("POST", fmt::format("/volumes/{}/action", id), body);
  return done ? Result<>{} : refuse(done.error());
}

/// One call for each thing that is to be changed.
Result<> set(Session& session) {
  const Given& given = session.given;
  const auto id = find_id(session.client, volume_kind(), given.text("volume"));
  if (!id) return refuse(id.error());
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  std::vector<std::pair<std::string, std::string>> calls;  // method and path, body
  if (given.has("name") || given.has("description"))
    calls.emplace_back("PUT /volumes/" + *id, body_of("volume", {{"name", given.text("name")}, {"description", given.text("description")}}));
  if (!properties->empty()) calls.emplace_back("POST /volumes/" + *id + "/metadata", map_of("metadata", *properties));
  const std::string action = "POST /volumes/" + *id + "/action";
  for (const auto& [option, body] :
       std::initializer_list<std::pair<const char*, const char*>>{{"bootable", R"({"os-set_bootable":{"bootable":true}})"},
                                                                  {"non-bootable", R"({"os-set_bootable":{"bootable":false}})"},
                                                                  {"read-only", R"({"os-update_readonly_flag":{"readonly":true}})"},
                                                                  {"read-write", R"({"os-update_readonly_flag":{"readonly":false}})"}})
    if (given.has(option)) calls.emplace_back(action, body);
  if (given.has("state")) calls.emplace_back(action, body_of("os-reset_status", {{"status", given.text("state")}}));
  if (calls.empty()) return refuse(RefusalCode::invalid_input, "Nothing to set: say what, for example --name NEW or --property key=value.");
  for (const auto& [where, body] : calls) {
    const auto done = session.client.call(where.substr(0, where.find(' ')), where.substr(where.find(' ') + 1), body);
    if (!done) return refuse(done.error());
  }
  return {};
}

Result<> unset(Session& session) {
  const auto id = find_id(session.client, volume_kind(), session.given.text("volume"));
  if (!id) return refuse(id.error());
  for (const std::string& key : session.given.all("property"))
    if (const auto done = session.client.call("DELETE", fmt::format("/volumes/{}/metadata/{}", *id, escaped(key)), {}); !done)
      return refuse(done.error());
  return {};
}

Result<> remove_one(Session& session, const std::string& what) {
  const Given& given = session.given;
  const auto id = find_id(session.client, volume_kind(), what);
  if (!id) return refuse(id.error());
  const std::string query = given.has("cascade") ? "?cascade=True" : "";
  if (given.has("force")) {
    if (const auto done = act(session.client, *id, R"({"os-force_delete":{}})"); !done) return done;
  } else if (const auto done = session.client.call("DELETE", "/volumes/" + *id + query, {}); !done) {
    return refuse(done.error());
  }
  return given.has("wait") ? follow_request(session, session.client.request_id()) : Result<>{};
}

Result<> remove(Session& session) {
  for (const std::string& what : session.given.all("volume"))
    if (const auto done = remove_one(session, what); !done) return done;
  return {};
}

Result<> extend(Session& session) {
  const auto gib = gib_of(session.given.text("size"));
  if (!gib) return refuse(gib.error());
  const auto id = find_id(session.client, volume_kind(), session.given.text("volume"));
  if (!id) return refuse(id.error());
  if (const auto done = act(session.client, *id, fmt::format(R"({{"os-extend":{{"new_size":{}}}}})", *gib)); !done) return done;
  return conclude(session, volume_kind(), *id);
}

Result<> revert(Session& session) {
  const auto id = find_id(session.client, volume_kind(), session.given.text("volume"));
  if (!id) return refuse(id.error());
  const auto snapshot = find_id(session.client, snapshot_kind(), session.given.text("snapshot"));
  if (!snapshot) return refuse(snapshot.error());
  if (const auto done = act(session.client, *id, body_of("revert", {{"snapshot_id", *snapshot}})); !done) return done;
  return conclude(session, volume_kind(), *id);
}

Result<> explain(Session& session) {
  const auto id = find_id(session.client, volume_kind(), session.given.text("volume"));
  if (!id) return refuse(id.error());
  const auto answer = session.client.get("/scoria/v1/explain/volumes/" + *id);
  if (!answer) return refuse(answer.error());
  const json::Value& explanation = (*answer)["explanation"];
  if (session.output.json()) return session.output.show(explanation);
  session.output.say(explanation.text_or("summary"));
  for (const json::Value& note : explanation["notes"].array()) session.output.say(shown(note));
  return session.output.list(explanation["candidates"].array(),
                             {{"POOL", "host", pool_cell}, {"FITS", "passed", fits_cell}, {"WHY NOT", "objections", objections_cell}}, "");
}

}  // namespace

const Kind& volume_kind() {
  static const Kind kind{"volume",
                         "volumes",
                         "/volumes",
                         "/detail", true,
                         {{"ID", "id"},
                          {"NAME", "name"},
                          {"STATUS", "status"},
                          {"SIZE", "size", size_cell},
                          {"TYPE", "volume_type"},
                          {"ATTACHED TO", "attachments", users_cell}},
                         {{"id", "id"},
                          {"name", "name"},
                          {"description", "description"},
                          {"status", "status"},
                          {"size", "size", size_cell},
                          {"type", "volume_type"},
                          {"zone", "availability_zone"},
                          {"pool", "os-vol-host-attr:host"},
                          {"copy of", "source", source_cell},
                          {"attached to", "attachments", users_cell},
                          {"bootable", "bootable"},
                          {"properties", "metadata"},
                          {"created", "created_at", created_cell}}};
  return kind;
}

std::vector<Verb> volume_verbs() {
  constexpr auto nothing = Option::Takes::nothing, many = Option::Takes::many;
  const Argument one{"volume", "id, name, or the beginning of the id"};
  return {
      {"volume",
       "create",
       "make one, empty or a copy",
       {{"name", "how it is called"}},
       {{"size", "10G, 512M, 1.5T; whole GiB, rounded up"},
        {"type", "of storage; see `scoria type list`"},
        {"snapshot", "copy of a snapshot"},
        {"source", "copy of a volume"},
        {"zone", "where it must be"},
        {"description", "what it is for"},
        {"property", "key=value to keep with it", many},
        wait_option},
       create},
      {"volume", "list", "what there is", {}, filters({{"name", "only of that name"}, {"status", "only in that status"}}), list},
      {"volume", "show", "everything about one", {one}, {}, show},
      {"volume",
       "set",
       "change one",
       {one},
       {{"name", "its new name"},
        {"description", "its new description"},
        {"property", "key=value to keep with it", many},
        {"bootable", "a machine can start from it", nothing},
        {"non-bootable", "no machine can start from it", nothing},
        {"read-only", "the next attachments cannot write", nothing},
        {"read-write", "the next attachments can write", nothing},
        {"state", "put this status over it (administrators; nothing else changes)"}},
       set},
      {"volume", "unset", "take properties from one", {one}, {{"property", "its key", many}}, unset},
      {"volume", "extend", "make one larger, also in use", {one, {"size", "the new size"}}, {wait_option}, extend},
      {"volume", "revert", "give one the content of its newest snapshot", {one, {"snapshot", "id or name"}}, {wait_option}, revert},
      {"volume", "explain", "which pools could hold one, and why the others cannot", {one}, {}, explain},
      {"volume",
       "delete",
       "end volumes and their data",
       {{"volume...", "ids or names"}},
       {{"cascade", "their snapshots too", nothing}, {"force", "whatever their status (administrators)", nothing}, wait_option},
       remove},
  };
}

}  // namespace scoria::cli
