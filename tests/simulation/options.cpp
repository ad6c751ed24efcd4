#include "simulation/options.h"

#include <fmt/core.h>

#include <stdexcept>

#include "simulation/regressions.h"

namespace scoria::simulation {
namespace {

struct Wanted {
  std::uint64_t count = 0, from = 1;
  std::string file, changes;
};

/// The word's meaning, if it has one: what follows it is asked for when it needs it.
template <class Text, class Number>
bool take(const std::string& word, const Text& text, const Number& number, Options& out, Wanted& wanted) {
  if (word == "--seeds") wanted.count = number();
  else if (word == "--seed") wanted.count = 1, wanted.from = number();
  else if (word == "--from") wanted.from = number();
  else if (word == "--seeds-of") wanted.file = text();
  else if (word == "--set") wanted.changes += " " + text();
  else if (word == "--jobs") out.jobs = static_cast<int>(number());
  else if (word == "--mutant") out.mutants = text();
  else if (word == "--mutants") out.task = Options::Task::mutants;
  else if (word == "--within") out.within = number();
  else if (word == "--races") out.task = Options::Task::races;
  else if (word == "--sweep") out.task = Options::Task::sweep;
  else if (word == "--every") out.every = number();
  else if (word == "--only") out.only = number();
  else if (word == "--print-schedule") out.print = true;
  else if (word == "--keep-going") out.keep_going = true;
  else if (word == "--shrink") out.shrink = true;
  else if (word == "--shrink-runs") out.shrink_runs = static_cast<int>(number());
  else if (word == "--as-is") out.shrink = false;
  else if (word == "--keep") out.keep = text();
  else return false;
  return true;
}

}  // namespace

std::optional<Options> parse(const std::vector<std::string>& words, std::string& problem) {
  Options out;
  Wanted wanted;
  std::size_t at = 0;
  const auto text = [&] { return at < words.size() ? words[at++] : std::string{}; };
  const auto number = [&] { return std::strtoull(text().c_str(), nullptr, 10); };
  while (at < words.size()) {
    const std::string word = words[at++];
    if (!take(word, text, number, out, wanted)) return problem = fmt::format("'{}' is not understood", word), std::nullopt;
  }
  if (out.task == Options::Task::races && wanted.count == 0) wanted.count = 200;
  try {
    for (std::uint64_t i = 0; i < wanted.count; ++i) {
      out.seeds.push_back(wanted.from + i);
      out.runs.push_back(SeedConfig::draw(wanted.from + i));
    }
    if (!wanted.file.empty())
      for (const Regression& one : read_regressions(wanted.file)) out.runs.push_back(one.config);
    for (SeedConfig& config : out.runs) config.apply(wanted.changes);
  } catch (const std::invalid_argument& wrong) {
    return problem = wrong.what(), std::nullopt;
  }
  if (out.task == Options::Task::seeds && out.runs.empty()) return std::nullopt;
  if (out.jobs < 1 || out.every < 1) return std::nullopt;
  return out;
}

}  // namespace scoria::simulation
