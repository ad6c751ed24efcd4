#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace scoria {

/// W3C trace context: carried from a request through its operation to every call it makes.
struct Trace {
  std::string trace_id;  // 32 lower-case hexadecimal digits, not all zero
  std::string span_id;   // 16, the same
  bool sampled = false;

  static Trace fresh(Random& random);
  /// The same trace with a span of its own, for a call made on its behalf.
  Trace child(Random& random) const;
  /// The `traceparent` header.
  std::string header() const;
};

/// Reads a `traceparent` header; nothing if it is malformed (the caller then starts a fresh trace). Versions to come
/// are read as version 00.
std::optional<Trace> parse_traceparent(std::string_view header);

}  // namespace scoria
