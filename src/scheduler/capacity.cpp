#include "scheduler/capacity.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace scoria::scheduler {
namespace {

constexpr double auto_ratio_of_an_empty_pool = 20.0;

/// size × factor to the nearest byte, without overflow
Bytes scaled(Bytes size, double factor) {
  constexpr double most = 9.0e18;
  return {std::llround(std::min(static_cast<double>(size.count) * factor, most))};
}

double ratio_between(Bytes part, Bytes whole) { return static_cast<double>(part.count) / static_cast<double>(whole.count); }

double two_decimals_up(double number) { return std::ceil(number * 100 - 1e-12) / 100; }

}  // namespace

std::string in_gib(Bytes size) {
  const double count = static_cast<double>(size.count);
  if (std::abs(count) >= 0.01 * static_cast<double>(gib) || size.count == 0) {
    std::string digits = fmt::format("{:.2f}", count / static_cast<double>(gib));
    while (digits.ends_with('0')) digits.pop_back();
    if (digits.ends_with('.')) digits.pop_back();
    return digits + " GiB";
  }
  if (std::abs(count) >= static_cast<double>(mib)) return fmt::format("{} MiB", size.count / mib);
  return fmt::format("{} bytes", size.count);
}

double over_subscription_of(const PoolState& pool) {
  if (pool.over_subscription) return *pool.over_subscription;
  if (pool.provisioned.count == 0 || !pool.total.known() || !pool.free.known()) return auto_ratio_of_an_empty_pool;
  const Bytes used = pool.total.size - pool.free.size;
  return 1 + ratio_between(pool.provisioned, used + from_gib(1));
}

namespace {

Room room_by_report(const PoolState& pool, bool thick) {
  Room room;
  room.thin = pool.thin && !thick;
  room.ratio = room.thin ? over_subscription_of(pool) : 1;
  if (pool.free.kind != Capacity::Kind::known) return room;
  if (pool.total.kind != Capacity::Kind::known) {
    if (pool.reserved_percentage == 0) return room;
    room.kind = Room::Kind::unusable;
    room.why_unusable = fmt::format("{} % of it are reserved, but the backend does not tell its total size", pool.reserved_percentage);
    return room;
  }
  room.kind = Room::Kind::bounded;
  if (pool.total.size.count <= 0) {
    room.kind = Room::Kind::unusable;
    room.why_unusable = "the backend reports a total size of 0";
    return room;
  }
  const double total_gib = ratio_between(pool.total.size, from_gib(1));
  room.reserved = from_gib(static_cast<std::int64_t>(std::floor(total_gib * pool.reserved_percentage / 100)));
  room.usable = pool.total.size - room.reserved;
  if (room.thin) {
    room.limit = scaled(room.usable, room.ratio);
    room.virtual_free = room.limit - pool.provisioned;
    if (room.ratio < 1) {
      room.kind = Room::Kind::unusable;
      room.why_unusable = fmt::format("its max_over_subscription_ratio is {:.2f}, below 1", room.ratio);
    }
  } else {
    room.limit = room.usable;
    room.virtual_free = std::min(pool.free.size, room.usable - pool.provisioned);
  }
  return room;
}

}  // namespace

Room room_of(const PoolState& pool, bool thick) {
  Room room = room_by_report(pool, thick);
  if (!pool.promise_limit || room.kind == Room::Kind::unusable) return room;
  const Bytes left = *pool.promise_limit - pool.allocated;
  const bool bounded = room.kind == Room::Kind::bounded;
  room.kind = Room::Kind::bounded;
  if (bounded && room.virtual_free <= left) return room;
  room.by_promise = true;
  room.limit = *pool.promise_limit;
  room.virtual_free = left;
  return room;
}

std::optional<Shortage> shortage(const PoolState& pool, Bytes size, bool thick) {
  if (size.count == 0) return std::nullopt;
  const Room room = room_of(pool, thick);
  if (room.kind == Room::Kind::unbounded) return std::nullopt;
  if (room.kind == Room::Kind::unusable) return Shortage{room.why_unusable, std::nullopt, std::nullopt};
  // Cinder also refuses when (provisioned + size) / limit exceeds the ratio: with a ratio of at least 1 that never
  // happens while virtual_free suffices.
  if (size <= room.virtual_free) return std::nullopt;
  Shortage out;
  out.missing = size - room.virtual_free;
  if (room.by_promise) {
    out.reason = fmt::format("{} are needed, {} are left of {} that may be promised", in_gib(size), in_gib(std::max(room.virtual_free, Bytes{})), in_gib(room.limit));
    return out;
  }
  if (!room.thin) {
    out.reason = fmt::format("{} are needed, {} are left of {} usable", in_gib(size), in_gib(std::max(room.virtual_free, Bytes{})), in_gib(room.usable));
    return out;
  }
  out.reason = fmt::format("{} are needed, {} are left: {} of {} usable × {:.2f} are promised", in_gib(size),
                           in_gib(std::max(room.virtual_free, Bytes{})), in_gib(pool.provisioned), in_gib(room.usable), room.ratio);
  if (room.usable.count > 0) out.ratio_needed = two_decimals_up(ratio_between(pool.provisioned + size, room.usable));
  return out;
}

}  // namespace scoria::scheduler
