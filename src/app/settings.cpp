#include "app/settings.h"

#include "api/errors.h"
#include "app/identity.h"
#include "base/text.h"
#include "config/options/api.h"
#include "config/options/general.h"
#include "config/options/identity.h"
#include "config/options/quotas.h"

namespace scoria::app {

bool has_role(const config::Config& config, std::string_view role) {
  const auto general = config.read<config::GeneralOptions>();
  return std::find(general.roles.begin(), general.roles.end(), role) != general.roles.end();
}

engine::EngineOptions engine_options(const config::Config& config, bool exclusive, engine::Versions versions) {
  const auto general = config.read<config::GeneralOptions>();
  const auto wanted = config.read<config::EngineOptions>();
  engine::EngineOptions out;
  out.membership.host = general.host;
  out.membership.roles = join(general.roles, ",");
  out.membership.lease = wanted.lease;
  out.membership.beat = wanted.heartbeat;
  out.membership.exclusive = exclusive;
  out.membership.versions = std::move(versions);
  out.poll = wanted.poll_interval;
  out.slots = wanted.workers;
  out.bulk_slots = wanted.bulk_workers;
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

http::ServerOptions server_options(const config::Config& config) {
  const auto api = config.read<config::ApiOptions>();
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

api::PipelineOptions pipeline_options(const config::Config& config) {
  const auto identity = config.read<config::IdentityOptions>();
  api::PipelineOptions out;
  out.public_endpoint = config.read<config::ApiOptions>().public_endpoint;
  out.identity_url = identity_url(config);
  out.noauth = identity.auth_strategy.starts_with("noauth");
  out.request_limit = config.read<config::GeneralOptions>().rpc_response_timeout;
  const auto projects = api::ProjectPattern::parse(identity.project_id_regex);
  if (!projects) throw std::runtime_error(projects.error().message);
  out.projects = *projects;
  return out;
}

}  // namespace scoria::app
