#include "domain/qos/qos_specs.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace scoria {
namespace {

constexpr std::string_view limits[] = {"total_iops_sec", "read_iops_sec", "write_iops_sec", "total_bytes_sec", "read_bytes_sec", "write_bytes_sec"};

/// The number that stands under `name`, taken out.
std::optional<std::int64_t> take(Specs& specs, const std::string& name) {
  if (!specs.contains(name)) return std::nullopt;
  const std::int64_t number = limit_of(specs, name);
  specs.erase(name);
  return number;
}

}  // namespace

std::int64_t limit_of(const Specs& resolved, std::string_view name) {
  const auto found = resolved.find(name);
  if (found == resolved.end()) return 0;
  std::int64_t number = 0;
  const char* end = found->second.data() + found->second.size();
  const auto read = std::from_chars(found->second.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end && number > 0 ? number : 0;
}

Specs resolve_for(const Specs& specs, std::int64_t size_gib) {
  Specs out = specs;
  for (const std::string_view limit : limits) {
    const std::string name(limit);
    const auto each = take(out, name + "_per_gb");
    const auto least = take(out, name + "_per_gb_min");
    if (!each) continue;
    const std::int64_t fits = std::numeric_limits<std::int64_t>::max() / std::max<std::int64_t>(size_gib, 1);
    std::int64_t value = std::max(std::min(*each, fits) * size_gib, least.value_or(0));
    if (const auto most = take(out, name + "_max"); most && *most > 0) value = std::min(value, *most);
    out[name] = std::to_string(value);
  }
  return out;
}

}  // namespace scoria
