#pragma once
#include <compare>
#include <string>
#include <string_view>

namespace scoria {

/// A strong id: a VolumeId is not a SnapshotId. The text is what the API shows (a lower-case UUID unless said).
template <class Tag>
struct Id {
  std::string text;
  auto operator<=>(const Id&) const = default;
  bool empty() const { return text.empty(); }
  explicit operator std::string_view() const { return text; }
};

}  // namespace scoria
