#include "observe/log.h"

#include <unistd.h>

#include <set>

#include "base/clock.h"
#include "observe/log_format.h"
#include "observe/log_writer.h"

namespace scoria::log {
namespace {

struct Logging {
  std::mutex mutex;
  std::shared_ptr<Writer> writer;                                            // guarded by mutex
  std::shared_ptr<const Sink> sink;                                          // guarded by mutex
  std::map<std::string, Level, std::less<>> settings{{"", Level::info}};     // by prefix; guarded by mutex
  std::set<std::string, std::less<>> areas;                                  // guarded by mutex
  std::atomic<Level> lowest{Level::info};  // of the settings: below it nothing is enabled, whatever the area
  std::atomic<bool> uniform{true};         // only the setting for "" exists
  std::atomic<std::uint64_t> dropped{0};
};

/// Never destroyed: lines may be written while the process ends.
Logging& logging() {
  static Logging& instance = *new Logging;
  return instance;
}

/// The setting of the longest prefix. The mutex is held.
Level level_of(const Logging& all, std::string_view area) {
  Level level = Level::info;
  for (const auto& [prefix, set] : all.settings)  // sorted: a longer prefix of the same area comes later
    if (area.starts_with(prefix)) level = set;
  return level;
}

void write_directly(const Line& line) {
  const std::string bytes = as_text(line);
  if (::write(STDERR_FILENO, bytes.data(), bytes.size()) < 0) ++logging().dropped;
}

}  // namespace

bool enabled(std::string_view area, Level level) {
  Logging& all = logging();
  if (level < all.lowest.load(std::memory_order_relaxed)) return false;
  if (all.uniform.load(std::memory_order_relaxed)) return true;
  const std::lock_guard lock(all.mutex);
  return level >= level_of(all, area);
}

void write(std::string_view area, Level level, const About& about, std::string text) {
  Logging& all = logging();
  Line line{SystemClock{}.wall(), level, std::string(area), std::string(about.request), std::string(about.operation), std::string(about.resource),
            std::move(text)};
  std::shared_ptr<Writer> writer;
  std::shared_ptr<const Sink> sink;
  {
    const std::lock_guard lock(all.mutex);
    if (!all.areas.contains(area)) all.areas.emplace(area);
    writer = all.writer;
    sink = all.sink;
  }
  if (sink) {
    (*sink)(line);
  } else if (writer) {
    writer->offer(std::move(line));
  } else {
    write_directly(line);
  }
}

void start(const Options& options) {
  Logging& all = logging();
  set_level("", options.level);
  auto writer = std::make_shared<Writer>(options, all.dropped);
  const std::lock_guard lock(all.mutex);
  all.writer.swap(writer);
}

void stop(Duration limit) {
  std::shared_ptr<Writer> writer;
  {
    const std::lock_guard lock(logging().mutex);
    writer.swap(logging().writer);
  }
  if (writer) writer->stop(limit);
}

std::uint64_t dropped() { return logging().dropped.load(); }

void set_sink(Sink sink) {
  auto installed = sink ? std::make_shared<const Sink>(std::move(sink)) : nullptr;
  const std::lock_guard lock(logging().mutex);
  logging().sink.swap(installed);
}

void set_level(std::string_view prefix, Level level) {
  Logging& all = logging();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.settings, [prefix](const auto& setting) { return setting.first.starts_with(prefix); });
  all.settings.emplace(prefix, level);
  Level lowest = Level::error;
  for (const auto& [unused, set] : all.settings) lowest = std::min(lowest, set);
  all.lowest = lowest;
  all.uniform = all.settings.size() == 1;
}

std::map<std::string, Level> levels(std::string_view prefix) {
  Logging& all = logging();
  std::map<std::string, Level> out;
  const std::lock_guard lock(all.mutex);
  for (const std::string& area : all.areas)
    if (area.starts_with(prefix)) out[area] = level_of(all, area);
  for (const auto& [set_prefix, level] : all.settings)
    if (!set_prefix.empty() && set_prefix.starts_with(prefix)) out[set_prefix] = level;
  return out;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "DEBUG";
    case Level::info: return "INFO";
    case Level::warning: return "WARNING";
    case Level::error: return "ERROR";
  }
  return "?";
}

std::optional<Level> parse_level(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (upper == "WARN") return Level::warning;
  if (upper == "CRITICAL") return Level::error;
  for (const Level level : {Level::debug, Level::info, Level::warning, Level::error})
    if (upper == name(level)) return level;
  return std::nullopt;
}

}  // namespace scoria::log
