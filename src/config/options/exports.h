#pragma once
#include <string>
#include <vector>

#include "config/fields.h"

namespace scoria::config {

/// How this node's exports are reached; what differs between backends stands in BackendOptions.
struct ExportOptions {
  std::string state_directory = "$state_path/exports";
  std::string nbd_listen_address = "$my_ip";
  std::uint16_t nbd_first_port = 10809, nbd_last_port = 11832;
  std::string nbd_socket_mode = "0660";
  std::string nbd_tls_directory;
  bool nbd_tls_verify_peer = true;
  std::vector<std::string> portals;
  std::string portal_command;

  void declare(Fields& fields);
};

}  // namespace scoria::config
