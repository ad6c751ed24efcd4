#include "api/volumes/requests.h"

#include <charconv>

#include "api/listing.h"
#include "api/maps.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

/// Text of a field that may be missing or null, without surrounding white space.
std::string text(const json::Value& body, std::string_view key) {
  const json::Value& value = body[key];
  if (!value.is_string()) return {};
  const auto first = value.string().find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return value.string().substr(first, value.string().find_last_not_of(" \t\r\n") - first + 1);
}

std::string first_of(const json::Value& body, std::string_view key, std::string_view old_key) {
  std::string out = text(body, key);
  return out.empty() ? text(body, old_key) : out;
}

/// Sizes come as numbers or as digits in a text.
Result<std::optional<std::int64_t>> size_of(const json::Value& body) {
  const json::Value& value = body["size"];
  if (value.is_null()) return std::optional<std::int64_t>{};
  if (value.is_integer()) return std::optional{value.integer()};
  if (value.is_string()) {
    std::int64_t number = 0;
    const std::string& digits = value.string();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) return std::optional{number};
  }
  return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute size. Value: {}. It must be a whole number of GiB.", json::to_text(value));
}

}  // namespace

Result<commands::CreateVolumeRequest> read_create_volume(const ApiRequest& request) {
  const json::Value& body = request.body["volume"];
  if (!body.is_object()) return refuse(RefusalCode::invalid_input, "Missing required element 'volume' in request body.");
  if (body["multiattach"].is_bool() && body["multiattach"].boolean())
    return refuse(RefusalCode::invalid_input, "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types.");
  commands::CreateVolumeRequest out;
  out.name = first_of(body, "name", "display_name");
  out.description = first_of(body, "description", "display_description");
  auto size = size_of(body);
  if (!size) return refuse(size.error());
  out.size_gib = *size;
  out.volume_type = text(body, "volume_type");
  out.availability_zone = text(body, "availability_zone");
  out.snapshot_id = text(body, "snapshot_id");
  out.source_volid = text(body, "source_volid");
  for (const std::string_view later : {"imageRef", "image_id", "backup_id", "consistencygroup_id", "group_id"})
    if (!text(body, later).empty()) return refuse(RefusalCode::unsupported, "Creating a volume with '{}' is not served yet by this version of Scoria.", later);
  if (body["metadata"].is_object()) out.metadata = json::to_text(body["metadata"]);
  const json::Value& hints = request.body["OS-SCH-HNT:scheduler_hints"];
  if (hints.is_object()) out.hints = json::to_text(hints);
  return out;
}

Result<commands::DescribeVolumeRequest> read_describe_volume(const ApiRequest& request) {
  const json::Value& body = request.body["volume"];
  commands::DescribeVolumeRequest out;
  for (const std::string_view key : {"display_name", "name"})
    if (body.find(key) != nullptr) out.name = text(body, key);
  for (const std::string_view key : {"display_description", "description"})
    if (body.find(key) != nullptr) out.description = text(body, key);
  if (body["metadata"].is_object()) {
    auto map = replaced(body["metadata"]);
    if (!map) return refuse(map.error());
    out.metadata = std::move(*map);
  }
  return out;
}

Result<commands::DeleteVolumeRequest> read_delete_volume(ApiRequest& request) {
  const auto flag = [&](std::string_view name) {
    const std::string* value = request.query(name);
    return value != nullptr && read_flag(*value).value_or(false);
  };
  commands::DeleteVolumeRequest out;
  out.cascade = flag("cascade");
  out.force = request.since(23) && flag("force");
  if (out.force)
    if (auto allowed = request.enforce("volume:force_delete"); !allowed) return refuse(allowed.error());
  return out;
}

}  // namespace scoria::api
