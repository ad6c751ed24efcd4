#include "commands/types/extra_specs.h"

#include <fmt/core.h>

#include <charconv>

#include "base/text.h"
#include "commands/types/refusals.h"
#include "store/types/types.h"

namespace scoria::commands {
namespace {

constexpr std::string_view zones_key = "RESKEY:availability_zones";
constexpr std::string_view least_key = "provisioning:min_vol_size", most_key = "provisioning:max_vol_size";

/// A size bound in GiB; 0 when the type has none.
Result<std::int64_t> size_bound(const ExtraSpecs& specs, std::string_view key) {
  const auto found = specs.find(key);
  if (found == specs.end()) return 0;
  const std::string_view text = trimmed(found->second);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1)
    return refuse(RefusalCode::invalid_input, "Invalid value '{}' for extra spec {}: it must be a whole number of GiB, at least 1.", found->second, key);
  return number;
}

/// Runs `change` on the specs of the locked, unused type and stores the outcome.
template <class Change>
Result<> change_specs(Services& services, const std::string& id, Change&& change) {
  return services.database.transact(
      [&](db::Transaction& tx) -> Result<> {
        auto type = store::types::lock(tx, id);
        if (!type) return no_such_type(id);
        if (const Result<> changed = change(*type); !changed) return changed;
        if (store::types::in_use(tx, id))
          return refuse(RefusalCode::invalid_state, "Volume type {} is in use: extra specs of a type that volumes have cannot be changed.", id);
        if (const Result<> good = check_extra_specs(type->extra_specs); !good) return good;
        store::types::set_extra_specs(tx, type->id, type->extra_specs);
        return {};
      },
      [&](std::string_view) { return Refusal{RefusalCode::conflict, fmt::format("Volume type {} is being changed; try again.", id), {}}; });
}

}  // namespace

Result<> check_extra_specs(const ExtraSpecs& specs) {
  if (const auto zones = specs.find(zones_key); zones != specs.end()) {
    for (const std::string_view zone : split(zones->second, ','))
      if (trimmed(zone).empty())
        return refuse(RefusalCode::invalid_input, "Invalid value '{}' for extra spec {}: it must be a list of zones, separated by commas.", zones->second, zones_key);
  }
  const auto least = size_bound(specs, least_key), most = size_bound(specs, most_key);
  if (!least) return refuse(least.error());
  if (!most) return refuse(most.error());
  if (*most > 0 && *least > *most)
    return refuse(RefusalCode::invalid_input, "Invalid extra specs: {} ({}) is greater than {} ({}).", least_key, *least, most_key, *most);
  VolumeType type;
  type.extra_specs = specs;
  if (type.is_true("multiattach") && type.is_true("cacheable"))
    return refuse(RefusalCode::invalid_input, "Invalid extra specs: cacheable cannot be set on a type whose volumes may have several attachments.");
  return {};
}

Result<> set_extra_specs(Services& services, const std::string& type, const ExtraSpecs& changes) {
  return change_specs(services, type, [&](VolumeType& found) -> Result<> {
    for (const auto& [key, value] : changes) found.extra_specs.insert_or_assign(key, value);
    return {};
  });
}

Result<> remove_extra_spec(Services& services, const std::string& type, const std::string& key) {
  return change_specs(services, type, [&](VolumeType& found) -> Result<> {
    if (found.extra_specs.erase(key) == 0) return no_such_spec(type, key);
    return {};
  });
}

}  // namespace scoria::commands
