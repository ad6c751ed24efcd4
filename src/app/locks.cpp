#include "app/locks.h"

#include <fmt/core.h>

#include <stdexcept>

#include "config/lock_url.h"
#include "config/options/backend.h"
#include "config/options/general.h"
#include "drivers/proofs.h"

namespace scoria::app {
namespace {

/// A section that excludes nodes, if the driver has one.
std::string section_across_nodes(const drivers::Driver& driver) {
  using drivers::Act;
  for (const Act act : {Act::create, Act::remove, Act::extend, Act::snapshot, Act::clone, Act::flatten})
    if (const auto section = driver.section(act); section.scope == drivers::Scope::volume || section.scope == drivers::Scope::backend) return section.name;
  return {};
}

}  // namespace

void furnish_locks(operations::Backend& backend, const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                   Random& random, db::Database& database) {
  const auto options = config.read<config::BackendOptions>(section);
  const auto url = config::parse_lock_url(options.backend_url);
  if (!url) throw std::runtime_error(fmt::format("[{}] backend_url = {} {}", section, options.backend_url, url.error()));
  backend.locks = locks::make_locks(*url, deployment, clock, random, database);
  const bool is_directory = url->provider == config::LockUrl::Provider::file;
  backend.host_locks = locks::make_host_locks(clock, random, is_directory ? url->directory : config.read<config::GeneralOptions>().state_path);

  backend.unproven = drivers::unproven(options.volume_driver, *backend.driver, options.active_active_report);
  const std::string guarded = section_across_nodes(*backend.driver);
  if (backend.unproven.empty() && !guarded.empty() && backend.locks->reach() != locks::Reach::cluster)
    backend.unproven = fmt::format("section '{}' of its driver needs locks that reach all nodes, and backend_url = {} does not: write db:// or etcd3+http://HOST:2379",
                                   guarded, options.backend_url);
  if (options.one_owner) backend.unproven = "one_owner is set";
}

}  // namespace scoria::app
