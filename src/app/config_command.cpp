#include "app/config_command.h"

#include <cstdio>

#include "app/options.h"
#include "config/config.h"
#include "config/document.h"

namespace scoria::app {
namespace {

constexpr const char* usage =
    "usage: scoria config show           the configuration in force, with the origin of what is no default\n"
    "       scoria config explain KEY    which value of KEY (name or section.name) won, and over which\n"
    "       scoria config sample         a file with every option at its default\n"
    "       scoria config reference      the reference page\n";

int say(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0; }

int fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return 1;
}

}  // namespace

int config_command(const std::vector<std::string>& words, const config::Sources& sources) {
  const std::string verb = words.empty() ? "" : words.front();
  if (verb == "sample" && words.size() == 1) return say(config::sample(all_options()));
  if (verb == "reference" && words.size() == 1) return say(config::reference(all_options()));
  const bool explains = verb == "explain" && words.size() == 2;
  if (!explains && !(verb == "show" && words.size() == 1)) {
    std::fputs(usage, stderr);
    return 2;
  }
  const auto loaded = config::load(all_options(), sources);
  if (!loaded) return fail(loaded.error().message);
  for (const std::string& note : loaded->notes()) std::fprintf(stderr, "note: %s\n", note.c_str());
  if (!explains) return say(loaded->show());
  const auto text = loaded->explain(words[1]);
  return text ? say(*text) : fail(text.error().message);
}

}  // namespace scoria::app
