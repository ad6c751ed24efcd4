#include <cstdlib>

#include "cli/resources.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

Result<std::string> project_of(Session& session) {
  if (!session.given.has("project")) return session.client.project_id();
  return session.client.project(session.given.text("project"));
}

std::string limit_cell(const json::Value& row) { return row.integer_or("limit") < 0 ? "unlimited" : std::to_string(row.integer_or("limit")); }

Result<> print_set(Session& session, const json::Value& set) {
  if (session.output.json()) return session.output.show(set);
  json::Array rows;
  for (const auto& [name, value] : set.object()) {
    if (name == "id") continue;
    const bool used = value.is_object();
    if (!used && !value.is_integer()) continue;
    json::Object row = {{"resource", json::Value(name)}, {"limit", used ? value["limit"] : value}};
    if (used) row.emplace_back("in_use", value["in_use"]);
    rows.emplace_back(std::move(row));
  }
  Columns columns = {{"RESOURCE", "resource"}, {"LIMIT", "limit", limit_cell}};
  if (!rows.empty() && rows.front().find("in_use") != nullptr) columns.push_back({"IN USE", "in_use"});
  return session.output.list(rows, columns, "");
}

Result<> show(Session& session) {
  const auto project = project_of(session);
  if (!project) return refuse(project.error());
  const auto answer = session.client.get("/os-quota-sets/" + *project + (session.given.has("defaults") ? "/defaults" : "?usage=True"));
  return answer ? print_set(session, (*answer)["quota_set"]) : refuse(answer.error());
}

constexpr const char* resources[] = {"volumes", "gigabytes", "snapshots", "per-volume-gigabytes", "backups", "backup-gigabytes", "groups"};

Result<> set(Session& session) {
  const Given& given = session.given;
  const auto project = project_of(session);
  if (!project) return refuse(project.error());
  json::Writer out;
  out.begin_object().key("quota_set").begin_object();
  bool any = false;
  for (std::string name : resources) {
    if (!given.has(name)) continue;
    const std::string text = given.text(name);
    char* end = nullptr;
    const std::int64_t limit = text == "unlimited" ? -1 : std::strtoll(text.c_str(), &end, 10);
    if (end != nullptr && (*end != '\0' || end == text.c_str()))
      return refuse(RefusalCode::invalid_input, "'{}' is no limit; say a number, or unlimited.", text);
    for (char& c : name)
      if (c == '-') c = '_';
    out.field(given.has("type") ? name + "_" + given.text("type") : name, limit);
    any = true;
  }
  if (!any) return refuse(RefusalCode::invalid_input, "Nothing to set: say what, for example --volumes 20.");
  const auto done = session.client.call("PUT", "/os-quota-sets/" + *project, out.end_object().end_object().take());
  return done ? Result<>{} : refuse(done.error());
}

Result<> unset(Session& session) {
  const auto project = project_of(session);
  if (!project) return refuse(project.error());
  const auto done = session.client.call("DELETE", "/os-quota-sets/" + *project, {});
  return done ? Result<>{} : refuse(done.error());
}

}  // namespace

std::vector<Verb> quota_verbs() {
  const Argument project{"project", "name or id; your own if left out", false};
  std::vector<Option> limits;
  for (const char* name : resources) limits.push_back({name, "a number, or unlimited"});
  limits.push_back({"type", "the limits are for volumes of this type"});
  return {
      {"quota",
       "show",
       "limits and use of a project",
       {project},
       {{"defaults", "what holds for projects without limits of their own", Option::Takes::nothing}},
       show},
      {"quota", "set", "change limits of a project (administrators)", {project}, limits, set},
      {"quota", "unset", "back to the default limits (administrators)", {project}, {}, unset},
  };
}

}  // namespace scoria::cli
