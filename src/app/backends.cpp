#include "app/backends.h"

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>

#include "app/locks.h"
#include "config/options/backend.h"
#include "config/options/general.h"
#include "drivers/fake/config.h"
#include "drivers/fake/fake.h"
#include "drivers/file/config.h"
#include "drivers/file/file.h"
#include "drivers/file/pool_image.h"
#include "drivers/lab_array/config.h"
#include "drivers/lab_array/lab_array.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

double ratio_of(const config::BackendOptions& options) {
  return options.max_over_subscription_ratio == "auto" ? 20.0 : std::strtod(options.max_over_subscription_ratio.c_str(), nullptr);
}

drivers::file::FilePool pool_of(const std::string& entry, const config::BackendOptions& common, const drivers::file::FileBackendOptions& options) {
  const auto equals = entry.find('=');
  const std::filesystem::path path = equals == std::string::npos ? entry : entry.substr(equals + 1);
  drivers::file::FilePool pool;
  pool.name = equals == std::string::npos ? path.filename().string() : entry.substr(0, equals);
  pool.directory = path.string();
  pool.allocation_unit = options.allocation_unit;
  pool.minimum_size = options.minimum_size;
  pool.max_over_subscription_ratio = ratio_of(common);
  pool.reserved_percentage = common.reserved_percentage;
  return pool;
}

std::string protocol_name(const std::string& target_protocol) {
  if (target_protocol == "iscsi") return "iSCSI";
  return target_protocol == "nbd" ? "NBD" : "local";
}

/// The directories of a file backend; without any, one in state_path.
std::vector<drivers::file::FilePool> pools_of(const config::Config& config, const std::string& section) {
  const auto common = config.read<config::BackendOptions>(section);
  auto options = config.read<drivers::file::FileBackendOptions>(section);
  if (options.directories.empty()) {
    const std::filesystem::path made = std::filesystem::path(config.read<config::GeneralOptions>().state_path) / "volumes";
    options.directories.push_back("pool=" + made.string());
  }
  std::vector<drivers::file::FilePool> out;
  for (const std::string& entry : options.directories) out.push_back(pool_of(entry, common, options));
  return out;
}

/// A pool in an image was mounted until the machine started again.
void mount_image_of(const drivers::file::FilePool& pool) {
  if (!drivers::file::needs_mount(pool.directory)) return;
  if (const auto mounted = drivers::file::mount_pool_image(pool.directory); !mounted) throw std::runtime_error(mounted.error().message);
  log::info("app", {}, "pool {} is mounted from its image", pool.directory);
}

std::unique_ptr<drivers::Driver> make_file(const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                                           drivers::LiveUse* live) {
  const auto options = config.read<drivers::file::FileBackendOptions>(section);
  drivers::file::FileOptions out;
  out.deployment = deployment;
  out.pools = pools_of(config, section);
  if (options.directories.empty()) std::filesystem::create_directories(out.pools.front().directory);
  for (const drivers::file::FilePool& pool : out.pools) mount_image_of(pool);
  out.layer_limit = options.layer_limit;
  out.allow_reflink = options.reflink;
  out.storage_protocol = protocol_name(config.read<config::BackendOptions>(section).target_protocol);
  out.live = live;
  return drivers::file::make_file_driver(clock, std::move(out));
}

std::unique_ptr<drivers::Driver> make_fake(const config::Config& config, const std::string& section, Clock& clock, Random& random, const std::string& host) {
  const auto options = config.read<drivers::fake::FakeBackendOptions>(section);
  auto array = std::make_shared<drivers::fake::Array>(clock, random, drivers::fake::ArrayOptions{.keep_log = false});
  array->set_faults({.latency_min = options.latency_min, .latency_max = options.latency_max});
  return drivers::fake::make_fake_driver(array, host);
}

std::unique_ptr<drivers::Driver> make_lab_array(const config::Config& config, const std::string& section, Clock& clock, const std::string& host) {
  const auto common = config.read<config::BackendOptions>(section);
  const auto options = config.read<drivers::lab_array::LabArrayBackendOptions>(section);
  if (options.url.empty()) throw std::runtime_error(fmt::format("[{}] lab_array_url must say where the array listens", section));
  return drivers::lab_array::make_lab_array_driver(clock, net::make_http_client(clock, {}),
                                                   {.url = options.url, .node = host, .timeout = options.timeout,
                                                    .storage_protocol = protocol_name(common.target_protocol),
                                                    .max_over_subscription_ratio = ratio_of(common), .reserved_percentage = common.reserved_percentage});
}

}  // namespace

std::vector<std::string> pool_directories(const config::Config& config) {
  std::vector<std::string> out;
  for (const std::string& section : config.backends()) {
    if (config.read<config::BackendOptions>(section).volume_driver != "file") continue;
    for (const drivers::file::FilePool& pool : pools_of(config, section)) out.push_back(pool.directory);
  }
  return out;
}

std::vector<std::string> advice_on_pools(const config::Config& config) {
  std::vector<std::string> out;
  for (const std::string& directory : pool_directories(config))
    if (std::string text = drivers::file::advice(directory); !text.empty()) out.push_back(std::move(text));
  return out;
}

std::unique_ptr<operations::Backend> make_backend(const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                                                  Random& random, db::Database& database, drivers::LiveUse* live) {
  const auto general = config.read<config::GeneralOptions>();
  const auto common = config.read<config::BackendOptions>(section);
  auto out = std::make_unique<operations::Backend>();
  out->host = fmt::format("{}@{}", common.backend_host.empty() ? general.host : common.backend_host, section);
  if (!general.cluster.empty()) out->cluster = fmt::format("{}@{}", general.cluster, section);
  out->name = out->cluster.empty() ? out->host : out->cluster;
  out->zone = common.availability_zone.empty() ? general.storage_availability_zone : common.availability_zone;
  out->shown_name = common.volume_backend_name;
  out->target_protocol = common.target_protocol;
  out->max_operations = common.max_operations;
  if (common.volume_driver == "file")
    out->driver = make_file(config, section, deployment, clock, live);
  else if (common.volume_driver == "fake")
    out->driver = make_fake(config, section, clock, random, general.host);
  else if (common.volume_driver == "lab_array")
    out->driver = make_lab_array(config, section, clock, general.host);
  else
    throw std::runtime_error(fmt::format("[{}] volume_driver = {}: no such driver here; there are file, fake and lab_array", section, common.volume_driver));
  furnish_locks(*out, config, section, deployment, clock, random, database);
  return out;
}

}  // namespace scoria::app
