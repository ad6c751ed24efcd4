#include "domain/volumes/volume.h"

#include <array>

namespace scoria {
namespace {
constexpr std::array<std::string_view, 26> names = {
    "creating", "available", "deleting", "error", "error_deleting", "error_managing", "managing", "attaching", "in-use", "detaching", "maintenance",
    "restoring-backup", "error_restoring", "reserved", "awaiting-transfer", "backing-up", "error_backing-up", "error_extending", "downloading",
    "uploading", "retyping", "extending", "reverting", "unmanaging", "error_unmanaging", "error_managing_deleting"};
}

std::string_view to_text(VolumeStatus status) { return names[static_cast<std::size_t>(status)]; }

bool parse(std::string_view text, VolumeStatus& out) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != text) continue;
    out = static_cast<VolumeStatus>(i);
    return true;
  }
  return false;
}

std::string sql_list(std::initializer_list<VolumeStatus> statuses) {
  std::string out;
  for (const VolumeStatus status : statuses) {
    if (!out.empty()) out += ", ";
    out += "'" + std::string(to_text(status)) + "'";
  }
  return out;
}

}  // namespace scoria
