#include "cli/access.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>

namespace scoria::cli {
namespace {

std::string text(const YAML::Node& node, const char* key, const std::string& fallback = {}) {
  return node[key] ? node[key].as<std::string>() : fallback;
}

Result<Access> from_file(const std::string& path, const std::string& wanted) {
  try {
    const YAML::Node clouds = YAML::LoadFile(path)["clouds"];
    if (!clouds || !clouds.IsMap() || clouds.size() == 0) return refuse(RefusalCode::invalid_input, "{} names no clouds.", path);
    if (wanted.empty() && clouds.size() > 1) return refuse(RefusalCode::invalid_input, "{} names several clouds: set OS_CLOUD to one of them.", path);
    const YAML::Node cloud = wanted.empty() ? clouds.begin()->second : clouds[wanted];
    if (!cloud) return refuse(RefusalCode::not_found, "{} has no cloud '{}'.", path, wanted);
    const YAML::Node auth = cloud["auth"];
    if (!auth) return refuse(RefusalCode::invalid_input, "The cloud in {} has no 'auth'.", path);
    return Access{text(auth, "auth_url"), text(auth, "username"), text(auth, "password"), text(auth, "project_name"),
                  text(auth, "user_domain_name", "Default"), text(auth, "project_domain_name", "Default")};
  } catch (const YAML::Exception& broken) {
    return refuse(RefusalCode::invalid_input, "{}: {}", path, broken.what());
  }
}

}  // namespace

std::string variable(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return value;
  return {};
}

Result<Access> find_access(const Environment& environment) {
  const auto get = [&](std::string_view name) { return variable(environment, name); };
  const auto or_default = [](std::string value) { return value.empty() ? std::string("Default") : value; };
  if (!get("OS_AUTH_URL").empty() && !get("OS_USERNAME").empty())
    return Access{get("OS_AUTH_URL"), get("OS_USERNAME"), get("OS_PASSWORD"), get("OS_PROJECT_NAME"), or_default(get("OS_USER_DOMAIN_NAME")),
                  or_default(get("OS_PROJECT_DOMAIN_NAME"))};
  std::vector<std::string> places;
  if (const std::string named = get("OS_CLIENT_CONFIG_FILE"); !named.empty()) places.push_back(named);
  places.insert(places.end(), {"clouds.yaml", get("HOME") + "/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml", "/var/lib/scoria/clouds.yaml"});
  std::string looked;
  for (const std::string& place : places) {
    std::error_code ignored;
    if (std::filesystem::exists(place, ignored)) return from_file(place, get("OS_CLOUD"));
    looked += (looked.empty() ? "" : ", ") + place;
  }
  return refuse(RefusalCode::unauthorized, "No credentials: neither OS_AUTH_URL and OS_USERNAME are set, nor is there any of {}.", looked);
}

}  // namespace scoria::cli
