#include "config/options/backend.h"

#include <charconv>

#include "config/lock_url.h"

namespace scoria::config {
namespace {

std::string ratio_problem(const std::string& text) {
  if (text == "auto") return {};
  double ratio = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ratio);
  if (error == std::errc{} && end == text.data() + text.size() && ratio >= 1) return {};
  return "is neither auto nor a number of at least 1";
}

}  // namespace

void BackendOptions::declare(Fields& fields) {
  fields.section(backend, "One section for each backend of enabled_backends, and [backend_defaults] for what all of them share.");
  fields.add("volume_driver", &volume_driver, "What kind of storage the backend is.").familiar();
  fields.add("volume_backend_name", &volume_backend_name, "Name that volume types ask for. Empty: the section's name.").familiar();
  fields.add("backend_host", &backend_host, "Stands for the node's host in the backend's services and volumes. Empty: host.").host().familiar();
  fields.add("backend_availability_zone", &availability_zone, "Availability zone of this backend. Empty: storage_availability_zone.").familiar();
  fields.add("max_over_subscription_ratio", &max_over_subscription_ratio,
             "How many times its capacity a thin pool may promise; auto: as its volumes' use so far allows.").checked(ratio_problem).familiar();
  fields.add("reserved_percentage", &reserved_percentage, "Part of the capacity that volumes never take.").between(0, 100).familiar();
  fields.add("max_operations", &max_operations,
             "Operations on this backend that all nodes together work on at once, short ones and copies; 0: any number. The same on every node.").at_least(0);
  fields.add("target_protocol", &target_protocol, "How hosts that do not ask for a transport reach volumes.").choices({"iscsi", "nbd", "local"}).familiar().also(
      "<backend>.iscsi_protocol");
  fields.add("target_ip_address", &target_ip_address, "Address that exports listen on.").host().familiar().also("<backend>.iscsi_ip_address");
  fields.add("target_port", &target_port, "Port of iSCSI exports.").familiar().also("<backend>.iscsi_port");
  fields.add("target_prefix", &target_prefix, "What names of iSCSI targets begin with.").familiar().also("<backend>.iscsi_target_prefix");
  fields.add("backend_url", &backend_url,
             "Where the locks of this backend's driver are kept, as Cinder's [coordination] backend_url: file://PATH (this machine), db:// (leases in the "
             "database), etcd3+http://HOST:2379, or process://.").checked(lock_url_problem);
  fields.add("active_active_report", &active_active_report,
             "File that scoria-conformance --nodes --report wrote: the proof that several nodes may use a driver from outside Scoria at once.");
  fields.add("one_owner", &one_owner, "Nodes of a cluster work on this backend one at a time, even if its driver was proved to be safe for all at once.");
}

}  // namespace scoria::config
