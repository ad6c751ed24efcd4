#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::config {

/// The HTTP front and what the API accepts.
struct ApiOptions {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 8776;
  int workers = 32;
  int queue_limit = 128;
  int max_connections = 10'000;
  Bytes max_header{16 * kib};
  Bytes max_body{114'688};
  Duration header_timeout = std::chrono::seconds{10};
  Duration body_timeout = std::chrono::seconds{60};
  Duration idle_timeout = std::chrono::seconds{75};
  Duration write_timeout = std::chrono::seconds{60};
  bool use_tls = false;
  std::string certificate_file;
  std::string key_file;
  std::string public_endpoint;
  int max_limit = 1000;
  std::string query_filters_file;
  std::string default_volume_type;
  bool allow_zone_fallback = false;
  bool cloned_volume_same_zone = true;

  void declare(Fields& fields);
};

}  // namespace scoria::config
