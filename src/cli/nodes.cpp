#include "base/clock.h"
#include "cli/progress.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

std::string state_cell(const json::Value& row) {
  const std::string state = row.text_or("state");
  const bool there = state == "up" || state == "draining";
  return there && !row.flag_or("alive") ? state + ", silent" : state;
}
std::string lease_cell(const json::Value& row) {
  const std::int64_t left = row.integer_or("lease_ms");
  return left > 0 ? fmt::format("{:.1f} s", static_cast<double>(left) / 1000) : "-";
}
std::string started_cell(const json::Value& row) { return time_text(row.text_or("started_at")); }

const Columns& columns() {
  static const Columns out = {{"NODE", "node"},           {"HOST", "host"},
                              {"ROLES", "roles"},         {"STATE", "state", state_cell},
                              {"LEASE", "lease_ms", lease_cell}, {"RUNNING", "running_operations"},
                              {"RELEASE", "release"},     {"STARTED", "started_at", started_cell}};
  return out;
}

Result<> list(Session& session) {
  const auto answer = session.client.get("/scoria/v1/nodes");
  return answer ? session.output.list((*answer)["nodes"].array(), columns(), "There are no nodes.") : refuse(answer.error());
}

/// Operations that the meant nodes still work on.
Result<std::int64_t> running_on(Session& session, const std::string& node) {
  const auto answer = session.client.get("/scoria/v1/nodes");
  if (!answer) return refuse(answer.error());
  std::int64_t out = 0;
  for (const json::Value& row : (*answer)["nodes"].array())
    if (row.flag_or("alive") && (row.text_or("host") == node || std::to_string(row.integer_or("node")) == node)) out += row.integer_or("running_operations");
  return out;
}

Result<> wait_until_idle(Session& session, const std::string& node) {
  const Interrupts interrupts;
  SystemClock clock;
  while (!Interrupts::happened()) {
    const auto running = running_on(session, node);
    if (!running) return refuse(running.error());
    if (*running == 0) return {};
    clock.sleep(std::chrono::milliseconds{200});
  }
  return refuse(Refusal{RefusalCode::timed_out, fmt::format("Node {} goes on giving back its work.", node), "interrupted"});
}

Result<> drain(Session& session) {
  const std::string node = session.given.text("node");
  if (const auto done = session.client.call("POST", fmt::format("/scoria/v1/nodes/{}/drain", escaped(node)), "{}"); !done) return refuse(done.error());
  if (!session.given.has("wait")) return {};
  if (const auto idle = wait_until_idle(session, node); !idle) return idle;
  session.output.say(fmt::format("Node {} works on nothing any more. Stop it now, or give it work again with `scoria node resume {}`.", node, node));
  return {};
}

Result<> resume(Session& session) {
  const auto done = session.client.call("POST", fmt::format("/scoria/v1/nodes/{}/resume", escaped(session.given.text("node"))), "{}");
  return done ? Result<>{} : refuse(done.error());
}

}  // namespace

std::vector<Verb> node_verbs() {
  const Argument one{"node", "its number as the list has it, or a host: every process there"};
  return {
      {"node", "list", "the processes of this deployment: who is there, and what they work on (administrators)", {}, {}, list},
      {"node",
       "drain",
       "let a node claim nothing more and give back what it has, also long copies; it goes on answering requests (administrators)",
       {one},
       {{"wait", "stay until it works on nothing any more", Option::Takes::nothing}},
       drain},
      {"node", "resume", "give a drained node work again (administrators)", {one}, {}, resume},
  };
}

}  // namespace scoria::cli
