#include "cli/access.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "base/text.h"

namespace scoria::cli {
namespace {

/// A member of Access, its variable, and its key in clouds.yaml ("auth" unless `outside`).
struct Field {
  std::string Access::* member;
  const char* variable;
  const char* key;
  bool outside = false;
};
constexpr Field fields[] = {
    {&Access::auth_url, "OS_AUTH_URL", "auth_url"},
    {&Access::username, "OS_USERNAME", "username"},
    {&Access::user_id, "OS_USER_ID", "user_id"},
    {&Access::password, "OS_PASSWORD", "password"},
    {&Access::user_domain, "OS_USER_DOMAIN_NAME", "user_domain_name"},
    {&Access::project_name, "OS_PROJECT_NAME", "project_name"},
    {&Access::project_id, "OS_PROJECT_ID", "project_id"},
    {&Access::project_domain, "OS_PROJECT_DOMAIN_NAME", "project_domain_name"},
    {&Access::credential_id, "OS_APPLICATION_CREDENTIAL_ID", "application_credential_id"},
    {&Access::credential_name, "OS_APPLICATION_CREDENTIAL_NAME", "application_credential_name"},
    {&Access::credential_secret, "OS_APPLICATION_CREDENTIAL_SECRET", "application_credential_secret"},
    {&Access::token, "OS_TOKEN", "token"},
    {&Access::region, "OS_REGION_NAME", "region_name", true},
    {&Access::interface, "OS_INTERFACE", "interface", true},
    {&Access::ca_file, "OS_CACERT", "cacert", true},
};

bool is_true(const std::string& text) { return lower_case(text) == "true" || text == "1"; }

Access from_variables(const Environment& environment) {
  Access out;
  for (const Field& field : fields)
    if (const std::string value = variable(environment, field.variable); !value.empty()) out.*field.member = value;
  out.insecure = is_true(variable(environment, "OS_INSECURE"));
  return out;
}

Result<Access> from_file(const std::string& path, const std::string& wanted) {
  try {
    const YAML::Node clouds = YAML::LoadFile(path)["clouds"];
    if (!clouds || !clouds.IsMap() || clouds.size() == 0) return refuse(RefusalCode::invalid_input, "{} names no clouds.", path);
    std::vector<std::string> names;
    for (const auto& one : clouds) names.push_back(one.first.as<std::string>());
    if (wanted.empty() && names.size() > 1)
      return refuse(RefusalCode::invalid_input, "{} names several clouds: choose one with --os-cloud or OS_CLOUD ({}).", path, join(names, ", "));
    const YAML::Node cloud = wanted.empty() ? clouds.begin()->second : clouds[wanted];
    if (!cloud) return refuse(RefusalCode::not_found, "{} has no cloud '{}'; it has {}.", path, wanted, join(names, ", "));
    if (!cloud["auth"]) return refuse(RefusalCode::invalid_input, "The cloud '{}' in {} has no 'auth'.", wanted, path);
    Access out;
    for (const Field& field : fields) {
      const YAML::Node from = field.outside ? cloud : cloud["auth"];
      if (from[field.key]) out.*field.member = from[field.key].as<std::string>();
    }
    out.insecure = cloud["verify"] && !cloud["verify"].as<bool>();
    return out;
  } catch (const YAML::Exception& broken) { return refuse(RefusalCode::invalid_input, "{}: {}", path, broken.what()); }
}

std::vector<std::string> places(const Environment& environment) {
  std::vector<std::string> out;
  if (const std::string named = variable(environment, "OS_CLIENT_CONFIG_FILE"); !named.empty()) out.push_back(named);
  const std::string home = variable(environment, "HOME"), state = variable(environment, "XDG_STATE_HOME");
  out.insert(out.end(), {"clouds.yaml", home + "/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml", "/var/lib/scoria/clouds.yaml",
                         (state.empty() ? home + "/.local/state" : state) + "/scoria/clouds.yaml"});
  return out;
}

}  // namespace

std::string variable(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return value;
  return {};
}

Result<Access> find_access(const Environment& environment, const std::string& cloud) {
  const std::string wanted = cloud.empty() ? variable(environment, "OS_CLOUD") : cloud;
  const Access direct = from_variables(environment);
  if (wanted.empty() && !direct.auth_url.empty()) {
    if (!direct.credential_secret.empty() || !direct.token.empty() || (!direct.password.empty() && !(direct.username + direct.user_id).empty()))
      return direct;
    return refuse(RefusalCode::unauthorized,
                  "OS_AUTH_URL is set, but nothing to log in with: set OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME, or OS_CLOUD.");
  }
  std::vector<std::string> looked = places(environment);
  for (const std::string& place : looked) {
    std::error_code unreadable;
    if (!std::filesystem::exists(place, unreadable)) continue;
    auto found = from_file(place, wanted);
    // Whom to trust is a matter of this machine: the variable counts where the file says nothing.
    if (found && found->ca_file.empty()) found->ca_file = direct.ca_file;
    if (found && direct.insecure) found->insecure = true;
    return found;
  }
  return refuse(RefusalCode::unauthorized, "No credentials: OS_AUTH_URL is not set, and there is none of {}.", join(looked, ", "));
}

}  // namespace scoria::cli
