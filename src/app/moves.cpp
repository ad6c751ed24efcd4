#include "app/moves.h"

#include "config/options/exports.h"
#include "config/options/general.h"
#include "exports/portal_address.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

constexpr Duration restore_pause = std::chrono::milliseconds{100};

reconcile::PortalOptions options_of(const config::Config& config) {
  reconcile::PortalOptions out{.cluster = config.read<config::GeneralOptions>().cluster, .portals = {}, .lease = config.read<config::EngineOptions>().lease};
  for (const std::string& text : config.read<config::ExportOptions>().portals) out.portals.push_back(exports::portal_address_from(text).address);
  return out;
}

}  // namespace

Moves::Moves(operations::Services& services, exports::Exports& exports, engine::Engine& engine, const config::Config& config)
    : clock_(services.clock),
      portals_(services, exports, options_of(config),
               [&engine](const std::string& queue, bool here) { here ? engine.serve(queue) : engine.stop_serving(queue); }),
      threads_(services.clock) {}

bool stands_alone(const config::Config& config, const db::Database& database) {
  return config.read<config::GeneralOptions>().cluster.empty() || database.engine() == db::Engine::sqlite;
}

std::unique_ptr<Moves> make_moves(operations::Services& services, exports::Exports& exports, engine::Engine& engine, const config::Config& config) {
  if (stands_alone(config, services.database)) return nullptr;
  auto out = std::make_unique<Moves>(services, exports, engine, config);
  services.places = &out->places();
  return out;
}

void Moves::repeat(Duration pause, Signal& stop, void (reconcile::Portals::*work)()) {
  while (!stopping_) {
    try {
      (portals_.*work)();
    } catch (const std::exception& failure) {
      log::warning("exports", {}, "portals: {}", failure.what());
    }
    clock_.wait(stop, pause);
  }
}

void Moves::start() {
  threads_.spawn("portals", [this] { repeat(portals_.options().lease / 8, stop_rounds_, &reconcile::Portals::round); });
  threads_.spawn("portals-restore", [this] { repeat(restore_pause, stop_restoring_, &reconcile::Portals::restore); });
}

void Moves::stop() {
  stopping_ = true;
  stop_rounds_.raise(), stop_restoring_.raise();
  threads_.wait();
}

}  // namespace scoria::app
