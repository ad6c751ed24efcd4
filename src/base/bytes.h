#pragma once
#include <compare>
#include <cstdint>

namespace scoria {

/// A size or capacity in bytes. Inside Scoria every size is bytes; GiB exist at Cinder's door only.
struct Bytes {
  std::int64_t count = 0;

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes other) const { return {count + other.count}; }
  constexpr Bytes operator-(Bytes other) const { return {count - other.count}; }
};

inline constexpr std::int64_t kib = std::int64_t{1} << 10;
inline constexpr std::int64_t mib = std::int64_t{1} << 20;
inline constexpr std::int64_t gib = std::int64_t{1} << 30;

constexpr Bytes from_gib(std::int64_t count) { return {count * gib}; }
/// GiB as Cinder shows them: rounded up, so that what is shown always holds what is stored.
constexpr std::int64_t to_gib_up(Bytes size) { return (size.count + gib - 1) / gib; }
/// The next multiple of `unit` (>= 1) that holds `size`.
constexpr Bytes round_up(Bytes size, Bytes unit) { return {(size.count + unit.count - 1) / unit.count * unit.count}; }

}  // namespace scoria
