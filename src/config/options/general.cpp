#include "config/options/general.h"

#include "base/text.h"

namespace scoria::config {

void GeneralOptions::declare(Fields& fields) {
  fields.section("DEFAULT", "Options of the whole service.");
  fields.add("host", &host, "Name of this node as services and volumes show it (host@backend#pool). Empty: the machine's host name.").host().familiar();
  fields.add("cluster", &cluster, "Name of the cluster: every node that names the same serves the same backends. Empty: none.").familiar();
  fields.add("state_path", &state_path, "Directory for everything that Scoria keeps on this machine.").familiar();
  fields.add("my_ip", &my_ip, "Address of this node that hosts use; other options refer to it.").host().familiar();
  fields.add("roles", &roles, "What this process does.").choices({"api", "scheduler", "volume"});
  fields.add("enabled_backends", &enabled_backends, "The sections that describe this node's backends.").familiar();
  fields.add("storage_availability_zone", &storage_availability_zone, "Availability zone of this node's backends.").familiar();
  fields.add("default_availability_zone", &default_availability_zone,
             "Availability zone of volumes whose request names none. Empty: storage_availability_zone.").familiar();
  fields.add("report_interval", &report_interval, "Time between reports of a backend's state and its pools.").at_least(0.1).familiar();
  fields.add("rpc_response_timeout", &rpc_response_timeout,
             "How long a request that waits for a backend (attachments, connections) is kept waiting before it is told which operation goes on.")
      .at_least(1).familiar();
  fields.add("graceful_shutdown_timeout", &graceful_shutdown_timeout, "How long a stop waits for requests and steps under way.").familiar();
}

namespace {

std::string level_problem(const std::string& list) {
  for (const std::string_view part : split(list, ',')) {
    const std::string_view one = trimmed(part);
    if (one.empty()) continue;
    const auto equals = one.find('=');
    const std::string level = lower_case(one.substr(equals == std::string_view::npos ? one.size() : equals + 1));
    if (level != "debug" && level != "info" && level != "warning" && level != "error")
      return "holds '" + std::string(one) + "', which is not area=LEVEL with DEBUG, INFO, WARNING or ERROR";
  }
  return {};
}

}  // namespace

void LogOptions::declare(Fields& fields) {
  fields.section("DEFAULT");
  fields.add("debug", &debug, "Logs of level DEBUG for every area.").familiar().live();
  fields.add("log_levels", &log_levels, "Levels of single areas, as engine=DEBUG,http=WARNING.").checked(level_problem).live();
  fields.add("log_format", &log_format, "Lines of text or of JSON; auto: text on a terminal, else JSON.").choices({"auto", "text", "json"});
}

void EngineOptions::declare(Fields& fields) {
  fields.section("engine", "Durable operations.");
  fields.add("workers", &workers, "Short operations that this node works on at once.").between(1, 1000);
  fields.add("bulk_workers", &bulk_workers, "Long copies of data that this node works on at once.").between(1, 1000);
  fields.add("per_project", &per_project, "Operations of one project that all nodes together work on at once; 0: no limit.").at_least(0);
  fields.add("lease", &lease, "How long a node may be silent before others take over its work. The same on every node.").between(1, 600);
  fields.add("heartbeat", &heartbeat, "Time between a node's heartbeats; at most a third of the lease is sensible.").between(0.05, 60);
  fields.add("poll_interval", &poll_interval, "How often queues are looked at when nothing wakes the node.").between(0.01, 60);
  fields.add("failpoints", &failpoints, "Administrators may inject faults into this process while it runs: for tests, never where data matters.");
}

}  // namespace scoria::config
