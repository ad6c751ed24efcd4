#pragma once
#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

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

}  // namespace scoria::log
