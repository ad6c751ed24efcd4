#include "cli/pools.h"
#include "cli/resources.h"
#include "json/writer.h"

// What the deployment is made of: services, pools; messages for users; administration.
namespace scoria::cli {
namespace {

std::string updated_cell(const json::Value& row) { return time_text(row.text_or("updated_at")); }

Result<> list_services(Session& session) {
  const auto answer = session.client.get("/os-services");
  if (!answer) return refuse(answer.error());
  return session.output.list((*answer)["services"].array(),
                             {{"BINARY", "binary"},
                              {"HOST", "host"},
                              {"ZONE", "zone"},
                              {"STATE", "state"},
                              {"STATUS", "status"},
                              {"SEEN", "updated_at", updated_cell},
                              {"WHY", "disabled_reason"}},
                             "There are no services.");
}

Result<> show_service(Session& session) {
  const auto answer = session.client.get("/os-services?host=" + escaped(session.given.text("host")));
  if (!answer) return refuse(answer.error());
  const json::Array& found = (*answer)["services"].array();
  if (found.empty())
    return refuse(RefusalCode::not_found, "There is no service on host '{}'. `scoria service list` shows what there is.", session.given.text("host"));
  return session.output.show(found.front());
}

Result<> set_service(Session& session) {
  const Given& given = session.given;
  const std::string host = given.text("host"), binary = given.text("binary", "cinder-volume");
  if (given.has("enable") == given.has("disable")) return refuse(RefusalCode::invalid_input, "Say one of --enable and --disable.");
  const bool reason = given.has("disable") && given.has("reason");
  const std::string body = [&] {
    json::Writer out;
    out.begin_object().field("host", std::string_view{host}).field("binary", std::string_view{binary});
    if (reason) out.field("disabled_reason", std::string_view{given.text("reason")});
    return out.end_object().take();
  }();
  const auto done = session.client.call("PUT",
                                        given.has("enable") ? "/os-services/enable"
                                        : reason            ? "/os-services/disable-log-reason"
                                                            : "/os-services/disable",
                                        body);
  return done ? Result<>{} : refuse(done.error());
}

Result<> list_pools(Session& session) {
  const auto answer = session.client.get("/scheduler-stats/get_pools?detail=True");
  return answer ? session.output.list((*answer)["pools"].array(), pool_columns(), "There are no pools.") : refuse(answer.error());
}

Result<> list_messages(Session& session) {
  const auto listed = session.client.list("/messages", "messages");
  if (!listed) return refuse(listed.error());
  return session.output.list(*listed, {{"ID", "id"}, {"CREATED", "created_at", created_cell}, {"ON", "resource_uuid"}, {"MESSAGE", "user_message"}},
                             "There are no messages.");
}

Result<> show_message(Session& session) {
  const auto answer = session.client.get("/messages/" + session.given.text("message"));
  return answer ? session.output.show((*answer)["message"]) : refuse(answer.error());
}

Result<> delete_message(Session& session) {
  const auto done = session.client.call("DELETE", "/messages/" + session.given.text("message"), {});
  return done ? Result<>{} : refuse(done.error());
}

Result<> check(Session& session) {
  const bool repair = session.given.has("repair");
  const auto answer = repair ? session.client.call("POST", "/scoria/v1/check", "{}") : session.client.get("/scoria/v1/check");
  return answer ? tell_check(session.output, *answer) : refuse(answer.error());
}

Result<> list_failpoints(Session& session) {
  const auto answer = session.client.get("/scoria/v1/failpoints");
  return answer ? session.output.list((*answer)["failpoints"].array(), {{"SITE", "site"}, {"ARMED", "armed"}, {"HITS", "hits"}},
                                      "There are no failpoints.")
                : refuse(answer.error());
}

Result<> set_failpoint(Session& session) {
  const auto done = session.client.call("PUT", "/scoria/v1/failpoints",
                                        map_of("failpoint", {{"site", session.given.text("site")}, {"terms", session.given.text("terms")}}));
  return done ? Result<>{} : refuse(done.error());
}

std::string capability(const json::Value& row, const char* key) {
  const json::Value& value = row["capabilities"][key];
  return value.is_number() ? bytes_text(value.number() * (1 << 30)) : "unknown";
}

}  // namespace

Result<> tell_check(const Output& output, const json::Value& report) {
  const json::Array &wrong = report["violations"].array(), &findings = report["findings"].array();
  const std::size_t checked = report["checked"].array().size();
  for (const json::Value& one : report["repairs"].array()) output.say("Repaired: " + shown(one));
  Result<> shown_all;
  if (output.json()) shown_all = output.show(report);
  if (!output.json() && !wrong.empty()) shown_all = output.list(wrong, {{"INVARIANT", "invariant"}, {"WHAT IS WRONG", "text"}}, "");
  if (!output.json() && !findings.empty())
    shown_all = output.list(findings, {{"PLACE", "place"}, {"FINDING", "kind"}, {"WHAT DIFFERS", "text"}}, "");
  if (!wrong.empty())
    return refuse(RefusalCode::backend_failed, "{} of {} invariants do not hold. docs/explanation/invariants.md says what each means.",
                  report.integer_or("broken"), checked);
  output.say(fmt::format("All {} invariants hold.", checked));
  return shown_all;
}

const Columns& pool_columns() {
  static const Columns out = {{"POOL", "name"},
                              {"TOTAL", "total", [](const json::Value& row) { return capability(row, "total_capacity_gb"); }},
                              {"FREE", "free", [](const json::Value& row) { return capability(row, "free_capacity_gb"); }},
                              {"PROMISED", "promised", [](const json::Value& row) { return capability(row, "provisioned_capacity_gb"); }},
                              {"STATE", "state", [](const json::Value& row) { return row["capabilities"].text_or("backend_state", "up"); }}};
  return out;
}

const char* const check_help =
    "evaluate the invariants of the database; exit code 1 when one does not hold. With --set, --config-file or --config-dir: of the database "
    "that the configuration names, without asking a service";

std::vector<Verb> deployment_verbs() {
  constexpr auto nothing = Option::Takes::nothing;
  return {
      {"service", "list", "the processes that work here (administrators)", {}, {}, list_services},
      {"service", "show", "one (administrators)", {{"host", "as the list has it"}}, {}, show_service},
      {"service",
       "set",
       "give a service new volumes, or none (administrators)",
       {{"host", "as the list has it"}, {"binary", "cinder-volume if left out", false}},
       {{"enable", "it gets new volumes", nothing},
        {"disable", "it gets no new volumes; what it has goes on", nothing},
        {"reason", "why, for others to read"}},
       set_service},
      {"pool", "list", "where volumes can lie, and how full it is (administrators)", {}, {}, list_pools},
      {"message", "list", "what users are told about their failures", {}, {}, list_messages},
      {"message", "show", "one", {{"message", "id"}}, {}, show_message},
      {"message", "delete", "end one", {{"message", "id"}}, {}, delete_message},
      {"admin", "check", check_help, {},
       {{"repair", "count sums again from what they sum up, and end what is abandoned, before the check; safe while Scoria runs", nothing}}, check},
      {"admin failpoint", "list", "the places where faults can be injected into this server", {}, {}, list_failpoints},
      {"admin failpoint",
       "set",
       "inject a fault there: `10%return(text)`, `1*delay(500)`, `off` …; needs [engine] failpoints = true",
       {{"site", "as the list has it, or *"}, {"terms", "in the language of fail(9)"}},
       {},
       set_failpoint},
  };
}

}  // namespace scoria::cli
