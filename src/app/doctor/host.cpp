#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "app/backends.h"
#include "app/doctor/doctor.h"
#include "app/settings.h"
#include "base/failpoint.h"
#include "cli/output.h"
#include "config/options/api.h"
#include "config/options/backend.h"
#include "config/options/exports.h"
#include "config/options/general.h"
#include "config/options/identity.h"
#include "identity/policy.h"
#include "net/certificate.h"
#include "net/http_client.h"
#include "os/address.h"
#include "os/extents.h"
#include "os/files.h"
#include "os/process.h"

// What a node can see of its own machine and configuration.
namespace scoria::app::doctor {
namespace {

/// Directories that this node must be able to write, each once.
std::set<std::string> directories(const config::Config& config) {
  std::set<std::string> out{config.read<config::GeneralOptions>().state_path};
  if (!has_role(config, "volume")) return out;
  out.insert(config.read<config::ExportOptions>().state_directory);
  for (const std::string& directory : pool_directories(config)) out.insert(directory);
  return out;
}

/// The protocols by which this node exports volumes.
std::set<std::string> protocols(const config::Config& config) {
  std::set<std::string> out;
  if (has_role(config, "volume"))
    for (const std::string& section : config.backends())
      if (const auto backend = config.read<config::BackendOptions>(section); backend.volume_driver != "fake") out.insert(backend.target_protocol);
  return out;
}

void needs_program(const std::string& program, const std::string& package, const std::string& why, Diagnoses& out) {
  if (os::find_program(program)) return;
  out.push_back({{}, program, fmt::format("{} is not installed; {}.", program, why), fmt::format("Install the package {}.", package)});
}

void open_to_others(const std::string& file, Diagnoses& out) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & 077U) == 0) return;
  out.push_back({{}, file, fmt::format("Others than its owner can read or write {} (mode {:04o}).", file, status.st_mode & 07777U), fmt::format("chmod 0600 {}", file)});
}

void wants_own_address(const std::string& option, const std::string& address, Diagnoses& out) {
  if (address.empty() || address == "0.0.0.0" || address == "::" || address == "localhost" || os::is_own_address(address)) return;
  out.push_back({{}, option, fmt::format("{} = {} is no address of this machine now: hosts that are told it reach somebody else or nobody.", option, address),
                 fmt::format("Set {} to an address of this machine, or bring that address up.", option)});
}

}  // namespace

void host_paths(const Patient& patient, Diagnoses& out) {
  for (const std::string& directory : directories(patient.config)) {
    if (!std::filesystem::is_directory(directory))
      out.push_back({{}, directory, fmt::format("The directory {} is not there.", directory), "Mount or make it, or name another in the configuration."});
    else if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
      out.push_back({{}, directory, fmt::format("Scoria cannot write to {}.", directory),
                     fmt::format("Make it writable for user {}: chown or chmod; mount its file system read-write.", ::geteuid())});
  }
}

void host_space(const Patient& patient, Diagnoses& out) {
  constexpr std::int64_t least = 64 * std::int64_t{mib}, most = 2048 * std::int64_t{mib};
  for (const std::string& directory : directories(patient.config)) {
    if (!std::filesystem::is_directory(directory)) continue;
    const os::Capacity capacity = os::capacity_of(os::open_directory(directory));
    if (capacity.free >= std::clamp(capacity.total / 20, least, most)) continue;
    out.push_back({{}, directory,
                   fmt::format("The file system of {} is nearly full: {} of {} are free.", directory, cli::bytes_text(static_cast<double>(capacity.free)),
                               cli::bytes_text(static_cast<double>(capacity.total))),
                   "Make room or enlarge it. Until then creating and writing may fail; what is there stays."});
  }
}

void host_secrets(const Patient& patient, Diagnoses& out) {
  const std::string state = patient.config.read<config::GeneralOptions>().state_path;
  for (const char* name : {"/sealing.key", "/clouds.yaml", "/scoria.sqlite"}) open_to_others(state + name, out);
  if (const auto api = patient.config.read<config::ApiOptions>(); api.use_tls) open_to_others(api.key_file, out);
}

void host_programs(const Patient& patient, Diagnoses& out) {
  const std::set<std::string> wanted = protocols(patient.config);
  if (wanted.contains("nbd")) needs_program("qemu-storage-daemon", "qemu-system-common", "it serves NBD", out);
  if (wanted.contains("iscsi")) needs_program("tgtd", "tgt", "it serves iSCSI", out), needs_program("tgtadm", "tgt", "it controls tgtd", out);
  if (!wanted.empty()) needs_program("qemu-img", "qemu-utils", "overlays and conversions need it", out);
  if (wanted.contains("local") && ::access("/dev/loop-control", R_OK | W_OK) != 0)
    out.push_back({{}, "/dev/loop-control", "Loop devices cannot be made here: /dev/loop-control is not there, or not for this user.",
                   "Load the kernel module loop and run Scoria as root, or choose another target_protocol."});
}

void host_address(const Patient& patient, Diagnoses& out) {
  const std::set<std::string> wanted = protocols(patient.config);
  if (wanted.contains("nbd")) wants_own_address("nbd_listen_address", patient.config.read<config::ExportOptions>().nbd_listen_address, out);
  if (!wanted.contains("iscsi")) return;
  for (const std::string& section : patient.config.backends()) wants_own_address("target_ip_address", patient.config.read<config::BackendOptions>(section).target_ip_address, out);
}

void host_descriptors(const Patient& patient, Diagnoses& out) {
  const auto api = patient.config.read<config::ApiOptions>();
  rlimit limit{};
  if (!has_role(patient.config, "api") || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto needed = static_cast<rlim_t>(api.max_connections) + 512;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed) return;
  out.push_back({{}, "RLIMIT_NOFILE", fmt::format("At most {} files may be open; max_connections = {} and files of volumes need {}.", limit.rlim_max, api.max_connections, needed),
                 fmt::format("Raise the limit (LimitNOFILE={} in the systemd unit), or lower max_connections.", needed)});
}

void host_certificate(const Patient& patient, Diagnoses& out) {
  const auto api = patient.config.read<config::ApiOptions>();
  if (!has_role(patient.config, "api") || !api.use_tls) return;
  const std::string renew = "Put a valid certificate there and send the process SIGHUP; it need not be restarted.";
  const auto certificate = net::read_certificate(api.certificate_file, api.key_file);
  if (!certificate) return out.push_back({{}, api.certificate_file, fmt::format("The API's certificate cannot be used: {}.", certificate.error().message), renew});
  const Timestamp now = patient.clock.wall();
  if (certificate->not_after <= now)
    out.push_back({{}, api.certificate_file, fmt::format("The API's certificate expired at {}.", to_rfc3339(certificate->not_after)), renew});
  else if (certificate->not_after <= now + std::chrono::hours{24 * 14})
    out.push_back({{}, api.certificate_file, fmt::format("The API's certificate expires at {}.", to_rfc3339(certificate->not_after)), renew});
  if (certificate->not_before > now)
    out.push_back({{}, api.certificate_file, fmt::format("The API's certificate is valid only from {}.", to_rfc3339(certificate->not_before)), renew});
}

void host_policy(const Patient& patient, Diagnoses& out) {
  const auto options = patient.config.read<config::IdentityOptions>();
  const auto policy = Policy::load(options.policy_file, options.enforce_new_defaults);
  if (!policy) {
    out.push_back({{}, options.policy_file, fmt::format("The policy file cannot be used: {} The rules that were in force before still are.", policy.error().message),
                   "Correct it and send the process SIGHUP."});
    return;
  }
  for (const std::string& warning : (*policy)->warnings()) out.push_back({{}, options.policy_file, warning, "Correct the policy file, or take the rule out."});
}

void host_faults(const Patient&, Diagnoses& out) {
  for (const failpoint::Site* site : failpoint::sites())
    if (site->armed.load() != 0)
      out.push_back({{}, site->name, fmt::format("Faults are injected on purpose at {}.", site->name),
                     fmt::format("`scoria admin failpoint set {} off`, and take SCORIA_FAILPOINTS out of the environment.", site->name)});
}

void host_keystone(const Patient& patient, Diagnoses& out) {
  if (!has_role(patient.config, "api") || patient.config.read<config::IdentityOptions>().auth_strategy != "keystone") return;
  const auto options = patient.config.read<config::KeystoneOptions>();
  const auto client = net::make_http_client(patient.clock, {.ca_file = options.cafile, .insecure = options.insecure});
  const auto answer = client->send({.url = options.auth_url}, Deadline::in(patient.clock, std::chrono::seconds{5}));
  if (answer && answer->status < 500) return;
  out.push_back({{}, options.auth_url,
                 answer ? fmt::format("Keystone answers {}.", answer->status) : fmt::format("Keystone does not answer: {}.", answer.error().message),
                 "Until it does only tokens that are known already are let in. Check auth_url in [keystone_authtoken], and Keystone."});
}

}  // namespace scoria::app::doctor
