#include "simulation/regressions.h"

#include <fmt/core.h>

#include <charconv>
#include <fstream>
#include <stdexcept>

namespace scoria::simulation {

std::vector<Regression> read_regressions(const std::string& path) {
  std::vector<Regression> out;
  std::ifstream file(path);
  if (!file) throw std::invalid_argument(fmt::format("{} cannot be read", path));
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::string run = line.substr(0, line.find('#'));
    std::uint64_t seed = 0;
    const char* const end = run.data() + run.size();
    const auto [settings, error] = std::from_chars(run.data(), end, seed);
    if (error != std::errc{} || (settings != end && *settings != ' ')) throw std::invalid_argument(fmt::format("{}: no seed in '{}'", path, line));
    SeedConfig config = SeedConfig::draw(seed);
    config.apply(std::string_view(settings, static_cast<std::size_t>(end - settings)));
    const auto why = line.find("# ");
    out.push_back({config, why == std::string::npos ? "" : line.substr(why + 2)});
  }
  return out;
}

std::string line_of(const Regression& regression) {
  const std::string changes = regression.config.changes_from(SeedConfig::draw(regression.config.seed));
  return fmt::format("{}{}{} # {}", regression.config.seed, changes.empty() ? "" : " ", changes, regression.why);
}

}  // namespace scoria::simulation
