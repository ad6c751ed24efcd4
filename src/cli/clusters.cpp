#include "cli/resources.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

Result<> list(Session& session) {
  const auto answer = session.client.get("/clusters/detail");
  if (!answer) return refuse(answer.error());
  return session.output.list((*answer)["clusters"].array(),
                             {{"CLUSTER", "name"}, {"STATE", "state"}, {"STATUS", "status"}, {"HOSTS", "num_hosts"}, {"DOWN", "num_down_hosts"}, {"FROZEN", "frozen"}},
                             "There are no clusters: no node's configuration names one.");
}

Result<> show(Session& session) {
  const auto answer = session.client.get("/clusters/" + escaped(session.given.text("cluster")));
  return answer ? session.output.show((*answer)["cluster"]) : refuse(answer.error());
}

Result<> set(Session& session) {
  const Given& given = session.given;
  if (given.has("enable") == given.has("disable")) return refuse(RefusalCode::invalid_input, "Say one of --enable and --disable.");
  json::Writer body;
  body.begin_object().field("name", std::string_view{given.text("cluster")});
  if (given.has("reason")) body.field("disabled_reason", std::string_view{given.text("reason")});
  const auto done = session.client.call("PUT", given.has("enable") ? "/clusters/enable" : "/clusters/disable", body.end_object().take());
  return done ? Result<>{} : refuse(done.error());
}

Result<> tell(Session& session, const Result<json::Value>& done) {
  if (!done) return refuse(done.error());
  if (session.output.json()) return session.output.show(*done);
  const json::Value& moved = (*done)["moved"];
  session.output.say(fmt::format("{}: {} volumes, {} snapshots, {} objects and {} operations moved.", done->text_or("backend"), moved.integer_or("volumes"),
                                 moved.integer_or("snapshots"), moved.integer_or("objects"), moved.integer_or("operations")));
  return {};
}

std::string object_of(const char* member, const std::string& value) {
  json::Writer out;
  return out.begin_object().field(member, std::string_view{value}).end_object().take();
}

Result<> adopt(Session& session) {
  const std::string path = "/scoria/v1/backends/" + escaped(session.given.text("backend")) + "/adopt";
  return tell(session, session.client.call("POST", path, object_of("cluster", session.given.text("cluster"))));
}

Result<> rename(Session& session) {
  const std::string path = "/scoria/v1/clusters/" + escaped(session.given.text("cluster")) + "/rename";
  return tell(session, session.client.call("POST", path, object_of("name", session.given.text("name"))));
}

Result<> remove(Session& session) {
  std::string path = "/scoria/v1/clusters/" + escaped(session.given.text("cluster"));
  if (session.given.has("host")) path += "?host=" + escaped(session.given.text("host"));
  return tell(session, session.client.call("DELETE", path, {}));
}

}  // namespace

std::vector<Verb> cluster_verbs() {
  constexpr auto nothing = Option::Takes::nothing;
  const Argument one{"cluster", "cluster@backend, as the list has it"};
  return {
      {"cluster", "list", "backends that several nodes serve (administrators)", {}, {}, list},
      {"cluster", "show", "one (administrators)", {one}, {}, show},
      {"cluster",
       "set",
       "give a cluster new volumes, or none (administrators)",
       {one},
       {{"enable", "it gets new volumes", nothing}, {"disable", "it gets no new volumes; what it has goes on", nothing}, {"reason", "why, for others to read"}},
       set},
      {"admin cluster",
       "adopt",
       "turn the backend of one host into a cluster, under load; then set `cluster` in its configuration",
       {{"backend", "host@backend"}, {"cluster", "its name"}},
       {},
       adopt},
      {"admin cluster", "rename", "give a cluster another name, under load; then change `cluster` in the configurations", {one, {"name", "the new one"}}, {}, rename},
      {"admin cluster", "remove", "forget a cluster that is empty and that no node serves; with --host, make it that host's backend", {one},
       {{"host", "the only one that still serves it: gets it with everything on it"}}, remove},
  };
}

}  // namespace scoria::cli
