#pragma once
#include <string>

#include "config/fields.h"

namespace scoria::config {

/// What every backend has, whatever its driver: read<BackendOptions>("file").
struct BackendOptions {
  std::string volume_driver = "file";
  std::string volume_backend_name;
  std::string backend_host;
  std::string availability_zone;
  std::string max_over_subscription_ratio = "20.0";  // or "auto"
  int reserved_percentage = 0;
  int max_operations = 0;
  std::string target_protocol = "iscsi";
  std::string target_ip_address = "$my_ip";
  std::uint16_t target_port = 3260;
  std::string target_prefix = "iqn.2010-10.org.openstack:";

  std::string backend_url = "file://$state_path";
  std::string active_active_report;
  bool one_owner = false;

  void declare(Fields& fields);
};

}  // namespace scoria::config
