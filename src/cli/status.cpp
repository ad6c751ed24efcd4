#include "cli/pools.h"
#include "cli/progress.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

constexpr std::size_t shown_failures = 5;

/// What can be seen of a deployment; users see less of it than administrators.
struct Sight {
  json::Array services, pools, unfinished, failures;
  std::vector<std::string> problems;
};

std::string what_cell(const json::Value& row) { return row.text_or("resource_type") + " " + row.text_or("resource_id"); }
std::string why_cell(const json::Value& row) { return row.text_or("error", row.text_or("reason", "-")); }
std::string health_cell(const json::Value& row) {
  return row.text_or("status") == "disabled" ? "disabled" : row.text_or("backend_state", row.text_or("state"));
}
std::string seen_cell(const json::Value& row) { return time_text(row.text_or("updated_at")); }

Result<json::Array> rows_of(Client& client, const std::string& path, const std::string& plural) {
  const auto answer = client.get(path);
  if (!answer && answer.error().code == RefusalCode::forbidden) return json::Array{};
  if (!answer) return refuse(answer.error());
  return (*answer)[plural].array();
}

Result<Sight> look(Client& client) {
  Sight out;
  auto services = rows_of(client, "/os-services", "services"), pools = rows_of(client, "/scheduler-stats/get_pools?detail=True", "pools");
  const std::string operations = "/scoria/v1/operations?all_projects=1";
  auto unfinished = rows_of(client, operations + "&state=unfinished", "operations");
  auto failures = rows_of(client, fmt::format("{}&state=failed,dead&limit={}", operations, shown_failures), "operations");
  for (const auto* one : {&services, &pools, &unfinished, &failures})
    if (!*one) return refuse(one->error());
  out.services = std::move(*services), out.pools = std::move(*pools), out.unfinished = std::move(*unfinished), out.failures = std::move(*failures);
  for (const json::Value& row : out.services) {
    const std::string name = row.text_or("binary") + " on " + row.text_or("host");
    if (row.text_or("state") == "down") out.problems.push_back(name + " is down");
    else if (row.text_or("backend_state") == "down") out.problems.push_back("the storage of " + row.text_or("host") + " does not answer");
  }
  return out;
}

std::string count(std::size_t number, const std::string& word) { return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s"); }

std::string sentence(const Client& client, const Sight& sight) {
  const std::string where = client.endpoint().substr(0, client.endpoint().find("/v3"));
  if (!sight.problems.empty()) {
    std::string all;
    for (const std::string& one : sight.problems) all += (all.empty() ? "" : "; ") + one;
    return fmt::format("Scoria at {} needs help: {}.", where, all);
  }
  return fmt::format(
      "Scoria at {} is well: {}{}.", where,
      sight.services.empty() ? "" : fmt::format("{} up, {}, ", count(sight.services.size(), "service"), count(sight.pools.size(), "pool")),
      sight.unfinished.empty() ? "nothing under way" : count(sight.unfinished.size(), "operation") + " under way");
}

json::Value as_json(const Client& client, const Sight& sight) {
  json::Array problems;
  for (const std::string& one : sight.problems) problems.emplace_back(one);
  return json::Value(json::Object{{"endpoint", json::Value(client.endpoint())},
                                  {"well", json::Value(sight.problems.empty())},
                                  {"problems", json::Value(problems)},
                                  {"services", json::Value(sight.services)},
                                  {"pools", json::Value(sight.pools)},
                                  {"operations", json::Value(sight.unfinished)},
                                  {"failures", json::Value(sight.failures)}});
}

Result<> section(const Output& output, const std::string& title, const json::Array& rows, const Columns& columns) {
  if (rows.empty()) return {};
  output.say("\n" + title);
  return output.list(rows, columns, "");
}

Result<> status(Session& session) {
  const auto sight = look(session.client);
  if (!sight) return refuse(sight.error());
  Output& output = session.output;
  if (output.json()) return output.show(as_json(session.client, *sight));
  output.say(sentence(session.client, *sight));
  const Columns work = {
      {"ID", "id"}, {"KIND", "kind"}, {"STATE", "state", state_text}, {"ON", "resource_id", what_cell}, {"WHY", "reason", why_cell}};
  const Columns services = {{"BINARY", "binary"}, {"HOST", "host"}, {"STATE", "state", health_cell}, {"SEEN", "updated_at", seen_cell}};
  Result<> done = section(output, "Services", sight->services, services);
  if (done) done = section(output, "Pools", sight->pools, pool_columns());
  if (done) done = section(output, "Under way", sight->unfinished, work);
  return done ? section(output, "Last failures", sight->failures, work) : done;
}

Result<> run_doctor(Session& session) {
  const auto answer = session.client.get("/scoria/v1/doctor");
  return answer ? tell_doctor(session.output, *answer) : refuse(answer.error());
}

}  // namespace

Result<> tell_doctor(const Output& output, const json::Value& report) {
  const json::Array& wrong = report["diagnoses"].array();
  if (output.json()) {
    if (Result<> shown = output.show(report); !shown) return shown;
  } else if (wrong.empty()) {
    output.say(fmt::format("Nothing is wrong: {} on {}.", count(report["checked"].array().size(), "check"), count(report["hosts"].array().size(), "host")));
  }
  std::string before = "-";
  for (const json::Value& one : wrong) {
    if (const std::string host = one.text_or("host"); std::exchange(before, host) != host) output.say(host.empty() ? "The deployment" : "Host " + host);
    output.say(fmt::format("  {}: {}\n    -> {}", one.text_or("check"), one.text_or("text"), one.text_or("fix")));
  }
  if (wrong.empty()) return {};
  return refuse(RefusalCode::backend_failed, "{} wrong.", wrong.size() == 1 ? "One thing is" : fmt::format("{} things are", wrong.size()));
}

const char* const doctor_help =
    "what is wrong anywhere, and what to do about it (administrators); exit code 1 if something is. With --set, --config-file or --config-dir, or when the "
    "deployment does not answer: what can be seen from this machine and its configuration";

std::vector<Verb> status_verbs() {
  Verb doctor{"", "doctor", doctor_help, {}, {}, run_doctor};
  doctor.local_if_unreachable = true;
  return {{"", "status", "health at a glance: services, pools, what is under way and why it waits, what failed", {}, {}, status}, std::move(doctor)};
}

}  // namespace scoria::cli
