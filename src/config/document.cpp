#include "config/document.h"

#include <fmt/core.h>

#include "base/text.h"
#include "config/value.h"

namespace scoria::config {
namespace {

/// The text in lines of at most 100 characters, each behind `prefix`.
std::string wrapped(std::string_view text, std::string_view prefix) {
  std::string out, line;
  for (const std::string_view word : split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > 100) out += fmt::format("{}{}\n", prefix, std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + std::string(word);
  }
  return out + fmt::format("{}{}\n", prefix, line);
}

std::string title(const Catalogue::Section& section) {
  return section.name == backend ? "[backend_defaults] and the section of each backend" : "[" + section.name + "]";
}

std::string facts(const Option& option) {
  std::string out = bounds(option);
  if (!out.empty()) {
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
    out = " " + out + ".";
  }
  if (option.kind == Kind::secret) out += fmt::format(" Or the name of a file that holds it: {}_file.", option.name);
  if (!option.driver.empty()) out += fmt::format(" For volume_driver {}.", option.driver);
  if (!option.old_names.empty()) {
    std::string names;
    for (const std::string& name : option.old_names) names += (names.empty() ? "" : ", ") + name;
    out += fmt::format(" Also read as {}.", names);
  }
  return out;
}

/// A table's cell: no pipe and no newline of the text may end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

constexpr std::string_view introduction = R"(# Configuration

Generated from the declarations in the source by `scoria config reference`; a test keeps it true.

No file is needed. Sources, weakest first: defaults, files (`--config-file`, later ones win; without one
`/etc/scoria/scoria.conf` if it exists), the `*.conf` of `--config-dir` in order of their names, the environment
(`SCORIA_<SECTION>__<KEY>`, for example `SCORIA_DATABASE__CONNECTION`; `OS_<SECTION>__<KEY>` is read as well), the command
line (`--set section.key=value`). `scoria config explain KEY` tells which one won.

Files are oslo.config's: `[section]`, `key = value`; lines that begin with `#` or `;` are comments, lines that begin with a
blank continue the value above; `$name` and `${section.name}` stand for other options and `$$` for a dollar sign. An
unknown key is an error. A key of cinder.conf that Scoria knows and does not have is a warning that says what to do instead.

An option of backends is looked for in the backend's own section, then in `[backend_defaults]`, and
[not in `[DEFAULT]`](../decisions/0001-backend-options.md).

In the tables *cinder* marks options with cinder.conf's name and meaning, *live* those that a reload (SIGHUP) applies; all
others want a restart. Sizes take units (`512 MiB`, `10 GiB`; a bare number counts bytes), times too (`250ms`, `30s`,
`5min`; a bare number counts seconds).
)";

}  // namespace

std::string sample(const Catalogue& catalogue) {
  std::string out = "# Every option of Scoria, commented out at its default. No file is needed to start.\n";
  for (const Catalogue::Section& section : catalogue.sections()) {
    out += fmt::format("\n{}[{}]\n", section.about.empty() ? "" : wrapped(section.about, "# "), section.name == backend ? "backend_defaults" : section.name);
    for (const Option* option : catalogue.options(section.name)) {
      out += fmt::format("\n{}#{} = {}\n", wrapped(option->help + facts(*option), "# "), option->name, option->fallback);
    }
  }
  return out;
}

std::string reference(const Catalogue& catalogue) {
  std::string out(introduction);
  for (const Catalogue::Section& section : catalogue.sections()) {
    out += fmt::format("\n## {}\n\n{}| option | type | default | meaning | |\n|---|---|---|---|---|\n", title(section),
                       section.about.empty() ? "" : section.about + "\n\n");
    for (const Option* option : catalogue.options(section.name)) {
      const std::string fallback = option->fallback.empty() ? "" : "`" + cell(option->fallback) + "`";
      std::string marks = option->as_in_cinder ? "cinder" : "";
      if (option->at_run_time) marks += marks.empty() ? "live" : ", live";
      marks += (marks.empty() ? "" : ", ") + option->first_version;
      out += fmt::format("| `{}` | {} | {} | {} | {} |\n", option->name, name(option->kind), fallback, cell(option->help + facts(*option)), marks);
    }
  }
  return out;
}

}  // namespace scoria::config
