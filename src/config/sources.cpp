#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "config/ini.h"

namespace scoria::config {
namespace {

constexpr std::size_t file_limit = 1 << 20;
constexpr int preset_rank = 1, file_rank = 2, environment_rank = 1'000'000, setting_rank = 1'000'001;

class Gatherer {
 public:
  explicit Gatherer(std::vector<std::string>& problems) : problems_(problems) {}

  std::vector<Entry> gather(const Sources& sources) {
    for (const Sources::Preset& preset : sources.presets) add_pair(preset.key + "=" + preset.value, preset_rank, "chosen at start: " + preset.why);
    for (const auto& [name, text] : sources.texts) add_text(name, text);
    for (const Sources::File& file : sources.files) add_file(file.path, file.required);
    for (const std::string& directory : sources.directories) add_directory(directory);
    for (const auto& [name, value] : sources.environment) add_environment(name, value);
    for (const std::string& setting : sources.settings) add_pair(setting, setting_rank, "--set " + setting.substr(0, setting.find('=')));
    return std::move(entries_);
  }

 private:
  void add_file(const std::string& path, bool required) {
    std::error_code error;
    if (!required && !std::filesystem::exists(path, error)) return;
    std::string bytes, problem;
    if (!read_file(path, file_limit, bytes, problem)) return problems_.push_back(problem);
    add_text(path, bytes);
  }

  void add_text(const std::string& name, std::string_view text) {
    Ini ini = parse_ini(text);
    for (const IniProblem& one : ini.problems) problems_.push_back(fmt::format("{}:{}: {}", name, one.line, one.text));
    const int rank = next_file_rank_++;
    for (IniEntry& entry : ini.entries)
      entries_.push_back({std::move(entry.section), std::move(entry.key), std::move(entry.value), rank, fmt::format("{}:{}", name, entry.line), true, false});
  }

  void add_directory(const std::string& path) {
    std::error_code error;
    std::vector<std::string> found;
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
      if (at->path().extension() == ".conf") found.push_back(at->path().string());
    if (error) return problems_.push_back(fmt::format("{}: {}", path, error.message()));
    std::sort(found.begin(), found.end());
    for (const std::string& file : found) add_file(file, true);
  }

  void add_environment(const std::string& name, const std::string& value) {
    for (const std::string_view prefix : {"SCORIA_", "OS_"}) {
      if (!name.starts_with(prefix)) continue;
      const auto middle = name.find("__", prefix.size());
      if (middle == std::string::npos || middle == prefix.size()) continue;
      entries_.push_back({name.substr(prefix.size(), middle - prefix.size()), name.substr(middle + 2), value, environment_rank, "environment " + name, false,
                          true});
    }
  }

  void add_pair(const std::string& setting, int rank, std::string where) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) return problems_.push_back(fmt::format("--set {}: it takes section.key=value", setting));
    const std::string_view name = trimmed(std::string_view(setting).substr(0, equals));
    const auto dot = name.rfind('.');  // the names of backends may hold dots, keys do not
    const std::string_view section = dot == std::string_view::npos ? "DEFAULT" : name.substr(0, dot);
    const std::string_view key = dot == std::string_view::npos ? name : name.substr(dot + 1);
    entries_.push_back({std::string(section), std::string(key), setting.substr(equals + 1), rank, std::move(where), false, false});
  }

  std::vector<std::string>& problems_;
  std::vector<Entry> entries_;
  int next_file_rank_ = file_rank;
};

}  // namespace

std::vector<Entry> gather(const Sources& sources, std::vector<std::string>& problems) { return Gatherer{problems}.gather(sources); }

std::vector<std::pair<std::string, std::string>> environment_of(const char* const* environ) {
  std::vector<std::pair<std::string, std::string>> out;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    const std::string_view one(*environ);
    const auto equals = one.find('=');
    if (equals != std::string_view::npos) out.emplace_back(one.substr(0, equals), one.substr(equals + 1));
  }
  return out;
}

bool read_file(const std::string& path, std::size_t limit, std::string& bytes, std::string& problem) {
  // Not blocking on open: a FIFO without a writer must not hang the start.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  ssize_t count = file < 0 ? -1 : 0;
  bytes.clear();
  char buffer[16384];
  while (file >= 0 && bytes.size() <= limit && (count = ::read(file, buffer, sizeof buffer)) > 0) bytes.append(buffer, static_cast<std::size_t>(count));
  problem.clear();
  if (count < 0) problem = fmt::format("{}: {}", path, std::strerror(errno));
  if (bytes.size() > limit) problem = fmt::format("{}: larger than {} bytes, which is the most that is read", path, limit);
  if (file >= 0) ::close(file);
  return problem.empty();
}

}  // namespace scoria::config
