#include "identity/keystone_session.h"

#include "observe/log.h"

namespace scoria {

KeystoneSession::KeystoneSession(Clock& clock, net::HttpClient& client, config::KeystoneOptions options)
    : clock_(clock), client_(client), options_(std::move(options)), root_(keystone::v3_root(options_.auth_url)), logins_(clock) {}

Result<std::string> KeystoneSession::token(Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!own_.token.empty() && clock_.now() < own_.renew_at) return own_.token;
  }
  return logins_.run("own", deadline, [&] { return login(deadline); });
}

void KeystoneSession::reject(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (own_.token == token) own_.token.clear();
}

Result<std::string> KeystoneSession::endpoint(std::string_view type, Deadline deadline) {
  if (Result<std::string> known = token(deadline); !known) return known;
  const std::lock_guard lock(mutex_);
  for (const keystone::Endpoint& one : own_.catalogue)
    if (one.type == type && one.interface == options_.interface && (options_.region_name.empty() || one.region == options_.region_name)) return one.url;
  return refuse(Refusal{RefusalCode::unavailable, fmt::format("Keystone's catalogue has no {} endpoint for '{}'", options_.interface, type), "not in the catalogue"});
}

Result<std::string> KeystoneSession::login(Deadline deadline) {
  const net::HttpRequest request{"POST", root_ + "/auth/tokens", {{"Content-Type", "application/json"}}, keystone::login_body(options_)};
  Result<net::HttpResponse> answer = client_.send(request, deadline);
  if (!answer) {
    log::warning("keystone", {}, "no token of our own: {}", answer.error().message);
    return refuse(answer.error());
  }
  const std::string* token = answer->find("X-Subject-Token");
  if (answer->status != 201 || token == nullptr) {
    const std::string why = answer->status == 401 ? fmt::format("Keystone refuses Scoria's own user '{}' in project '{}'", options_.username, options_.project_name)
                                                  : fmt::format("Keystone answers Scoria's login with status {}", answer->status);
    log::error("keystone", {}, "{} ({})", why, root_);
    return refuse(RefusalCode::unavailable, "{}; see the log of the service", why);
  }
  Result<keystone::TokenReply> reply = keystone::read_token(answer->body);
  if (!reply) return refuse(reply.error());
  // Renewed a minute early, or half-way through a life shorter than two minutes.
  const Duration life = reply->token.expires_at - clock_.wall();
  const Duration early = std::min<Duration>(std::chrono::minutes{1}, life / 2);
  const std::lock_guard lock(mutex_);
  own_ = {*token, clock_.now() + std::max<Duration>(life - early, std::chrono::seconds{10}), std::move(reply->catalogue)};
  return own_.token;
}

}  // namespace scoria
