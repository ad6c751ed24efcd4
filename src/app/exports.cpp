#include "app/exports.h"

#include <cstdlib>
#include <filesystem>

#include "config/options/backend.h"
#include "config/options/exports.h"
#include "config/options/general.h"

namespace scoria::app {

std::unique_ptr<exports::Exports> make_exports(const config::Config& config, const std::string& deployment, Clock& clock) {
  const auto general = config.read<config::GeneralOptions>();
  const auto options = config.read<config::ExportOptions>();
  exports::Options out;
  out.state_directory = options.state_directory;
  out.deployment = deployment.substr(0, 8);
  out.my_ip = general.my_ip;
  out.nbd_listen_address = options.nbd_listen_address;
  out.nbd_first_port = options.nbd_first_port, out.nbd_last_port = options.nbd_last_port;
  out.nbd_socket_mode = static_cast<unsigned>(std::strtoul(options.nbd_socket_mode.c_str(), nullptr, 8));
  out.nbd_tls_directory = options.nbd_tls_directory, out.nbd_tls_verify_peer = options.nbd_tls_verify_peer;
  if (const auto backends = config.backends(); !backends.empty()) {
    const auto backend = config.read<config::BackendOptions>(backends.front());
    out.iscsi_ip_address = backend.target_ip_address, out.iscsi_port = backend.target_port, out.iscsi_target_prefix = backend.target_prefix;
  }
  std::filesystem::create_directories(out.state_directory);
  return std::make_unique<exports::Exports>(clock, out);
}

}  // namespace scoria::app
