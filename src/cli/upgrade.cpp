#include <fmt/core.h>

#include "cli/resources.h"

// `scoria admin upgrade`: how the replacement of nodes by those of a newer release stands.
namespace scoria::cli {
namespace {

std::string rows_cell(const json::Value& row) { return fmt::format("{} of {}", row.integer_or("rows_done"), row.integer_or("rows")); }
std::string silent_cell(const json::Value& row) { return row.flag_or("silent") ? "silent" : "up"; }

/// Steps of the schema that still wait for something.
json::Array waiting_steps(const json::Value& schema) {
  json::Array out;
  for (const json::Value& step : schema["steps"].array())
    if (step["waits_for"].is_string()) out.push_back(step);
  return out;
}

void say_each(const Output& output, const std::string& title, const json::Array& texts) {
  if (texts.empty()) return;
  output.say(title);
  for (const json::Value& text : texts) output.say("  " + shown(text));
}

std::string verdict(const json::Value& upgrade) {
  const std::string state = upgrade.text_or("state"), release = upgrade.text_or("finalised_release");
  if (state == "finalised") return fmt::format("Finalised at release {}.", release);
  if (state == "converting") return fmt::format("Finalised at release {}; what it stores otherwise is being converted in the background.", release);
  if (!upgrade["obstacles"].array().empty()) return fmt::format("Not finalised: what is written can still be read by release {}. Going back is possible.", release);
  return fmt::format("Not finalised: what is written can still be read by release {}. Going back is possible until `scoria admin upgrade finalize`, "
                     "which nothing stands against.", release);
}

Result<> status(Session& session) {
  const auto answer = session.client.get("/scoria/v1/upgrade");
  return answer ? tell_upgrade(session.output, *answer) : refuse(answer.error());
}

Result<> finalize(Session& session) {
  const auto answer = session.client.call("POST", "/scoria/v1/upgrade", "{}");
  return answer ? tell_upgrade(session.output, *answer) : refuse(answer.error());
}

}  // namespace

Result<> tell_upgrade(const Output& output, const json::Value& report) {
  const json::Value& upgrade = report["upgrade"];
  if (output.json()) return output.show(upgrade);
  output.say(verdict(upgrade));
  if (const std::string why = upgrade.text_or("start_refused"); !why.empty()) output.say("A node of this program would not be let in: " + why);
  say_each(output, "What holds finalising back:", upgrade["obstacles"].array());
  say_each(output, "Written in an older version until then:", upgrade["gated"].array());
  const json::Array steps = waiting_steps(upgrade["schema"]);
  Result<> done = output.list(upgrade["nodes"].array(),
                              {{"NODE", "incarnation"}, {"HOST", "host"}, {"ROLES", "roles"}, {"RELEASE", "release"}, {"SCHEMA", "schema"}, {"STATE", "silent", silent_cell}},
                              "No node is up.");
  if (!steps.empty()) done = output.list(steps, {{"SCHEMA STEP", "version"}, {"NAME", "name"}, {"WAITS FOR", "waits_for"}}, "");
  if (const json::Array& fills = upgrade["schema"]["fills"].array(); !fills.empty())
    done = output.list(fills, {{"FILL OF STEP", "version"}, {"TABLE", "table"}, {"ROWS", "rows_done", rows_cell}, {"STATE", "state"}}, "");
  return done;
}

const char* const upgrade_status_help =
    "how an upgrade stands: what may be written, which nodes are up, what finalising waits for, how far conversions are. With --set, --config-file or "
    "--config-dir: of the database that the configuration names, as this program would find it: run it with the new release before starting that";
const char* const upgrade_finalize_help =
    "give up going back: from now on what only the new release can read is written, and nodes of an older one are not let in. With --set, "
    "--config-file or --config-dir, when no node is up: without asking a service, and the conversions are done before it returns";

std::vector<Verb> upgrade_verbs() {
  return {{"admin upgrade", "status", upgrade_status_help, {}, {}, status}, {"admin upgrade", "finalize", upgrade_finalize_help, {}, {}, finalize}};
}

}  // namespace scoria::cli
