#include "app/logging.h"

#include "base/text.h"
#include "config/options/general.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

void set_levels(const config::LogOptions& options) {
  log::set_level("", options.debug ? log::Level::debug : log::Level::info);
  for (const std::string& one : options.log_levels) {
    const auto equals = one.find('=');
    if (const auto level = log::parse_level(trimmed(one.substr(equals + 1)))) log::set_level(trimmed(one.substr(0, equals)), *level);
  }
}

log::Format format_of(const std::string& name) {
  if (name == "text") return log::Format::text;
  return name == "json" ? log::Format::json : log::Format::automatic;
}

}  // namespace

void start_logging(const config::Config& config) {
  const auto options = config.read<config::LogOptions>();
  log::start({.format = format_of(options.log_format)});
  set_levels(options);
  for (const std::string& note : config.notes()) log::warning("config", {}, "{}", note);
}

void reload(config::Config& config) {
  auto reloaded = config.reload();
  if (!reloaded) return log::error("config", {}, "the configuration stays as it was: {}", reloaded.error().message);
  for (const config::Config::Change& change : reloaded->changes) {
    log::info("config", {}, "{} changed from '{}' to '{}': {}", change.key, change.before, change.after,
              change.live ? "in force" : "it takes a restart to be in force");
  }
  if (reloaded->changes.empty()) log::info("config", {}, "read again: nothing changed");
  config = reloaded->config;
  set_levels(config.read<config::LogOptions>());
}

}  // namespace scoria::app
