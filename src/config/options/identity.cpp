#include "config/options/identity.h"

namespace scoria::config {

void IdentityOptions::declare(Fields& fields) {
  fields.section("DEFAULT");
  fields.add("auth_strategy", &auth_strategy,
             "Who says who a caller is: local (Scoria's own users, in its database), keystone, or nobody (noauth, noauth_include_project_id: for tests only).")
      .choices({"local", "keystone", "noauth", "noauth_include_project_id"}).familiar();
  fields.add("project_id_regex", &project_id_regex, "What a project id in a URL looks like.").familiar();
  fields.section("oslo_policy", "Who may do what.");
  fields.add("policy_file", &policy_file, "YAML file with rules that differ from the defaults. Empty: none.").familiar().live();
  fields.add("enforce_new_defaults", &enforce_new_defaults, "Deprecated alternatives of rules no longer count.").familiar().live();
}

void KeystoneOptions::declare(Fields& fields) {
  fields.section("keystone_authtoken", "How Keystone is asked, with auth_strategy = keystone.");
  fields.add("auth_url", &auth_url, "URL of Keystone.").familiar();
  fields.add("www_authenticate_uri", &www_authenticate_uri, "URL of Keystone that callers without a token are told. Empty: auth_url.").familiar().also(
      "keystone_authtoken.auth_uri");
  fields.add("auth_type", &auth_type, "How Scoria identifies itself.").choices({"password"}).familiar().also("keystone_authtoken.auth_plugin");
  fields.add("username", &username, "Scoria's own user.").familiar().also("keystone_authtoken.admin_user");
  fields.add("password", &password, "Its password.").familiar().also("keystone_authtoken.admin_password");
  fields.add("project_name", &project_name, "Its project.").familiar().also("keystone_authtoken.admin_tenant_name");
  fields.add("user_domain_id", &user_domain_id, "Domain of the user, by id.").familiar();
  fields.add("user_domain_name", &user_domain_name, "Domain of the user, by name.").familiar();
  fields.add("project_domain_id", &project_domain_id, "Domain of the project, by id.").familiar();
  fields.add("project_domain_name", &project_domain_name, "Domain of the project, by name.").familiar();
  fields.add("region_name", &region_name, "Region whose endpoints are used. Empty: any.").familiar();
  fields.add("interface", &interface, "Which endpoints of the catalogue are used.").choices({"internal", "public", "admin"}).familiar();
  fields.add("cafile", &cafile, "Certificates that Keystone's is checked against, PEM. Empty: the system's.").familiar();
  fields.add("insecure", &insecure, "Keystone's certificate is not checked.").familiar();
  fields.add("token_cache_time", &token_cache_time, "How long a validated token is believed without asking again.").between(0, 3600).familiar();
  fields.add("service_token_roles", &service_token_roles, "Roles of which a service token needs one.").familiar();
  fields.add("service_token_roles_required", &service_token_roles_required, "A service token without such a role is refused.").familiar();
}

}  // namespace scoria::config
