#include "app/node.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "api/administration.h"
#include "api/attachments/handlers.h"
#include "api/discovery.h"
#include "api/operations/handlers.h"
#include "api/explain.h"
#include "api/snapshots/handlers.h"
#include "api/volumes/handlers.h"
#include "app/backends.h"
#include "app/bootstrap.h"
#include "app/chores.h"
#include "app/database.h"
#include "app/exports.h"
#include "app/greeting.h"
#include "app/identity.h"
#include "app/operator.h"
#include "app/scheduling.h"
#include "app/settings.h"
#include "base/text.h"
#include "config/options/api.h"
#include "config/options/general.h"
#include "db/migrate.h"
#include "engine/start.h"
#include "identity/seal.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "store/migrations.h"

namespace scoria::app {
namespace {

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
  std::unique_ptr<Chores> chores;
  std::unique_ptr<commands::Services> commands;
  std::unique_ptr<api::Services> api_services;
  std::unique_ptr<api::Watches> watches;
  std::unique_ptr<LivePolicy> policy;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<api::OperationParking> parking;
  std::unique_ptr<api::Pipeline> pipeline;
  std::unique_ptr<http::Server> server;
  std::string greeting;  // told when the first start is done
};

Node::Node(config::Config config, SystemClock& clock) : parts_(std::make_unique<Parts>(std::move(config), clock)) {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  std::filesystem::create_directories(general.state_path);
  p.database = open_database(p.config, clock, p.random);
  db::migrate(*p.database, store::migrations());
  const std::string deployment = bootstrap(*p.database, p.random);
  if (has_role(p.config, "volume")) p.exports = make_exports(p.config, deployment, clock);
  p.sealer = open_sealer(general.state_path + "/sealing.key", p.random);
  for (const std::string& section : has_role(p.config, "volume") ? p.config.backends() : std::vector<std::string>{})
    p.backends.add(make_backend(p.config, section, deployment, clock, p.random, p.exports.get()));

  p.operation_services = std::make_unique<operations::Services>(
      operations::Services{*p.database, clock, p.random, p.backends, p.exports.get(), p.sealer.get(), make_scheduler(p.config)});
  operations::register_all(p.kinds, *p.operation_services);
  // Whoever was declared dead must not touch anything again; a supervisor starts the next incarnation.
  const auto fenced = [] { ::_exit(75); };
  p.engine = std::make_unique<engine::Engine>(*p.database, clock, p.random, p.kinds, engine_options(p.config, p.database->engine() == db::Engine::sqlite), fenced);
  std::optional<store::pools::Service> scheduler;
  if (has_role(p.config, "scheduler")) scheduler = {.host = general.host, .binary = "cinder-scheduler", .zone = general.storage_availability_zone};
  p.reporter = std::make_unique<Reporter>(*p.operation_services, *p.engine, general.report_interval, scheduler);
  p.chores = std::make_unique<Chores>(*p.operation_services, p.config);

  p.commands = std::make_unique<commands::Services>(commands::Services{*p.database, p.random, p.kinds, command_options(p.config),
                                                                       [engine = p.engine.get()](const std::string& queue) { engine->poke(queue); }, p.sealer.get()});
  p.policy = std::make_unique<LivePolicy>(p.config);
  p.identity = std::make_unique<Identity>(p.config, *p.database, clock, p.random);
  p.watches = std::make_unique<api::Watches>(*p.database, clock);
  p.api_services = std::make_unique<api::Services>(api::Services{*p.commands, *p.database, list_limits(p.config), p.watches.get(), &p.identity->detach_rule()});
  p.parking = std::make_unique<api::OperationParking>(*p.database, clock);
  p.engine->on_ended([parking = p.parking.get(), watches = p.watches.get()](const engine::Operation& operation) {
    parking->ended(operation.id);
    watches->poke();
  });

  if (!has_role(p.config, "api")) return;
  api::Handlers handlers;
  api::mount_discovery(handlers, p.api_services->lists.filters);
  api::mount_volumes(handlers, *p.api_services);
  api::mount_snapshots(handlers, *p.api_services);
  api::mount_attachments(handlers, *p.api_services);
  api::mount_connections(handlers, *p.api_services);
  api::mount_operations(handlers, *p.api_services);
  api::mount_administration(handlers, *p.api_services);
  mount_operator(handlers, *p.database, p.config.read<config::EngineOptions>().failpoints);
  api::mount_explain(handlers, *p.api_services, p.operation_services->scheduler);
  p.pipeline = std::make_unique<api::Pipeline>(
      api::PipelineParts{clock, p.random, p.identity->authenticator(), [rules = p.policy.get()] { return rules->current(); }, p.parking.get()},
      pipeline_options(p.config), std::move(handlers));
  p.server = std::make_unique<http::Server>(
      clock, server_options(p.config),
      [pipeline = p.pipeline.get(), door = p.identity->door()](const http::Request& request, std::shared_ptr<http::Responder> responder) {
        if (door != nullptr && door->serves(request.path)) return responder->send(door->answer(request));
        (*pipeline)(request, std::move(responder));
      },
      quick_answer);
  const auto api_options = p.config.read<config::ApiOptions>();
  if (const auto first = p.identity->first_start(own_url(general, api_options, p.server->port()), general.state_path + "/clouds.yaml"))
    p.greeting = greeting(*first, has_role(p.config, "volume") ? advice_on_pools(p.config) : std::vector<std::string>{});
}

Node::~Node() = default;

void Node::start() {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  if (p.exports) {
    // What a predecessor left serving is taken over.
    if (const auto started = p.exports->start(); !started) throw std::runtime_error(started.error().message);
  }
  p.engine->start();
  if (has_role(p.config, "scheduler")) p.engine->serve(std::string(engine::scheduler_queue));
  p.reporter->start();
  p.chores->start();
  p.parking->start(4);
  p.watches->start();
  if (p.server) p.server->start();
  std::fputs(std::exchange(p.greeting, {}).c_str(), stdout);
  std::fflush(stdout);
  log::info("app", {}, "node {} of host {} is up, roles {}", p.engine->incarnation(), general.host, join(general.roles, ","));
}

void Node::reload(const config::Config& config) {
  parts_->policy->reload(config);
  if (!parts_->server) return;
  try {
    parts_->server->reload_certificate();
  } catch (const std::runtime_error& unusable) {
    log::error("http", {}, "the certificate stays as it was: {}", unusable.what());
  }
}

void Node::stop() {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  p.engine->retire();  // while requests are answered, others take over
  p.watches->stop();   // a stream would keep the server from ending
  if (p.server) p.server->drain(std::chrono::seconds{10});
  p.chores->stop();
  p.reporter->stop();
  p.parking->stop();
  p.engine->drain(general.graceful_shutdown_timeout);
  if (p.exports) p.exports->stop();
}

std::uint16_t Node::port() const { return parts_->server ? parts_->server->port() : std::uint16_t{0}; }

}  // namespace scoria::app
