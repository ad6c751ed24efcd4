#include "cli/resources.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

std::string public_cell(const json::Value& row) { return row.flag_or("is_public", true) ? "yes" : "no"; }

Result<> list(Session& session) { return list_of(session, type_kind(), {}); }

Result<> show(Session& session) {
  const auto found = find(session.client, type_kind(), session.given.text("type"));
  return found ? session.output.show(*found, type_kind().sheet) : refuse(found.error());
}

Result<> create(Session& session) {
  const Given& given = session.given;
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  json::Writer out;
  out.begin_object().key("volume_type").begin_object().field("name", std::string_view{given.text("name")});
  if (given.has("description")) out.field("description", std::string_view{given.text("description")});
  out.field("os-volume-type-access:is_public", !given.has("private")).key("extra_specs").begin_object();
  for (const auto& [key, value] : *properties) out.field(key, std::string_view{value});
  const auto made = session.client.call("POST", "/types", out.end_object().end_object().end_object().take());
  if (!made) return refuse(made.error());
  const auto now = again(session.client, type_kind(), (*made)["volume_type"].text_or("id"));
  return now ? session.output.show(*now, type_kind().sheet) : refuse(now.error());
}

Result<> access(Session& session, const std::string& id, const char* action) {
  if (!session.given.has("project")) return {};
  const auto project = session.client.project(session.given.text("project"));
  if (!project) return refuse(project.error());
  const auto done = session.client.call("POST", "/types/" + id + "/action", body_of(action, {{"project", *project}}));
  return done ? Result<>{} : refuse(done.error());
}

Result<> set(Session& session) {
  const Given& given = session.given;
  const auto id = find_id(session.client, type_kind(), given.text("type"));
  if (!id) return refuse(id.error());
  const auto properties = properties_of(given.all("property"));
  if (!properties) return refuse(properties.error());
  const bool changes = given.has("name") || given.has("description") || given.has("public") || given.has("private");
  if (!changes && properties->empty() && !given.has("project"))
    return refuse(RefusalCode::invalid_input, "Nothing to set: say what, for example --name NEW or --property key=value.");
  Result<json::Value> done;
  if (changes) {
    json::Writer out;
    out.begin_object().key("volume_type").begin_object();
    for (const char* name : {"name", "description"})
      if (given.has(name)) out.field(name, std::string_view{given.text(name)});
    if (given.has("public") || given.has("private")) out.field("is_public", given.has("public"));
    done = session.client.call("PUT", "/types/" + *id, out.end_object().end_object().take());
  }
  if (done && !properties->empty()) done = session.client.call("POST", "/types/" + *id + "/extra_specs", map_of("extra_specs", *properties));
  return done ? access(session, *id, "addProjectAccess") : refuse(done.error());
}

Result<> unset(Session& session) {
  const auto id = find_id(session.client, type_kind(), session.given.text("type"));
  if (!id) return refuse(id.error());
  for (const std::string& key : session.given.all("property"))
    if (const auto done = session.client.call("DELETE", fmt::format("/types/{}/extra_specs/{}", *id, escaped(key)), {}); !done)
      return refuse(done.error());
  return access(session, *id, "removeProjectAccess");
}

Result<> remove(Session& session) {
  const auto id = find_id(session.client, type_kind(), session.given.text("type"));
  if (!id) return refuse(id.error());
  const auto done = session.client.call("DELETE", "/types/" + *id, {});
  return done ? Result<>{} : refuse(done.error());
}

}  // namespace

const Kind& type_kind() {
  static const Kind kind{
      "type",
      "volume_types",
      "/types",
      "?is_public=None", false,
      {{"ID", "id"}, {"NAME", "name"}, {"PUBLIC", "is_public", public_cell}, {"PROPERTIES", "extra_specs"}, {"DESCRIPTION", "description"}},
      {{"id", "id"}, {"name", "name"}, {"description", "description"}, {"public", "is_public", public_cell}, {"properties", "extra_specs"}}};
  return kind;
}

std::vector<Verb> type_verbs() {
  constexpr auto nothing = Option::Takes::nothing, many = Option::Takes::many;
  const Argument one{"type", "id or name"};
  return {
      {"type",
       "create",
       "make one (administrators)",
       {{"name", "how it is called"}},
       {{"description", "what it is for"},
        {"property", "key=value that places its volumes, as volume_backend_name=fast", many},
        {"private", "only for projects that get access", nothing}},
       create},
      {"type", "list", "what there is", {}, {}, list},
      {"type", "show", "everything about one", {one}, {}, show},
      {"type",
       "set",
       "change one (administrators)",
       {one},
       {{"name", "its new name"},
        {"description", "its new description"},
        {"property", "key=value that places its volumes", many},
        {"public", "for every project", nothing},
        {"private", "only for projects that get access", nothing},
        {"project", "give this project access, by name or id"}},
       set},
      {"type",
       "unset",
       "take properties or access away (administrators)",
       {one},
       {{"property", "its key", many}, {"project", "a project that had access"}},
       unset},
      {"type", "delete", "end one that no volume has (administrators)", {one}, {}, remove},
  };
}

}  // namespace scoria::cli
