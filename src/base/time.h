#pragma once
#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace scoria {

using Duration = std::chrono::microseconds;
using namespace std::chrono_literals;

/// A moment of this machine's monotonic clock (CLOCK_BOOTTIME: it counts suspend). Comparable within one process only.
struct Instant {
  Duration since_boot{};
  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {since_boot + d}; }
  constexpr Duration operator-(Instant other) const { return since_boot - other.since_boot; }
};
inline constexpr Instant never{Duration::max()};

/// A stored moment: microseconds since 1970 UTC, always taken from the database's clock. 0 = unset.
struct Timestamp {
  std::int64_t micros = 0;
  constexpr auto operator<=>(const Timestamp&) const = default;
  constexpr explicit operator bool() const { return micros != 0; }
  constexpr Timestamp operator+(Duration d) const { return {micros + d.count()}; }
  constexpr Duration operator-(Timestamp other) const { return Duration{micros - other.micros}; }
};

/// `2026-01-31T12:34:56.000000`, as Cinder writes times.
std::string to_iso(Timestamp time);
/// The same without a string.
std::array<char, 26> iso_characters(Timestamp time);
/// `2026-01-31T12:34:56Z`-like text of RFC 3339, for Scoria's own API.
std::string to_rfc3339(Timestamp time);
/// Reads both of the above, with or without fraction, `Z` or `+hh:mm`, or a date alone. False when it is neither.
bool parse_time(std::string_view text, Timestamp& out);

}  // namespace scoria
