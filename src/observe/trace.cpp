#include "observe/trace.h"

#include <fmt/core.h>

namespace scoria {
namespace {

/// The next field of exactly `digits` lower-case hexadecimal digits, ended by '-' or by the end.
bool field(std::string_view& text, std::size_t digits, std::string& out) {
  if (text.size() < digits || (text.size() > digits && text[digits] != '-')) return false;
  out = text.substr(0, digits);
  if (out.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
  text.remove_prefix(std::min(digits + 1, text.size()));
  return true;
}

bool all_zero(const std::string& text) { return text.find_first_not_of('0') == std::string::npos; }

/// Never zero: that stands for "no span".
std::uint64_t nonzero(Random& random) {
  std::uint64_t out = 0;
  while (out == 0) out = random.next();
  return out;
}

}  // namespace

Trace Trace::fresh(Random& random) {
  return {fmt::format("{:016x}{:016x}", nonzero(random), random.next()), fmt::format("{:016x}", nonzero(random)), false};
}

Trace Trace::child(Random& random) const { return {trace_id, fmt::format("{:016x}", nonzero(random)), sampled}; }

std::string Trace::header() const { return fmt::format("00-{}-{}-{}", trace_id, span_id, sampled ? "01" : "00"); }

std::optional<Trace> parse_traceparent(std::string_view header) {
  Trace out;
  std::string version, flags;
  if (!field(header, 2, version) || !field(header, 32, out.trace_id) || !field(header, 16, out.span_id) || !field(header, 2, flags)) return std::nullopt;
  if (version == "ff" || (version == "00" && !header.empty()) || all_zero(out.trace_id) || all_zero(out.span_id)) return std::nullopt;
  out.sampled = std::string_view("13579bdf").find(flags[1]) != std::string_view::npos;
  return out;
}

}  // namespace scoria
