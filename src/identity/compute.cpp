#include "identity/compute.h"

#include <algorithm>

#include "identity/keystone_session.h"
#include "json/parse.h"
#include "net/http_client.h"

namespace scoria {
namespace {

class Nova final : public Compute {
 public:
  Nova(net::HttpClient& client, KeystoneSession& session) : client_(client), session_(session) {}

  Result<bool> uses(const std::string& server, const std::string& volume, const std::string& attachment, Deadline deadline) override {
    const auto endpoint = session_.endpoint("compute", deadline);
    if (!endpoint && endpoint.error().detail == "not in the catalogue") return false;
    if (!endpoint) return refuse(endpoint.error());
    const auto token = session_.token(deadline);
    if (!token) return refuse(token.error());
    // From 2.89 on the answer names the attachment.
    const auto answer = client_.send({"GET", fmt::format("{}/servers/{}/os-volume_attachments/{}", *endpoint, server, volume),
                                      {{"X-Auth-Token", *token}, {"OpenStack-API-Version", "compute 2.89"}, {"Accept", "application/json"}}, {}},
                                     deadline);
    if (!answer) return refuse(answer.error());
    if (answer->status == 404) return false;
    if (answer->status == 401) session_.reject(*token);
    if (answer->status != 200) return refuse(RefusalCode::unavailable, "the compute service answers with status {}", answer->status);
    const auto body = json::parse(answer->body);
    if (!body) return refuse(RefusalCode::unavailable, "the compute service answers what is no JSON");
    const std::string used = (*body)["volumeAttachment"].text_or("attachment_id");
    return used.empty() || used == attachment;
  }

 private:
  net::HttpClient& client_;
  KeystoneSession& session_;
};

}  // namespace

std::unique_ptr<Compute> make_nova(net::HttpClient& client, KeystoneSession& session) { return std::make_unique<Nova>(client, session); }

Result<> DetachRule::check(const Context& context, const std::string& server, const std::string& volume, const std::string& attachment) const {
  if (compute_ == nullptr || server.empty()) return {};
  if (std::any_of(service_roles_.begin(), service_roles_.end(), [&](const std::string& role) { return context.has_service_role(role); })) return {};
  const auto used = compute_->uses(server, volume, attachment, context.deadline);
  if (used && !*used) return {};
  if (used)
    return refuse(RefusalCode::conflict, "Detach volume from instance {} using the Compute API: attachment {} of volume {} is in use there.", server, attachment, volume);
  return refuse(RefusalCode::conflict, "Whether instance {} uses attachment {} of volume {} cannot be found out ({}); detach it using the Compute API.", server,
                attachment, volume, used.error().message);
}

}  // namespace scoria
