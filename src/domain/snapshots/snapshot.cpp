#include "domain/snapshots/snapshot.h"

#include <array>

namespace scoria {
namespace {
constexpr std::array<std::string_view, 10> names = {"creating", "available",      "deleting",   "deleted",    "updating",
                                                    "error",    "error_deleting", "unmanaging", "backing-up", "restoring"};
}

std::string_view to_text(SnapshotStatus status) { return names[static_cast<std::size_t>(status)]; }

bool parse(std::string_view text, SnapshotStatus& out) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != text) continue;
    out = static_cast<SnapshotStatus>(i);
    return true;
  }
  return false;
}

std::string sql_list(std::initializer_list<SnapshotStatus> statuses) {
  std::string out;
  for (const SnapshotStatus status : statuses) {
    if (!out.empty()) out += ", ";
    out += "'" + std::string(to_text(status)) + "'";
  }
  return out;
}

}  // namespace scoria
