#include "simulation/faults.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace scoria::simulation {
namespace {

using Range = std::pair<std::uint64_t, std::uint64_t>;

std::uint64_t number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) throw std::invalid_argument(fmt::format("'{}' is no number of a fault", text));
  return out;
}

std::vector<Range> parse(std::string_view ranges) {
  std::vector<Range> out;
  while (!ranges.empty()) {
    const auto comma = ranges.find(',');
    const std::string_view range = ranges.substr(0, comma);
    const auto dash = range.find('-');
    const std::uint64_t first = number(range.substr(0, dash));
    out.emplace_back(first, dash == std::string_view::npos ? first : number(range.substr(dash + 1)));
    ranges = comma == std::string_view::npos ? std::string_view{} : ranges.substr(comma + 1);
  }
  return out;
}

}  // namespace

Faults::Faults(std::string_view kept) : all_(kept.empty()), kept_(parse(kept)) {}

bool Faults::happens() {
  ++count_;
  return all_ || std::any_of(kept_.begin(), kept_.end(), [this](const Range& range) { return range.first <= count_ && count_ <= range.second; });
}

std::vector<std::uint64_t> numbers_of(std::string_view ranges) {
  std::vector<std::uint64_t> out;
  for (const auto& [first, last] : parse(ranges))
    for (std::uint64_t n = first; n <= last; ++n) out.push_back(n);
  return out;
}

std::string ranges_of(const std::vector<std::uint64_t>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    out += fmt::format("{}{}{}", out.empty() ? "" : ",", numbers[i], end == i ? "" : fmt::format("-{}", numbers[end]));
    i = end + 1;
  }
  return out;
}

}  // namespace scoria::simulation
