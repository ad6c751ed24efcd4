#include "cli/progress.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

std::string resource_cell(const json::Value& row) { return row.text_or("resource_type") + " " + row.text_or("resource_id"); }
std::string reason_cell(const json::Value& row) { return row.text_or("error", row.text_or("reason", "-")); }

const Columns& columns() {
  static const Columns out = {{"ID", "id"},
                              {"KIND", "kind"},
                              {"STATE", "state", state_text},
                              {"ON", "resource_id", resource_cell},
                              {"CREATED", "created_at", created_cell},
                              {"WHY", "reason", reason_cell}};
  return out;
}

std::string progress_cell(const json::Value& row) {
  const json::Value& progress = row["progress"];
  if (progress.integer_or("bytes_total") == 0) return "-";
  return fmt::format("{} of {} ({} %)", bytes_text(static_cast<double>(progress.integer_or("bytes_done"))),
                     bytes_text(static_cast<double>(progress.integer_or("bytes_total"))), progress.integer_or("percent_done"));
}
std::string finished_cell(const json::Value& row) { return time_text(row.text_or("finished_at")); }

/// Names of the steps that are done.
std::string steps_cell(const json::Value& row) {
  std::string out;
  if (!row["steps"].is_array()) return "-";
  for (const json::Value& step : row["steps"].array()) out += (out.empty() ? "" : ", ") + step.text_or("step");
  return out.empty() ? "-" : out;
}
/// The node that works on it, and how often it was taken up.
std::string node_cell(const json::Value& row) {
  const std::string taken = row.integer_or("epoch") == 1 ? "once" : fmt::format("{} times", row.integer_or("epoch"));
  return row["node"].is_integer() ? fmt::format("{}, now by node {}", taken, row.integer_or("node")) : taken;
}

const Columns& sheet() {
  static const Columns out = {{"id", "id"},
                              {"kind", "kind"},
                              {"state", "state", state_text},
                              {"on", "resource_id", resource_cell},
                              {"step", "step"},
                              {"done", "steps", steps_cell},
                              {"progress", "progress", progress_cell},
                              {"taken up", "epoch", node_cell},
                              {"waits for", "waits_on"},
                              {"why", "reason", reason_cell},
                              {"request", "request_id"},
                              {"created", "created_at", created_cell},
                              {"finished", "finished_at", finished_cell}};
  return out;
}

/// By id or the beginning of it.
Result<std::string> id_of(Session& session, const std::string& what) {
  if (what.size() == 36) return what;
  const auto listed = session.client.get("/scoria/v1/operations?all_projects=1&limit=1000");
  if (!listed) return refuse(listed.error());
  std::vector<std::string> found;
  for (const json::Value& row : (*listed)["operations"].array())
    if (what.size() >= 4 && row.text_or("id").starts_with(what)) found.push_back(row.text_or("id"));
  if (found.size() == 1) return found.front();
  if (found.empty()) return refuse(RefusalCode::not_found, "There is no operation '{}'. `scoria operation list` shows the last ones.", what);
  return refuse(RefusalCode::conflict, "{} operations begin with '{}': say more of the id.", found.size(), what);
}

Result<> list(Session& session) {
  const Given& given = session.given;
  std::string path = "/scoria/v1/operations?limit=" + (given.has("limit") ? escaped(given.text("limit")) : "100");
  if (given.has("all-projects")) path += "&all_projects=1";
  if (given.has("kind")) path += "&kind=" + escaped(given.text("kind"));
  if (given.has("request")) path += "&request_id=" + escaped(given.text("request"));
  if (given.has("state")) path += "&state=" + escaped(given.text("state"));
  if (given.has("unfinished")) path += "&state=unfinished";
  if (given.has("resource")) path += "&resource_id=" + escaped(given.text("resource"));
  const auto listed = session.client.get(path);
  if (!listed) return refuse(listed.error());
  return session.output.list((*listed)["operations"].array(), columns(), "There are no operations like that.");
}

Result<> show(Session& session) {
  const auto id = id_of(session, session.given.text("operation"));
  if (!id) return refuse(id.error());
  const auto one = session.client.get("/scoria/v1/operations/" + *id);
  return one ? session.output.show((*one)["operation"], sheet()) : refuse(one.error());
}

Result<> watch(Session& session) {
  const auto id = id_of(session, session.given.text("operation"));
  if (!id) return refuse(id.error());
  const bool lines = session.output.json() || !session.output.terminal().error;
  const auto ended = follow(session, *id, lines);
  if (!ended) return refuse(ended.error());
  if (!lines) session.output.say(fmt::format("{} succeeded.", ended->text_or("kind")));
  return {};
}

Result<> change(Session& session, const char* verb) {
  const auto id = id_of(session, session.given.text("operation"));
  if (!id) return refuse(id.error());
  const auto done = session.client.call("POST", fmt::format("/scoria/v1/operations/{}/{}", *id, verb), "{}");
  return done ? Result<>{} : refuse(done.error());
}

Result<> cancel(Session& session) { return change(session, "cancel"); }
Result<> retry(Session& session) { return change(session, "retry"); }
Result<> abandon(Session& session) { return change(session, "abandon"); }

}  // namespace

std::vector<Verb> operation_verbs() {
  constexpr auto nothing = Option::Takes::nothing;
  const Argument one{"operation", "id, or its beginning"};
  return {
      {"operation",
       "list",
       "the last ones, newest first",
       {},
       {{"unfinished", "only what runs or waits", nothing},
        {"state", "ready, running, waiting, succeeded, failed, cancelled, dead; several with commas"},
        {"limit", "how many at most (100)"},
        {"kind", "as volume.create"},
        {"resource", "id of what it works on"},
        {"request", "id of the request that started it"},
        all_projects_option},
       list},
      {"operation", "show", "everything about one: steps, progress, what it waits for", {one}, {}, show},
      {"operation", "watch", "stay until it is done, with progress; a line per change if this is no terminal", {one}, {}, watch},
      {"operation", "cancel", "stop one at its next step, or in the middle of a copy", {one}, {}, cancel},
      {"operation", "retry", "do not wait for the next try (administrators)", {one}, {}, retry},
      {"operation", "abandon", "give up one that cannot end (administrators)", {one}, {}, abandon},
  };
}

}  // namespace scoria::cli
