#include "app/exports.h"

#include <filesystem>

#include "config/options/backend.h"
#include "config/options/general.h"

namespace scoria::app {

void ExportOptions::declare(config::Fields& fields) {
  fields.section("exports", "How hosts reach volumes of this node.");
  fields.add("state_directory", &state_directory, "Small records and control sockets of export daemons; at most 60 characters. Its loss costs nothing that "
                                                  "is not made again.");
  fields.add("nbd_listen_address", &nbd_listen_address, "Address of NBD exports over TCP.").host();
  fields.add("nbd_first_port", &nbd_first_port, "First port of NBD exports; each takes one.").between(1, 65535);
  fields.add("nbd_last_port", &nbd_last_port, "Last port of NBD exports.").between(1, 65535);
  fields.add("nbd_tls_directory", &nbd_tls_directory, "Directory with ca-cert.pem, server-cert.pem and server-key.pem, or with keys.psk: then NBD over TCP is "
                                                      "TLS only.");
}

std::unique_ptr<exports::Exports> make_exports(const config::Config& config, const std::string& deployment, Clock& clock) {
  const auto general = config.read<config::GeneralOptions>();
  const auto options = config.read<ExportOptions>();
  exports::Options out;
  out.state_directory = options.state_directory;
  out.deployment = deployment.substr(0, 8);
  out.my_ip = general.my_ip;
  out.nbd_listen_address = options.nbd_listen_address;
  out.nbd_first_port = options.nbd_first_port, out.nbd_last_port = options.nbd_last_port;
  out.nbd_tls_directory = options.nbd_tls_directory;
  if (const auto backends = config.backends(); !backends.empty()) {
    const auto backend = config.read<config::BackendOptions>(backends.front());
    out.iscsi_ip_address = backend.target_ip_address, out.iscsi_port = backend.target_port, out.iscsi_target_prefix = backend.target_prefix;
  }
  std::filesystem::create_directories(out.state_directory);
  return std::make_unique<exports::Exports>(clock, out);
}

}  // namespace scoria::app
