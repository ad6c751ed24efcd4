#include "app/identity.h"

#include <stdexcept>

#include "config/options/api.h"
#include "config/options/identity.h"
#include "identity/noauth.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

constexpr const char* mount = "/identity";

Result<std::shared_ptr<const Policy>> load_policy(const config::Config& config) {
  const auto options = config.read<config::IdentityOptions>();
  return Policy::load(options.policy_file, options.enforce_new_defaults);
}

}  // namespace

Identity::Identity(const config::Config& config, db::Database& database, Clock& clock, Random& random) : database_(database), random_(random) {
  const auto options = config.read<config::IdentityOptions>();
  if (options.auth_strategy == "local") {
    use_local(config.read<config::ApiOptions>().public_endpoint, clock);
  } else if (options.auth_strategy == "keystone") {
    use_keystone(config, clock);
  } else {
    authenticator_ = std::make_unique<NoAuthenticator>();
  }
}

void Identity::use_local(const std::string& public_endpoint, Clock& clock) {
  tokens_ = std::make_unique<local::Tokens>(database_, clock, random_);
  keystone_ = std::make_unique<local::LocalKeystone>(database_, clock, random_, *tokens_, local::KeystoneOptions{.mount = mount});
  door_ = std::make_unique<api::IdentityDoor>(*keystone_, mount, public_endpoint);
  authenticator_ = std::make_unique<local::LocalAuthenticator>(*tokens_);
}

void Identity::use_keystone(const config::Config& config, Clock& clock) {
  const auto options = config.read<config::KeystoneOptions>();
  if (options.auth_url.empty() || options.username.empty())
    throw std::runtime_error("auth_strategy = keystone needs auth_url, username and password in [keystone_authtoken]");
  client_ = net::make_http_client(clock, {.ca_file = options.cafile, .insecure = options.insecure});
  session_ = std::make_unique<KeystoneSession>(clock, *client_, options);
  compute_ = make_nova(*client_, *session_);
  detach_rule_ = DetachRule(compute_.get(), options.service_token_roles);
  authenticator_ = std::make_unique<KeystoneAuthenticator>(clock, *client_, *session_, options);
}

std::optional<local::FirstStart> Identity::first_start(const std::string& base_url, const std::string& file) {
  if (!door_) return std::nullopt;
  return local::first_start(database_, random_, {.auth_url = base_url + mount}, file);
}

LivePolicy::LivePolicy(const config::Config& config) {
  auto loaded = load_policy(config);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  policy_ = std::move(*loaded);
}

std::shared_ptr<const Policy> LivePolicy::current() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void LivePolicy::reload(const config::Config& config) {
  auto loaded = load_policy(config);
  if (!loaded) return log::error("policy", {}, "the rules stay as they were: {}", loaded.error().message);
  const std::lock_guard lock(mutex_);
  policy_ = std::move(*loaded);
}

std::string identity_url(const config::Config& config) {
  const auto options = config.read<config::KeystoneOptions>();
  return options.www_authenticate_uri.empty() ? options.auth_url : options.www_authenticate_uri;
}

}  // namespace scoria::app
