#pragma once
#include <span>
#include <string_view>

#include "api/microversion.h"
#include "base/time.h"
#include "json/writer.h"

/// What answers show of a resource stands in tables: one row per member, with the microversions that have it and who sees
/// it. `Sight` is what the caller may see, worked out once per request; `Resource` the row with what is joined to it.
namespace scoria::api {

template <class Sight, class Resource>
struct ViewField {
  std::string_view name;
  int since = 0;                                                   // 3.N
  int until = no_limit;
  bool (*shown)(const Sight&, const Resource&) = nullptr;          // nullptr: to everybody, always
  void (*value)(json::Writer&, const Sight&, const Resource&) = nullptr;  // writes the value, and only it
};

/// Writes the members that this version and this caller have, in the order of the table. The object is the caller's.
template <class Sight, class Resource>
void write_members(json::Writer& out, std::span<const ViewField<Sight, Resource>> fields, Microversion version, const Sight& sight,
                   const Resource& resource) {
  for (const ViewField<Sight, Resource>& field : fields) {
    if (version.minor < field.since || version.minor > field.until) continue;
    if (field.shown != nullptr && !field.shown(sight, resource)) continue;
    field.value(out.plain_key(field.name), sight, resource);
  }
}

/// A time as Cinder writes it; unset: null.
inline void write_time(json::Writer& out, Timestamp time) {
  if (!time) {
    out.null();
    return;
  }
  const auto characters = iso_characters(time);
  out.string({characters.data(), characters.size()});
}

}  // namespace scoria::api
