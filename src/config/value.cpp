#include "config/value.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace scoria::config {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number out{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return out;
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit size_units[] = {{"TiB", gib * 1024}, {"GiB", gib}, {"MiB", mib}, {"KiB", kib}, {"B", 1}};
constexpr Unit time_units[] = {{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}};

/// "10 GiB", "1.5h"; a bare number counts in `bare`. Nothing if it is neither, negative, or too large.
std::optional<std::int64_t> quantity(std::string_view text, std::span<const Unit> units, std::int64_t bare) {
  const auto split_at = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto count = number<double>(text.substr(0, split_at));
  const std::string unit = lower_case(trimmed(text.substr(split_at)));
  std::int64_t factor = unit.empty() ? bare : 0;
  for (const Unit& one : units)
    if (unit == lower_case(one.name)) factor = one.factor;
  if (!count || factor == 0) return std::nullopt;
  const double product = *count * static_cast<double>(factor);
  if (!(product < 9e18)) return std::nullopt;
  // Whole counts exactly: a double has 53 bits only.
  if (const auto whole = number<std::int64_t>(text.substr(0, split_at))) return *whole * factor;
  return std::llround(product);
}

std::string with_unit(std::int64_t amount, std::span<const Unit> units, std::string_view between) {
  for (const Unit& unit : units)
    if (amount != 0 && amount % unit.factor == 0) return fmt::format("{}{}{}", amount / unit.factor, between, unit.name);
  return std::to_string(amount);
}

std::string size_text(std::int64_t bytes) { return with_unit(bytes, size_units, " "); }
std::string time_text(std::int64_t micros) { return with_unit(micros, time_units, ""); }

std::optional<bool> boolean(std::string_view text) {
  const std::string lower = lower_case(text);
  if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return true;
  if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return false;
  return std::nullopt;
}

bool is_host(std::string_view text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%";
  return !text.empty() && text.size() <= 255 && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Bounds are in seconds for durations, in bytes for sizes.
bool in_bounds(const Option& option, double amount) {
  return amount >= option.least.value_or(option.smallest) && amount <= option.most.value_or(option.largest) && amount >= option.smallest &&
         amount <= option.largest;
}

bool allowed(const Option& option, const std::string& text) {
  return option.allowed.empty() || std::find(option.allowed.begin(), option.allowed.end(), text) != option.allowed.end();
}

std::optional<Value> parse_list(const Option& option, std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, ',')) {
    if (trimmed(part).empty()) continue;
    out.emplace_back(trimmed(part));
    if (!allowed(option, out.back())) return std::nullopt;
  }
  return out;
}

/// A value of one text; nothing if it is no value of this option.
std::optional<Value> parse_one(const Option& option, const std::string& raw) {
  const std::string_view text = trimmed(raw);
  const auto bounded = [&option](auto amount, double unit) -> std::optional<Value> {
    if (!amount || !in_bounds(option, static_cast<double>(*amount) / unit)) return std::nullopt;
    return Value{*amount};
  };
  switch (option.kind) {
    case Kind::boolean:
      if (const auto flag = boolean(text)) return Value{*flag};
      return std::nullopt;
    case Kind::integer:
    case Kind::port: return bounded(number<std::int64_t>(text), 1);
    case Kind::real: {
      const auto real = number<double>(text);
      if (!real || !std::isfinite(*real)) return std::nullopt;
      return bounded(real, 1);
    }
    case Kind::size: return bounded(quantity(text, size_units, 1), 1);
    case Kind::duration: return bounded(quantity(text, time_units, 1'000'000), 1e6);
    case Kind::list: return parse_list(option, text);
    case Kind::host:
      if (!raw.empty() && !is_host(raw)) return std::nullopt;
      return Value{raw};
    case Kind::text:
    case Kind::secret:
      if (!allowed(option, raw)) return std::nullopt;
      return Value{raw};
    case Kind::multi: return Value{std::vector<std::string>{raw}};
  }
  return std::nullopt;
}

/// Whole numbers without a fraction, others as short as they go.
std::string plain(double amount) {
  if (amount == std::floor(amount) && std::abs(amount) < 1e15) return std::to_string(static_cast<std::int64_t>(amount));
  return fmt::format("{}", amount);
}

std::string bound_text(const Option& option, double bound) {
  if (option.kind == Kind::size) return size_text(static_cast<std::int64_t>(bound));
  if (option.kind == Kind::duration) return time_text(static_cast<std::int64_t>(bound * 1e6));
  return plain(bound);
}

}  // namespace

tl::expected<Value, std::string> parse(const Option& option, const std::vector<std::string>& texts) {
  if (option.kind == Kind::multi) return Value{texts};
  const std::string text = texts.empty() ? std::string{} : texts.back();
  const std::optional<Value> value = parse_one(option, text);
  if (!value) return tl::unexpected("is not " + describe(option));
  if (option.problem)
    if (const std::string problem = option.problem(text); !problem.empty()) return tl::unexpected(problem);
  return *value;
}

void store(const Value& value, const Slot& slot) {
  struct {
    const Value& value;
    void operator()(bool* out) const { *out = std::get<bool>(value); }
    void operator()(int* out) const { *out = static_cast<int>(std::get<std::int64_t>(value)); }
    void operator()(std::int64_t* out) const { *out = std::get<std::int64_t>(value); }
    void operator()(std::uint16_t* out) const { *out = static_cast<std::uint16_t>(std::get<std::int64_t>(value)); }
    void operator()(double* out) const { *out = std::get<double>(value); }
    void operator()(std::string* out) const { *out = std::get<std::string>(value); }
    void operator()(std::vector<std::string>* out) const { *out = std::get<std::vector<std::string>>(value); }
    void operator()(Bytes* out) const { out->count = std::get<std::int64_t>(value); }
    void operator()(Duration* out) const { *out = Duration{std::get<std::int64_t>(value)}; }
    void operator()(Secret* out) const { *out = Secret(std::get<std::string>(value)); }
  } put{value};
  std::visit(put, slot);
}

std::string to_text(const Slot& slot, Kind kind) {
  struct {
    Kind kind;
    std::string operator()(const bool* in) const { return *in ? "true" : "false"; }
    std::string operator()(const int* in) const { return std::to_string(*in); }
    std::string operator()(const std::int64_t* in) const { return std::to_string(*in); }
    std::string operator()(const std::uint16_t* in) const { return std::to_string(*in); }
    std::string operator()(const double* in) const { return fmt::format("{}", *in); }
    std::string operator()(const std::string* in) const { return *in; }
    std::string operator()(const std::vector<std::string>* in) const {
      std::string out;
      for (const std::string& item : *in) out += (out.empty() ? "" : kind == Kind::multi ? "\n" : ",") + item;
      return out;
    }
    std::string operator()(const Bytes* in) const { return size_text(in->count); }
    std::string operator()(const Duration* in) const { return time_text(in->count()); }
    std::string operator()(const Secret* in) const { return in->reveal(); }
  } text{kind};
  return std::visit(text, slot);
}

std::string bounds(const Option& option) {
  std::string out = option.kind == Kind::list ? "of" : "one of";
  for (std::size_t i = 0; i < option.allowed.size(); ++i) out += (i == 0 ? " " : ", ") + option.allowed[i];
  if (!option.allowed.empty()) return out;
  if (option.least && option.most) return fmt::format("from {} to {}", bound_text(option, *option.least), bound_text(option, *option.most));
  if (option.least) return fmt::format("at least {}", bound_text(option, *option.least));
  if (option.most) return fmt::format("at most {}", bound_text(option, *option.most));
  return {};
}

std::string describe(const Option& option) {
  const std::string limits = bounds(option);
  const auto limited = [&](std::string_view noun) { return fmt::format("{}{}{}", noun, limits.empty() ? "" : ", ", limits); };
  switch (option.kind) {
    case Kind::boolean: return "true or false";
    case Kind::integer: return limited("a whole number");
    case Kind::port: return limited("a port number");
    case Kind::real: return limited("a number");
    case Kind::size: return limited("a size such as 512 MiB or 10 GiB");
    case Kind::duration: return limited("a time such as 250ms, 30s or 5min (a bare number: seconds)");
    case Kind::list: return limited("a list separated by commas");
    case Kind::host: return "a host name or IP address";
    case Kind::text:
    case Kind::secret: return limits.empty() ? "a text" : limits;
    case Kind::multi: return "a text, the key repeated for each";
  }
  return {};
}

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "boolean";
    case Kind::integer: return "integer";
    case Kind::real: return "number";
    case Kind::text: return "text";
    case Kind::list: return "list";
    case Kind::multi: return "repeated text";
    case Kind::size: return "size";
    case Kind::duration: return "time";
    case Kind::port: return "port";
    case Kind::host: return "host";
    case Kind::secret: return "secret";
  }
  return "?";
}

}  // namespace scoria::config
