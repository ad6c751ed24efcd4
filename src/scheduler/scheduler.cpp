#include "scheduler/scheduler.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "base/text.h"
#include "scheduler/facts.h"

namespace scoria::scheduler {
namespace {

constexpr std::string_view ordered_handler = "OrderedHostWeightHandler";
constexpr std::string_view lottery_handler = "StochasticHostWeightHandler";

template <class Known>
const Known* by_name(std::span<const Known> known, std::string_view name) {
  const auto found = std::find_if(known.begin(), known.end(), [name](const Known& item) { return item.name == name; });
  return found == known.end() ? nullptr : &*found;
}

template <class Known>
tl::unexpected<Refusal> nobody_knows(std::string_view what, std::string_view name, std::span<const Known> known) {
  std::vector<std::string_view> names;
  for (const Known& item : known) names.push_back(item.name);
  const std::string_view near = nearest(name, names);
  return refuse(RefusalCode::invalid_input, "There is no {} '{}'.{}", what, name, near.empty() ? "" : fmt::format(" Did you mean {}?", near));
}

/// Indices, the heaviest first; equal ones in their order.
std::vector<std::size_t> by_weight(const std::vector<double>& weights) {
  std::vector<std::size_t> out(weights.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::stable_sort(out.begin(), out.end(), [&weights](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  return out;
}

/// Draws without replacement: the chance of each draw is the share of the weight. Weights are shifted so that none is
/// negative; when all are equal every order is as likely.
std::vector<std::size_t> by_lottery(std::vector<double> weights, Random& random) {
  const double least = weights.empty() ? 0 : *std::min_element(weights.begin(), weights.end());
  for (double& weight : weights) weight -= std::min(least, 0.0);
  std::vector<std::size_t> left(weights.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::vector<std::size_t> out;
  while (!left.empty()) {
    double sum = 0;
    for (const std::size_t index : left) sum += weights[index];
    std::size_t pick = static_cast<std::size_t>(random.below(left.size()));
    double ticket = static_cast<double>(random.below(1U << 30)) / (1U << 30) * sum;
    for (std::size_t at = 0; sum > 0 && at < left.size(); ++at) {
      ticket -= weights[left[at]];
      if (ticket >= 0) continue;
      pick = at;
      break;
    }
    out.push_back(left[pick]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  return out;
}

}  // namespace

Scheduler::Scheduler() : Scheduler(*make({})) {}

Result<Scheduler> Scheduler::make(const SchedulerOptions& options) {
  Scheduler out{Nothing{}};
  out.multipliers_ = options.multipliers;
  for (const Filter& filter : standing_filters()) out.filters_.push_back(&filter);
  for (const std::string& name : options.filters) {
    const Filter* filter = by_name(known_filters(), name);
    if (filter == nullptr) return nobody_knows("filter", name, known_filters());
    out.filters_.push_back(filter);
  }
  for (const std::string& name : options.weighers) {
    const Weigher* weigher = by_name(known_weighers(), name);
    if (weigher == nullptr) return nobody_knows("weigher", name, known_weighers());
    out.weighers_.push_back(weigher);
  }
  if (options.handler != ordered_handler && options.handler != lottery_handler) {
    return refuse(RefusalCode::invalid_input, "There is no weight handler '{}': it is {} or {}.", options.handler, ordered_handler, lottery_handler);
  }
  out.lottery_ = options.handler == lottery_handler;
  return out;
}

Verdict Scheduler::judge(const Candidate& candidate, const PlacementRequest& request) const {
  Verdict out{.host = candidate.pool.host(), .taken = candidate.pool.taken_by(request.size)};
  for (const Filter* filter : filters_) {
    if (std::optional<Objection> objection = filter->examine(candidate, request)) out.objections.push_back(std::move(*objection));
  }
  return out;
}

std::vector<std::string> Scheduler::ignored_hints(const PlacementRequest& request) const {
  std::vector<std::string> out;
  for (const Filter& filter : known_filters()) {
    const bool used = std::find(filters_.begin(), filters_.end(), &filter) != filters_.end();
    if (used || filter.hinted == nullptr || !filter.hinted(request)) continue;
    out.push_back(fmt::format("A scheduler hint has no effect: {} is not in scheduler_default_filters.", filter.name));
  }
  return out;
}

Decision Scheduler::place(const PlacementRequest& request, std::span<const PoolState> pools, Random& random) const {
  Decision out;
  out.explanation.wanted = request.size;
  out.explanation.notes = ignored_hints(request);
  out.explanation.candidates.reserve(pools.size());
  std::vector<Candidate> passed;
  std::vector<Verdict*> verdicts;  // of those that passed
  for (const PoolState& pool : pools) {
    Candidate candidate{pool, facts_of(pool)};
    Verdict& verdict = out.explanation.candidates.emplace_back(judge(candidate, request));
    if (!verdict.passed()) continue;
    passed.push_back(std::move(candidate));
    verdicts.push_back(&verdict);
  }
  for (const Weigher* weigher : weighers_) {
    const std::vector<double> weights = scaled(weigher->weigh(passed, request, random));
    for (std::size_t at = 0; at < weights.size(); ++at) {
      const double weight = weights[at] * (multipliers_.*weigher->multiplier);
      verdicts[at]->weights.emplace_back(weigher->name, weight);
      verdicts[at]->weight += weight;
    }
  }
  std::vector<double> sums;
  for (const Verdict* verdict : verdicts) sums.push_back(verdict->weight);
  for (const std::size_t at : lottery_ ? by_lottery(sums, random) : by_weight(sums)) {
    out.places.push_back({passed[at].pool.backend, passed[at].pool.name, verdicts[at]->taken});
  }
  return out;
}

}  // namespace scoria::scheduler
