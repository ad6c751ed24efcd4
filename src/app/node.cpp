#include "app/node.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "api/administration.h"
#include "api/errors.h"
#include "api/attachments/handlers.h"
#include "api/discovery.h"
#include "api/operations/handlers.h"
#include "api/explain.h"
#include "api/snapshots/handlers.h"
#include "api/volumes/handlers.h"
#include "app/backends.h"
#include "app/bootstrap.h"
#include "app/database.h"
#include "app/exports.h"
#include "app/identity.h"
#include "app/scheduling.h"
#include "config/options/api.h"
#include "config/options/general.h"
#include "config/options/identity.h"
#include "config/options/quotas.h"
#include "db/migrate.h"
#include "engine/start.h"
#include "identity/seal.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "reconcile/exports.h"
#include "store/migrations.h"

namespace scoria::app {
namespace {

bool has_role(const config::GeneralOptions& general, std::string_view role) {
  return std::find(general.roles.begin(), general.roles.end(), role) != general.roles.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

engine::EngineOptions engine_options(const config::Config& config, bool exclusive) {
  const auto general = config.read<config::GeneralOptions>();
  const auto wanted = config.read<config::EngineOptions>();
  engine::EngineOptions out;
  out.membership.host = general.host;
  out.membership.roles = joined(general.roles);
  out.membership.lease = wanted.lease;
  out.membership.beat = wanted.heartbeat;
  out.membership.exclusive = exclusive;
  out.poll = wanted.poll_interval;
  out.slots = wanted.workers;
  out.project_limit = wanted.per_project;
  return out;
}

commands::Options command_options(const config::Config& config) {
  const auto quotas = config.read<config::QuotaOptions>();
  const auto general = config.read<config::GeneralOptions>();
  const auto api = config.read<config::ApiOptions>();
  commands::Options out;
  out.quotas = {{"volumes", quotas.volumes},   {"snapshots", quotas.snapshots},
                {"gigabytes", quotas.gigabytes}, {"backups", quotas.backups},
                {"backup_gigabytes", quotas.backup_gigabytes}, {"groups", quotas.groups},
                {"per_volume_gigabytes", quotas.per_volume_gigabytes}};
  if (!api.default_volume_type.empty()) out.default_type = api.default_volume_type;
  out.storage_zone = general.storage_availability_zone;
  out.default_zone = general.default_availability_zone;
  out.zone_fallback = api.allow_zone_fallback;
  out.cloned_volume_same_az = api.cloned_volume_same_zone;
  out.no_snapshot_gb_quota = quotas.no_snapshot_gigabytes;
  return out;
}

http::ServerOptions server_options(const config::ApiOptions& api) {
  http::ServerOptions out;
  out.address = api.listen, out.port = api.port;
  if (api.use_tls) out.tls_certificate_file = api.certificate_file, out.tls_key_file = api.key_file;
  out.max_header_bytes = static_cast<std::size_t>(api.max_header.count), out.max_body_bytes = static_cast<std::size_t>(api.max_body.count);
  out.header_timeout = api.header_timeout, out.body_timeout = api.body_timeout;
  out.idle_timeout = api.idle_timeout, out.write_timeout = api.write_timeout;
  out.workers = api.workers, out.queue_limit = api.queue_limit, out.max_connections = api.max_connections;
  out.render_error = [](int status, std::string_view why) { return api::fault(status, why); };
  return out;
}

/// Health and metrics are answered without a worker and without a token.
bool quick_answer(const http::Request& request, http::Response& response) {
  if (request.path != "/healthcheck" && request.path != "/metrics") return false;
  response.content_type = "text/plain; charset=UTF-8";
  response.body = request.path == "/metrics" ? metrics::render() : "OK";
  return true;
}

/// How this node is reached, if nothing stands before it.
std::string own_url(const config::GeneralOptions& general, const config::ApiOptions& api, std::uint16_t port) {
  if (!api.public_endpoint.empty()) return api.public_endpoint.substr(0, api.public_endpoint.find_last_not_of('/') + 1);
  const std::string& host = api.listen == "0.0.0.0" || api.listen == "::" ? general.my_ip : api.listen;
  const bool bare_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return fmt::format("{}://{}:{}", api.use_tls ? "https" : "http", bare_ipv6 ? "[" + host + "]" : host, port);
}

/// The password is shown here only if it could not be kept in a file.
void greet(const local::FirstStart& first) {
  std::string text = fmt::format("Scoria serves {} from now on.\n", first.access.auth_url.substr(0, first.access.auth_url.rfind('/')));
  if (first.written_to.empty()) {
    text += "Keep this as clouds.yaml; it is not shown again:\n\n" + clouds_yaml(first.access);
  } else {
    text += fmt::format("User, password and project stand in {}.\n", first.written_to);
  }
  const std::string file = first.written_to.empty() ? "clouds.yaml" : first.written_to;
  text += fmt::format("\n  export OS_CLIENT_CONFIG_FILE={} OS_CLOUD={}\n  openstack volume create --size 1 first\n  openstack volume list\n\n", file, first.access.cloud);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

struct Node::Parts {
  Parts(config::Config given, SystemClock& system_clock) : config(std::move(given)), clock(system_clock) {}

  config::Config config;
  SystemClock& clock;
  SystemRandom random;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<Sealer> sealer;
  std::unique_ptr<exports::Exports> exports;
  operations::Backends backends;
  engine::Kinds kinds;
  std::unique_ptr<operations::Services> operation_services;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<Reporter> reporter;
  std::unique_ptr<commands::Services> commands;
  std::unique_ptr<api::Services> api_services;
  std::unique_ptr<LivePolicy> policy;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<api::OperationParking> parking;
  std::unique_ptr<api::Pipeline> pipeline;
  std::unique_ptr<http::Server> server;
};

Node::Node(config::Config config, SystemClock& clock) : parts_(std::make_unique<Parts>(std::move(config), clock)) {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  const auto identity = p.config.read<config::IdentityOptions>();
  std::filesystem::create_directories(general.state_path);
  p.database = open_database(p.config, clock, p.random);
  db::migrate(*p.database, store::migrations());
  const std::string deployment = bootstrap(*p.database, p.random);
  if (has_role(general, "volume")) p.exports = make_exports(p.config, deployment, clock);
  p.sealer = open_sealer(general.state_path + "/sealing.key", p.random);
  for (const std::string& section : has_role(general, "volume") ? p.config.backends() : std::vector<std::string>{})
    p.backends.add(make_backend(p.config, section, deployment, clock, p.random, p.exports.get()));

  p.operation_services = std::make_unique<operations::Services>(
      operations::Services{*p.database, clock, p.random, p.backends, p.exports.get(), p.sealer.get(), make_scheduler(p.config)});
  operations::register_all(p.kinds, *p.operation_services);
  // Whoever was declared dead must not touch anything again; a supervisor starts the next incarnation.
  const auto fenced = [] { ::_exit(75); };
  p.engine = std::make_unique<engine::Engine>(*p.database, clock, p.random, p.kinds, engine_options(p.config, p.database->engine() == db::Engine::sqlite), fenced);
  std::optional<store::pools::Service> scheduler;
  if (has_role(general, "scheduler")) scheduler = {.host = general.host, .binary = "cinder-scheduler", .zone = general.storage_availability_zone};
  p.reporter = std::make_unique<Reporter>(*p.operation_services, *p.engine, general.report_interval, scheduler);

  p.commands = std::make_unique<commands::Services>(commands::Services{*p.database, p.random, p.kinds, command_options(p.config),
                                                                       [engine = p.engine.get()](const std::string& queue) { engine->poke(queue); }, p.sealer.get()});
  p.api_services = std::make_unique<api::Services>(api::Services{*p.commands, *p.database, list_limits(p.config)});
  p.policy = std::make_unique<LivePolicy>(p.config);
  p.identity = std::make_unique<Identity>(p.config, *p.database, clock, p.random);
  p.parking = std::make_unique<api::OperationParking>(*p.database, clock);
  p.engine->on_ended([parking = p.parking.get()](const engine::Operation& operation) { parking->ended(operation.id); });

  if (!has_role(general, "api")) return;
  api::Handlers handlers;
  api::mount_discovery(handlers, p.api_services->lists.filters);
  api::mount_volumes(handlers, *p.api_services);
  api::mount_snapshots(handlers, *p.api_services);
  api::mount_attachments(handlers, *p.api_services);
  api::mount_connections(handlers, *p.api_services);
  api::mount_operations(handlers, *p.api_services);
  api::mount_administration(handlers, *p.api_services);
  api::mount_explain(handlers, *p.api_services, p.operation_services->scheduler);
  api::PipelineOptions options;
  const auto api_options = p.config.read<config::ApiOptions>();
  options.public_endpoint = api_options.public_endpoint;
  options.identity_url = identity_url(p.config);
  options.noauth = identity.auth_strategy.starts_with("noauth");
  const auto projects = api::ProjectPattern::parse(identity.project_id_regex);
  if (!projects) throw std::runtime_error(projects.error().message);
  options.projects = *projects;
  p.pipeline = std::make_unique<api::Pipeline>(
      api::PipelineParts{clock, p.random, p.identity->authenticator(), [rules = p.policy.get()] { return rules->current(); }, p.parking.get()}, options, std::move(handlers));
  p.server = std::make_unique<http::Server>(
      clock, server_options(api_options),
      [pipeline = p.pipeline.get(), door = p.identity->door()](const http::Request& request, std::shared_ptr<http::Responder> responder) {
        if (door != nullptr && door->serves(request.path)) return responder->send(door->answer(request));
        (*pipeline)(request, std::move(responder));
      },
      quick_answer);
  if (const auto first = p.identity->first_start(own_url(general, api_options, p.server->port()), general.state_path + "/clouds.yaml")) greet(*first);
}

Node::~Node() = default;

void Node::start() {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  if (p.exports) {
    // What a predecessor left serving is taken over; what the database knows and nobody serves is made again.
    if (const auto started = p.exports->start(); !started) throw std::runtime_error(started.error().message);
    reconcile::restore_exports(*p.operation_services);
  }
  p.engine->start();
  if (has_role(general, "scheduler")) p.engine->serve(std::string(engine::scheduler_queue));
  p.reporter->report();
  p.reporter->start();
  p.parking->start(4);
  if (p.server) p.server->start();
  log::info("app", {}, "node {} of host {} is up, roles {}", p.engine->incarnation(), general.host, joined(general.roles));
}

void Node::reload(const config::Config& config) { parts_->policy->reload(config); }

void Node::stop() {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  if (p.server) p.server->drain(std::chrono::seconds{10});
  p.reporter->stop();
  p.parking->stop();
  p.engine->drain(general.graceful_shutdown_timeout);
  if (p.exports) p.exports->stop();
}

std::uint16_t Node::port() const { return parts_->server ? parts_->server->port() : std::uint16_t{0}; }

}  // namespace scoria::app
