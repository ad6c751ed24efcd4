#include "identity/clouds_yaml.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "os/files.h"

namespace scoria {
namespace {

/// A YAML text in double quotes.
std::string in_quotes(std::string_view text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << std::string(text);
  return out.c_str();
}

std::string text_or(const YAML::Node& node, const std::string& fallback) { return node.IsDefined() && node.IsScalar() ? node.Scalar() : fallback; }

Result<CloudAccess> read_entry(const std::string& path, const CloudAccess& wanted) {
  const std::string text = os::read_file(path);
  try {
    const YAML::Node root = YAML::Load(text);
    const YAML::Node clouds = root.IsMap() ? root["clouds"] : YAML::Node();
    const YAML::Node entry = clouds.IsMap() ? clouds[wanted.cloud] : YAML::Node();
    const YAML::Node auth = entry.IsMap() ? entry["auth"] : YAML::Node();
    const bool same = auth.IsMap() && text_or(auth["username"], "") == wanted.user_name && text_or(auth["project_name"], "") == wanted.project_name;
    if (!same || text_or(auth["password"], "").empty())
      return refuse(RefusalCode::conflict, "{} is there already, without a cloud '{}' of user '{}'", path, wanted.cloud, wanted.user_name);
    CloudAccess out = wanted;
    out.auth_url = text_or(auth["auth_url"], wanted.auth_url);
    out.password = text_or(auth["password"], "");
    out.region = text_or(entry["region_name"], wanted.region);
    return out;
  } catch (const YAML::Exception& error) {
    return refuse(RefusalCode::invalid_input, "{}:{}: {}", path, error.mark.line + 1, error.msg);
  }
}

}  // namespace

std::string clouds_yaml(const CloudAccess& access) {
  return fmt::format(
      "# How OpenStack's clients reach this service: openstack --os-cloud {} volume list\n"
      "clouds:\n"
      "  {}:\n"
      "    auth:\n"
      "      auth_url: {}\n"
      "      username: {}\n"
      "      password: {}\n"
      "      project_name: {}\n"
      "      user_domain_name: {}\n"
      "      project_domain_name: {}\n"
      "    region_name: {}\n"
      "    identity_api_version: 3\n"
      "    volume_api_version: 3\n",
      access.cloud, access.cloud, in_quotes(access.auth_url), in_quotes(access.user_name), in_quotes(access.password), in_quotes(access.project_name),
      in_quotes(access.domain_name), in_quotes(access.domain_name), in_quotes(access.region));
}

Result<CloudsFile> ensure_clouds_yaml(const std::string& path, const CloudAccess& access) {
  const std::filesystem::path file(path);
  const os::Fd directory = os::open_directory(file.has_parent_path() ? file.parent_path().string() : ".");
  if (!os::status_at(directory, file.filename().string())) {
    const os::Fd fresh = os::open_unnamed(directory, O_WRONLY);
    os::write_all(fresh, clouds_yaml(access));
    os::sync(fresh);
    const bool first = os::link_unnamed(fresh, directory, file.filename().string());
    os::sync(directory);
    if (first) return CloudsFile{access, true};
  }
  Result<CloudAccess> there = read_entry(path, access);
  if (!there) return refuse(there.error());
  return CloudsFile{std::move(*there), false};
}

}  // namespace scoria
