#pragma once
#include <memory>
#include <string>

#include "config/config.h"
#include "exports/exports.h"
#include "operations/services.h"

namespace scoria::app {

/// The exports of this node as [exports] and the first backend's target options have them.
std::unique_ptr<exports::Exports> make_exports(const config::Config& config, const std::string& deployment, Clock& clock);

/// What volume_driver's section says about exports; declared in [exports] for the whole node.
struct ExportOptions {
  std::string state_directory = "$state_path/exports";
  std::string nbd_listen_address = "$my_ip";
  int nbd_first_port = 10809, nbd_last_port = 11832;
  std::string nbd_tls_directory;

  void declare(config::Fields& fields);
};

}  // namespace scoria::app
