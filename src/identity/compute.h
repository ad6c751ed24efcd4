#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "identity/context.h"

namespace scoria {

class KeystoneSession;
namespace net {
class HttpClient;
}

/// Asks the compute service whether it uses an attachment. Thread-safe.
class Compute {
 public:
  virtual ~Compute() = default;
  /// False: the server does not exist, does not have the volume, or has it by another attachment. Refuses `unavailable`.
  virtual Result<bool> uses(const std::string& server, const std::string& volume, const std::string& attachment, Deadline deadline) = 0;
};

/// Nova as the catalogue has it; without a compute endpoint there nothing is used.
std::unique_ptr<Compute> make_nova(net::HttpClient& client, KeystoneSession& session);

/// Who may cut a volume off a server: only the compute service itself, which says so by a service token (bug 2004555).
class DetachRule {
 public:
  /// `service_roles`: of which a service token needs one. Without `compute` there is no server to protect.
  DetachRule(Compute* compute, std::vector<std::string> service_roles) : compute_(compute), service_roles_(std::move(service_roles)) {}
  /// Refuses `conflict`, naming the server, for an attachment that it uses.
  Result<> check(const Context& context, const std::string& server, const std::string& volume, const std::string& attachment) const;

 private:
  Compute* compute_;
  std::vector<std::string> service_roles_;
};

}  // namespace scoria
