#pragma once
#include <fmt/core.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

/// Logging. Formatting happens on the caller's thread, writing on one writer thread behind a bounded queue that counts
/// what it drops. Never pass a secret.
namespace scoria::log {

enum class Level { debug, info, warning, error };

/// What a line is about; empty members are left out.
struct About {
  std::string_view request = {};    // request id, req-…
  std::string_view operation = {};  // operation id
  std::string_view resource = {};   // "volume 6f…"
};

/// `area` is the part of the program that may be turned up alone: "engine", "http", "driver.file" …
bool enabled(std::string_view area, Level level);
void write(std::string_view area, Level level, const About& about, std::string text);

template <class... Args>
void debug(std::string_view area, const About& about, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(area, Level::debug)) write(area, Level::debug, about, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view area, const About& about, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(area, Level::info)) write(area, Level::info, about, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view area, const About& about, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(area, Level::warning)) write(area, Level::warning, about, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view area, const About& about, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(area, Level::error)) write(area, Level::error, about, fmt::format(text, std::forward<Args>(args)...));
}

/// A finished line, as sinks see it.
struct Line {
  Timestamp time;  // this machine's wall clock; a simulation's sink puts its own instead
  Level level = Level::info;
  std::string area;
  std::string request, operation, resource;  // empty if none
  std::string text;
};

enum class Format { automatic, text, json };  // automatic: text on a terminal, JSON lines otherwise

struct Options {
  Level level = Level::info;
  Format format = Format::automatic;
  int descriptor = 2;               // standard error
  std::size_t queue_limit = 16384;  // lines; more are dropped and counted, so that no caller ever waits for the disk
};

/// Starts the writer thread. Before start() and after stop() lines go straight to standard error, as text.
void start(const Options& options);
/// Writes what is queued, waiting at most `limit` for a descriptor that takes nothing, and ends the writer. Idempotent.
void stop(Duration limit = std::chrono::seconds{2});
/// Lines dropped since the process started: the queue was full, or the descriptor refused them.
std::uint64_t dropped();

/// Hands every line to `sink` on the caller's thread instead of writing it; an empty one ends that. For tests and the simulation.
using Sink = std::function<void(const Line&)>;
void set_sink(Sink sink);

/// Sets the level of every area that begins with `prefix` ("" = all), now and for areas not seen yet. Takes back
/// settings of longer prefixes.
void set_level(std::string_view prefix, Level level);
/// The areas seen so far that begin with `prefix`, with their levels, and the settings made for such prefixes.
std::map<std::string, Level> levels(std::string_view prefix = {});
/// "DEBUG" …, as Cinder's API writes levels.
std::string_view name(Level level);
/// Reads a level's name in any case ("warn" and "critical" too).
std::optional<Level> parse_level(std::string_view text);

}  // namespace scoria::log
