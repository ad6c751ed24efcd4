#include "config/unserved.h"

#include <array>

#include "config/fields.h"

namespace scoria::config {
namespace {

struct Known {
  std::string_view name;  // a '*' at its end stands for any rest
  std::string_view advice;
};

constexpr std::string_view no_broker = "there is no message broker; nodes meet in the database";
constexpr std::string_view to_stderr = "logs go to standard error, for journald or whoever starts the process; see log_levels and log_format";
constexpr std::string_view no_choice = "this part of the program cannot be exchanged";
constexpr std::string_view images_later = "images are not served by this version";
constexpr std::string_view backups_later = "backups are not served by this version";
constexpr std::string_view names_are_ours = "names of objects in backends are chosen by Scoria and never reused";
constexpr std::string_view no_reservations = "quota changes together with its cause: there are no reservations to expire or to refresh";
constexpr std::string_view own_http = "see the http_* options";
constexpr std::string_view no_root_helper = "no root helper is used";
constexpr std::string_view nothing_to_clear = "a deleted volume's blocks are never given to another: there is nothing to clear";
constexpr std::string_view own_copies = "copies are made by Scoria's own workers";
constexpr std::string_view own_targets = "Scoria starts and supervises the target process itself";
constexpr std::string_view not_this_driver = "the drivers of this version do not use it";
constexpr std::string_view work_is_durable = "work is durable: it is retried and taken over by itself, nothing is initialised or cleaned at start";

/// Options that belong to [DEFAULT].
constexpr Known in_default[] = {
    {"transport_url", no_broker}, {"control_exchange", no_broker}, {"rpc_*", no_broker}, {"executor_thread_pool_size", no_broker},
    {"*_topic", no_broker}, {"api_paste_config", "the request pipeline is fixed"}, {"osapi_volume_ext_list", "all of the API is always there"},
    {"osapi_volume_extension", "all of the API is always there"}, {"enable_v*_api", "API v3 is always served, and no other"},
    {"*_api_class", no_choice}, {"*_manager", no_choice}, {"scheduler_driver", no_choice}, {"scheduler_host_manager", no_choice}, {"db_driver", no_choice},
    {"quota_driver", no_choice}, {"scheduler_json_config_location", no_choice}, {"service_down_time", "a service is up while its node's lease lives, see [engine] lease"},
    {"scheduler_max_attempts", "a volume is tried on every pool that fits, until its operation's deadline"}, {"scheduler_weight_handler", "the best candidate is taken"},
    {"scheduler_driver_init_wait_time", work_is_durable}, {"init_host_max_objects_retrieval", work_is_durable}, {"reinit_driver_count", work_is_durable},
    {"volume_service_inithost_offload", work_is_durable}, {"glance_*", images_later}, {"image_*", images_later}, {"verify_glance_signatures", images_later},
    {"allowed_direct_url_schemes", images_later}, {"enable_force_upload", images_later}, {"allow_compression_on_image_upload", images_later},
    {"compression_format", images_later}, {"cinder_internal_tenant_*", images_later}, {"backup_*", backups_later}, {"snapshot_check_timeout", backups_later},
    {"reservation_expire", no_reservations}, {"reservation_clean_batch_size", no_reservations}, {"until_refresh", no_reservations}, {"max_age", no_reservations},
    {"quota_consistencygroups", "groups are not served by this version"}, {"default_group_type", "groups are not served by this version"},
    {"use_default_quota_class", "the class 'default' always counts"}, {"volume_name_template", names_are_ours}, {"snapshot_name_template", names_are_ours},
    {"volume_transfer_*", "transfers are not served by this version"}, {"volume_usage_audit_period", "usage audits are not served by this version"},
    {"migration_create_volume_timeout_secs", "migration is not served by this version"}, {"snapshot_same_host", "a volume from a snapshot stays on its backend"},
    {"az_cache_duration", "availability zones are always read fresh"}, {"periodic_*", "there are no periodic tasks to tune"},
    {"run_external_periodic_tasks", "there are no periodic tasks to tune"}, {"log_file", to_stderr}, {"logfile", to_stderr}, {"log_dir", to_stderr},
    {"logdir", to_stderr}, {"log_config*", to_stderr}, {"log_date_format", to_stderr}, {"log_rot*", to_stderr}, {"max_logfile_*", to_stderr},
    {"use_syslog*", to_stderr}, {"syslog_log_facility", to_stderr}, {"use_journal", to_stderr}, {"use_stderr", to_stderr}, {"use_json", "see log_format"},
    {"use_eventlog", to_stderr}, {"watch_log_file", to_stderr}, {"default_log_levels", "see log_levels: areas of Scoria, not names of Python's loggers"},
    {"logging_*", "see log_format"}, {"instance_format", to_stderr}, {"instance_uuid_format", to_stderr}, {"publish_errors", to_stderr},
    {"fatal_deprecations", to_stderr}, {"rate_limit_*", "the log drops and counts lines only when its writer falls behind"}, {"split_loggers", to_stderr},
    {"log_options", "see `scoria config show`"}, {"rootwrap_config", no_root_helper}, {"tcp_keepalive*", own_http}, {"tcp_keepidle", own_http},
    {"backlog", own_http}, {"wsgi_*", own_http}, {"max_header_line", own_http}, {"client_socket_timeout", own_http}, {"backdoor_*", "see /metrics"},
    {"monkey_patch*", "nothing of Python is used"}, {"zoning_mode", "Fibre Channel is not served by this version"},
    {"nova_*", "see [nova]"}, {"os_privileged_*", "see [nova]"}, {"enable_new_services", "new services are enabled"},
    {"num_shell_tries", work_is_durable}, {"num_volume_device_scan_tries", not_this_driver}, {"connection_type", no_choice}, {"volume_service_*", work_is_durable},
    {"memcached_servers", "tokens are cached in the process"}, {"sqlite_db", "see [database] connection"}, {"trace_flags", "see log_levels"},
    {"server_manager", no_choice}, {"osapi_volume_use_proxy", "see public_endpoint"}, {"secure_proxy_ssl_header", "see public_endpoint"},
};

/// Options that belong to backends, and to [DEFAULT] in older files.
constexpr Known in_backend[] = {
    {"volume_clear*", nothing_to_clear}, {"volume_copy_*", own_copies}, {"volume_dd_blocksize", own_copies}, {"use_multipath_for_image_xfer", images_later},
    {"enforce_multipath_for_image_xfer", images_later}, {"image_volume_cache_*", images_later}, {"image_upload_use_*", images_later},
    {"target_helper", own_targets}, {"iscsi_helper", own_targets}, {"volumes_dir", own_targets}, {"iscsi_write_cache", own_targets},
    {"iscsi_iotype", own_targets}, {"iscsi_target_flags", own_targets}, {"chiscsi_conf", own_targets}, {"scst_*", own_targets}, {"iet_conf", own_targets},
    {"chap_username", "a user and a secret are made for each attachment"}, {"chap_password*", "a user and a secret are made for each attachment"},
    {"enable_unsupported_driver", "there are no unsupported drivers"}, {"replication_device", "replication is not served by this version"},
    {"filter_function", "driver filter functions are not served by this version"}, {"goodness_function", "driver filter functions are not served by this version"},
    {"extra_capabilities", "capabilities are what the driver reports"}, {"backend_native_threads_pool_size", own_copies},
    {"suppress_requests_ssl_warnings", not_this_driver}, {"driver_*", not_this_driver}, {"num_volume_device_scan_tries", not_this_driver},
    {"report_discard_supported", "discard is always passed on where the export can"}, {"san_*", not_this_driver}, {"nas_*", not_this_driver},
    {"nfs_*", not_this_driver}, {"lvm_*", not_this_driver}, {"volume_group", not_this_driver}, {"rbd_*", not_this_driver}, {"rados_*", not_this_driver},
    {"deferred_deletion_*", not_this_driver}, {"spdk_*", not_this_driver}, {"nvmet_*", not_this_driver}, {"iser_*", not_this_driver},
    {"target_secondary_ip_addresses", "one address is served by this version"}, {"iscsi_secondary_ip_addresses", "one address is served by this version"},
    {"storage_protocol", "see target_protocol"}, {"sparse_copy_volume", "copies are always sparse"}, {"trace_flags", "see log_levels"},
    {"use_chap_auth", "CHAP is always on, with a user and a secret made for each attachment"}, {"min_bw", not_this_driver}, {"unmanage_*", not_this_driver},
};

constexpr Known in_database[] = {
    {"backend", "the connection's scheme says which database it is"}, {"slave_connection", "all reads go to the one database"},
    {"max_overflow", "the pool has max_pool_size connections and no more"}, {"min_pool_size", "connections are opened when they are needed"},
    {"connection_recycle_time", "a lost connection is replaced at once"}, {"idle_timeout", "a lost connection is replaced at once"},
    {"db_*", "a transaction that lost a race is repeated until the request's deadline"}, {"use_db_reconnect", "a lost connection is replaced at once"},
    {"connection_debug", "see log_levels: db=DEBUG"}, {"connection_trace", "see log_levels: db=DEBUG"}, {"mysql_*", "the session's mode is Scoria's own"},
    {"sqlite_synchronous", "commits are always on disk before they are answered"}, {"synchronous_reader", "there is one database"},
    {"connection_parameters", "put them into the connection's URL"}, {"use_tpool", "nothing of Python is used"},
};

constexpr std::string_view token_cache = "validated tokens are cached in the process, see token_cache_time";
constexpr Known in_keystone[] = {
    {"memcache*", token_cache}, {"cache", token_cache}, {"signing_dir", "tokens are asked for, not unpacked"}, {"hash_algorithms", "tokens are asked for, not unpacked"},
    {"auth_version", "Keystone's API v3 is used"}, {"delay_auth_decision", "every request needs a token"}, {"enforce_token_bind", "tokens are not bound"},
    {"include_service_catalog", "the catalogue is read when it is needed"}, {"auth_section", "put the credentials into [keystone_authtoken]"},
    {"auth_protocol", "see auth_url"}, {"auth_host", "see auth_url"}, {"auth_port", "see auth_url"}, {"identity_uri", "see auth_url"},
    {"service_type", "tokens restricted by access rules are not served by this version"}, {"http_*", "see rpc_response_timeout"},
    {"keyfile", "client certificates towards Keystone are not served by this version"}, {"certfile", "client certificates towards Keystone are not served by this version"},
};

constexpr Known in_policy[] = {
    {"enforce_scope", "scopes are judged by the rules"}, {"policy_default_rule", "every rule has a default"}, {"policy_dirs", "one policy file is read, see policy_file"},
    {"remote_*", "rules are decided in the process"},
};

constexpr Known in_ssl[] = {
    {"ca_file", "client certificates are not asked for"}, {"version", "TLS 1.2 and newer are spoken"}, {"ciphers", "the system's choice of ciphers is taken"},
};

constexpr Known sections[] = {
    {"oslo_messaging_notifications", "notifications are not served by this version"}, {"oslo_messaging_*", no_broker},
    {"oslo_concurrency", "see backend_url of the backends"}, {"oslo_middleware", "see public_endpoint and osapi_max_request_body_size"},
    {"oslo_reports", "see /metrics and `scoria admin check`"}, {"oslo_versionedobjects", "nothing of Python is used"}, {"oslo_limit", "quotas are Scoria's own"},
    {"nova", "calls to Nova are not served by this version"}, {"service_user", "calls to other services are not made by this version"},
    {"glance", images_later}, {"key_manager", "encrypted volumes are not served by this version"}, {"barbican*", "encrypted volumes are not served by this version"},
    {"vault", "encrypted volumes are not served by this version"}, {"coordination",
    "each backend has its own locks: put backend_url into the sections of backends that need them, or into [backend_defaults]"},
    {"fc-zone-manager", "Fibre Channel is not served by this version"}, {"brcd_fabric_*", "Fibre Channel is not served by this version"},
    {"cisco_fabric_*", "Fibre Channel is not served by this version"}, {"profiler", "traces are carried by the traceparent header"},
    {"privsep*", no_root_helper}, {"cinder_sys_admin", no_root_helper}, {"os_brick", not_this_driver}, {"cors", "cross-origin requests are not served by this version"},
    {"healthcheck", "/healthcheck is always there"}, {"audit_middleware_notifications", "notifications are not served by this version"},
    {"sample_castellan_source", "see <option>_file for secrets"}, {"sample_remote_file_source", "see <option>_file for secrets"},
};

bool matches(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view tail = pattern.substr(star + 1);
  return name.size() >= pattern.size() - 1 && name.starts_with(pattern.substr(0, star)) && name.ends_with(tail);
}

std::string_view look_up(std::span<const Known> table, std::string_view name) {
  for (const Known& known : table)
    if (matches(known.name, name)) return known.advice;
  return {};
}

}  // namespace

std::string_view unserved_option(std::string_view section, std::string_view key) {
  if (section == "DEFAULT") {
    const std::string_view advice = look_up(in_default, key);
    return advice.empty() ? look_up(in_backend, key) : advice;
  }
  if (section == backend) return look_up(in_backend, key);
  if (section == "database") return look_up(in_database, key);
  if (section == "keystone_authtoken") return look_up(in_keystone, key);
  if (section == "oslo_policy") return look_up(in_policy, key);
  if (section == "ssl") return look_up(in_ssl, key);
  return {};
}

std::string_view unserved_section(std::string_view section) { return look_up(sections, section); }

}  // namespace scoria::config
