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
#include "app/doctor/rounds.h"
#include "app/exports.h"
#include "app/greeting.h"
#include "app/identity.h"
#include "app/moves.h"
#include "app/operator.h"
#include "app/owners.h"
#include "app/scheduling.h"
#include "app/settings.h"
#include "app/upgrade.h"
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

/// Its directory is made when it is not there.
config::GeneralOptions general_options(const config::Config& config) {
  auto out = config.read<config::GeneralOptions>();
  std::filesystem::create_directories(out.state_path);
  return out;
}

/// How this node is reached, if nothing stands before it.
std::string own_url(const config::GeneralOptions& general, const config::ApiOptions& api, std::uint16_t port) {
  if (!api.public_endpoint.empty()) return api.public_endpoint.substr(0, api.public_endpoint.find_last_not_of('/') + 1);
  const std::string& host = api.listen == "0.0.0.0" || api.listen == "::" ? general.my_ip : api.listen;
  const bool bare_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return fmt::format("{}://{}:{}", api.use_tls ? "https" : "http", bare_ipv6 ? "[" + host + "]" : host, port);
}

/// The service row of this node's scheduler, if it has one.
std::optional<store::pools::Service> scheduler_service(const config::Config& config) {
  if (!has_role(config, "scheduler")) return std::nullopt;
  const auto general = config.read<config::GeneralOptions>();
  return store::pools::Service{.host = general.host, .binary = "cinder-scheduler", .zone = general.storage_availability_zone};
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
  std::unique_ptr<Moves> moves;  // none: nobody takes exports over
  std::unique_ptr<Reporter> reporter;
  std::unique_ptr<Owners> owners;
  std::unique_ptr<Chores> chores;
  std::unique_ptr<Upgrade> upgrade;
  std::unique_ptr<commands::Services> commands;
  std::unique_ptr<store::volumes::Names> names;
  std::unique_ptr<api::WrittenPages> pages;
  std::unique_ptr<api::Services> api_services;
  std::unique_ptr<api::Watches> watches;
  api::Endings endings;
  std::unique_ptr<LivePolicy> policy;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<api::OperationParking> parking;
  std::unique_ptr<api::Pipeline> pipeline;
  std::unique_ptr<http::Server> server;
  std::string greeting;  // told when the first start is done
};

Node::Node(config::Config config, SystemClock& clock) : parts_(std::make_unique<Parts>(std::move(config), clock)) {
  Parts& p = *parts_;
  const auto general = general_options(p.config);
  p.database = open_database(p.config, clock, p.random);
  db::migrate(*p.database, store::migrations(), db::Newer::tolerate);
  const engine::Versions versions = own_versions(*p.database);
  if (const std::string why = start_refused(*p.database, versions); !why.empty()) throw std::runtime_error(why);
  p.sealer = open_sealer(general.state_path + "/sealing.key", p.random);
  const std::string deployment = bootstrap(*p.database, p.random, *p.sealer);
  if (has_role(p.config, "volume")) p.exports = make_exports(p.config, deployment, clock, stands_alone(p.config, *p.database));
  for (const std::string& section : has_role(p.config, "volume") ? p.config.backends() : std::vector<std::string>{})
    p.backends.add(make_backend(p.config, section, deployment, clock, p.random, *p.database, p.exports.get()));

  p.operation_services = std::make_unique<operations::Services>(
      operations::Services{*p.database, clock, p.random, p.backends, p.exports.get(), p.sealer.get(), make_scheduler(p.config)});
  operations::register_all(p.kinds, *p.operation_services);
  p.upgrade = std::make_unique<Upgrade>(*p.database, clock, p.kinds, versions);
  // Whoever was declared dead must not touch anything again; a supervisor starts the next incarnation.
  const auto fenced = [] { ::_exit(75); };
  p.engine = std::make_unique<engine::Engine>(*p.database, clock, p.random, p.kinds, engine_options(p.config, p.database->engine() == db::Engine::sqlite, versions), fenced);
  const auto scheduler = scheduler_service(p.config);
  p.reporter = std::make_unique<Reporter>(*p.operation_services, *p.engine, general.report_interval, scheduler);
  p.owners = std::make_unique<Owners>(*p.operation_services, *p.reporter, p.config.read<config::EngineOptions>().lease);
  p.chores = std::make_unique<Chores>(*p.operation_services, *p.engine, p.config);

  p.commands = std::make_unique<commands::Services>(commands::Services{*p.database, p.random, p.kinds, command_options(p.config),
      [engine = p.engine.get()](const std::string& queue) { engine->poke(queue); }, p.sealer.get(), p.engine.get(), scheduler ? &p.operation_services->scheduler : nullptr});
  p.policy = std::make_unique<LivePolicy>(p.config);
  p.identity = std::make_unique<Identity>(p.config, *p.database, clock, p.random);
  p.watches = std::make_unique<api::Watches>(*p.database, clock);
  p.names = std::make_unique<store::volumes::Names>(clock);
  p.pages = std::make_unique<api::WrittenPages>(clock);
  p.api_services = std::make_unique<api::Services>(
      api::Services{*p.commands, *p.database, *p.names, *p.pages, list_limits(p.config), p.watches.get(), &p.identity->detach_rule(), &p.endings});
  p.parking = std::make_unique<api::OperationParking>(*p.database, clock, p.endings);
  p.engine->on_ended([parking = p.parking.get(), watches = p.watches.get()](const engine::Operation& operation) {
    parking->ended(operation);
    watches->poke();
  });

  if (has_role(p.config, "api")) make_api();
}

void Node::make_api() {
  Parts& p = *parts_;
  const auto general = p.config.read<config::GeneralOptions>();
  api::Handlers handlers;
  api::mount_discovery(handlers, p.api_services->lists.filters);
  api::mount_volumes(handlers, *p.api_services);
  api::mount_snapshots(handlers, *p.api_services);
  api::mount_attachments(handlers, *p.api_services);
  api::mount_connections(handlers, *p.api_services);
  api::mount_operations(handlers, *p.api_services);
  api::mount_administration(handlers, *p.api_services);
  p.upgrade->mount(handlers);
  mount_operator(handlers, *p.database, p.config.read<config::EngineOptions>().failpoints);
  doctor::mount(handlers, {p.config, p.clock, p.database.get(), p.sealer.get()}, general.host, *p.engine);
  api::mount_explain(handlers, *p.api_services, p.operation_services->scheduler);
  p.pipeline = std::make_unique<api::Pipeline>(
      api::PipelineParts{p.clock, p.random, p.identity->authenticator(), [rules = p.policy.get()] { return rules->current(); }, p.parking.get(),
                         [engine = p.engine.get()] { return engine->membership().leash_holds(); }},
      pipeline_options(p.config), std::move(handlers));
  p.server = std::make_unique<http::Server>(
      p.clock, server_options(p.config),
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
    p.moves = make_moves(*p.operation_services, *p.exports, *p.engine, p.config);
  }
  p.engine->start();
  p.upgrade->refresh();
  p.upgrade->start();
  if (has_role(p.config, "scheduler")) p.engine->serve(std::string(engine::scheduler_queue));
  p.reporter->start();
  p.owners->look();
  p.owners->start();
  if (p.moves) p.moves->start();
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
  try {
    parts_->upgrade->refresh();
  } catch (const db::Error& away) {
    log::warning("upgrade", {}, "the pins are read again later: {}", away.what());
  }
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
  p.upgrade->stop();
  p.chores->stop();
  p.owners->stop();
  if (p.moves) p.moves->stop();
  p.reporter->stop();
  p.parking->stop();
  p.engine->drain(general.graceful_shutdown_timeout);
  p.owners->release();
  for (operations::Backend* backend : p.backends.all()) backend->locks->stop();
  if (p.exports) p.exports->stop();
}

std::uint16_t Node::port() const { return parts_->server ? parts_->server->port() : std::uint16_t{0}; }

}  // namespace scoria::app
