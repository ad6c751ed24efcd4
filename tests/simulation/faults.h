#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace scoria::simulation {

/// Everything that goes wrong in a run gets a number here, in the order in which it happens; of a run that is being made
/// smaller, only some numbers do happen.
class Faults {
 public:
  /// `kept`: "3,7-9"; empty: all. Throws std::invalid_argument for anything else.
  explicit Faults(std::string_view kept);
  /// The next fault: may it happen?
  bool happens();
  /// How many there were, whether they happened or not.
  std::uint64_t count() const { return count_; }

 private:
  std::uint64_t count_ = 0;
  bool all_ = true;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> kept_;  // first and last, ascending
};

std::vector<std::uint64_t> numbers_of(std::string_view ranges);
/// "3,7-9" of ascending numbers.
std::string ranges_of(const std::vector<std::uint64_t>& numbers);

}  // namespace scoria::simulation
