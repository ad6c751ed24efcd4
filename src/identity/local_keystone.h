#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "identity/local_tokens.h"
#include "identity/login_guard.h"
#include "identity/password.h"
#include "json/value.h"

namespace scoria::local {

/// A request below the root of the identity service, whoever serves HTTP.
struct KeystoneRequest {
  std::string method;         // upper case
  std::string path;           // decoded, without the root: "/", "/v3/auth/tokens"
  std::vector<std::pair<std::string, std::string>> query;
  std::string token;          // X-Auth-Token
  std::string subject_token;  // X-Subject-Token
  std::string body;
  std::string base_url;       // how the caller reached us: scheme, host and port, without a slash at its end
  std::string peer;           // the caller's address
};

struct KeystoneReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // JSON, or empty
};

struct KeystoneOptions {
  std::string mount = "/identity";     // the root below base_url
  std::string region = "RegionOne";
  std::string block_storage = "/v3/";  // below base_url; the project id is added
  PasswordCost password_cost = PasswordCost::chosen;  // less for tests only
};

/// An error in Keystone's form.
KeystoneReply keystone_error(int status, std::string_view title, std::string_view message);

/// As much of Keystone's v3 API as unmodified clients need to log in here, find the block storage service and keep
/// users, projects and roles. Thread-safe; blocks on the database. Errors are answers; only failures are thrown.
class LocalKeystone {
 public:
  LocalKeystone(db::Database& database, Clock& clock, Random& random, Tokens& tokens, KeystoneOptions options = {});

  KeystoneReply answer(const KeystoneRequest& request);

 private:
  /// A request whose caller and body are known.
  struct Call {
    const KeystoneRequest& request;
    std::vector<std::string> ids;       // what the pattern's {} stand for
    json::Value body;                   // null when there was none
    std::optional<TokenRecord> caller;  // nobody where a route is open to all
    std::string root;                   // base_url + mount

    const std::string* query(std::string_view name) const;
    bool admin() const { return caller && caller->has_role("admin"); }
  };
  using Answer = Result<KeystoneReply>;
  enum class Access { open, token, admin, self_or_admin };
  struct Route {
    std::string_view method, pattern;
    Access access;
    Answer (LocalKeystone::*handler)(Call&);
  };

  static const std::vector<Route>& routes();
  Answer dispatch(const KeystoneRequest& request);
  Answer serve(const Route& route, Call& call);

  // local_keystone.cpp
  Answer versions(Call& call);
  Answer version(Call& call);

  // local_keystone_auth.cpp
  Answer create_token(Call& call);
  Answer show_token(Call& call);
  Answer check_token(Call& call);
  Answer revoke_token(Call& call);
  Answer auth_projects(Call& call);
  Answer auth_catalog(Call& call);
  Answer empty_list(Call& call);
  Answer services(Call& call);
  Answer endpoints(Call& call);
  Answer regions(Call& call);
  struct Login {
    std::string user_id;
    std::optional<Timestamp> until;  // a token got by a token ends when that one does
    std::string method;
  };
  Result<Login> log_in(Call& call);
  Result<Login> log_in_by_password(Call& call, const json::Value& user);
  Result<std::string> scope_of(const json::Value& auth, std::string_view user_id);
  Result<TokenRecord> subject_of(Call& call);

  // local_keystone_directory.cpp
  Answer list_users(Call& call);
  Answer show_user(Call& call);
  Answer create_user(Call& call);
  Answer update_user(Call& call);
  Answer delete_user(Call& call);
  Answer change_password(Call& call);
  Answer user_projects(Call& call);
  Answer list_projects(Call& call);
  Answer show_project(Call& call);
  Answer create_project(Call& call);
  Answer update_project(Call& call);
  Answer delete_project(Call& call);
  Answer list_roles(Call& call);
  Answer show_role(Call& call);
  Answer create_role(Call& call);
  Answer update_role(Call& call);
  Answer delete_role(Call& call);
  Answer list_assignments(Call& call);
  Answer roles_in_project(Call& call);
  Answer grant(Call& call);
  Answer check_grant(Call& call);
  Answer revoke(Call& call);
  Answer list_domains(Call& call);
  Answer show_domain(Call& call);
  Result<std::string> hashed(std::string_view password);
  /// Runs `work` in a transaction; a name that exists already is refused as a conflict. Cached tokens are forgotten after it.
  Answer change(const std::function<Answer(db::Transaction&)>& work);

  db::Database& database_;
  Random& random_;
  Tokens& tokens_;
  const KeystoneOptions options_;
  LoginGuard guard_;
};

}  // namespace scoria::local
