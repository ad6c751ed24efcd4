#include "app/exports.h"

#include <fmt/core.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "app/keeper.h"
#include "config/options/backend.h"
#include "config/options/exports.h"
#include "config/options/general.h"

namespace scoria::app {
namespace {

constexpr std::string_view keep_option = "--keep-leash";

}  // namespace

std::optional<int> keep_leash(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2 || arguments.front() != keep_option) return std::nullopt;
  SystemClock clock;
  exports::keep(clock, arguments.back());
  return 0;
}

std::unique_ptr<exports::Exports> make_exports(const config::Config& config, const std::string& deployment, Clock& clock, bool alone) {
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
  out.host = general.host, out.portal_command = options.portal_command;
  for (const std::string& text : options.portals) {
    out.portals.push_back(exports::portal_address_from(text));
    if (out.portals.back().address.empty())
      throw std::runtime_error(fmt::format("[exports] portals: '{}' is neither an address nor ADDRESS/PREFIX@INTERFACE", text));
  }
  if (!alone && !out.portals.empty()) out.keeper = {"/proc/self/exe", std::string(keep_option)};
  std::filesystem::create_directories(out.state_directory);
  return std::make_unique<exports::Exports>(clock, out);
}

}  // namespace scoria::app
