#include "app/config_command.h"

#include <cstdio>

#include "app/options.h"
#include "config/config.h"
#include "config/document.h"

namespace scoria::app {
namespace {

int say(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0; }

int fail(const std::string& text) {
  std::fprintf(stderr, "scoria: %s\n", text.c_str());
  return 1;
}

Result<config::Config> load(const config::Sources& sources) {
  auto loaded = config::load(all_options(), sources);
  if (loaded)
    for (const std::string& note : loaded->notes()) std::fprintf(stderr, "note: %s\n", note.c_str());
  return loaded;
}

}  // namespace

int config_sample(const cli::Given&, const config::Sources&) { return say(config::sample(all_options())); }
int config_reference(const cli::Given&, const config::Sources&) { return say(config::reference(all_options())); }

int config_show(const cli::Given&, const config::Sources& sources) {
  const auto loaded = load(sources);
  return loaded ? say(loaded->show()) : fail(loaded.error().message);
}

int config_explain(const cli::Given& given, const config::Sources& sources) {
  const auto loaded = load(sources);
  if (!loaded) return fail(loaded.error().message);
  const auto text = loaded->explain(given.text("key"));
  return text ? say(*text) : fail(text.error().message);
}

}  // namespace scoria::app
