#include "drivers/names.h"

namespace scoria::drivers {
namespace {

constexpr Bytes sector{512};

bool plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; }

}  // namespace

bool valid_name(std::string_view name) { return !name.empty() && name.size() <= 200 && name.front() != '.' && std::all_of(name.begin(), name.end(), plain); }

Bytes sector_multiple(Bytes unit) { return round_up(std::max(unit, sector), sector); }

Bytes effective_size(Bytes requested, const PoolReport& pool) {
  return round_up(std::max(requested, pool.minimum_size), sector_multiple(pool.allocation_unit));
}

std::vector<std::string> abilities(const Driver& driver) {
  std::vector<std::string> out;
  const auto add = [&out](bool has, const char* name) {
    if (has) out.emplace_back(name);
  };
  add(dynamic_cast<const Extends*>(&driver) != nullptr, "extend");
  add(dynamic_cast<const Snapshots*>(&driver) != nullptr, "snapshot");
  add(dynamic_cast<const Flattens*>(&driver) != nullptr, "flatten");
  add(dynamic_cast<const ChangedBlocks*>(&driver) != nullptr, "changed_blocks");
  add(dynamic_cast<const Holds*>(&driver) != nullptr, "hold");
  return out;
}

}  // namespace scoria::drivers
