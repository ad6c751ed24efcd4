#include "config/config.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/text.h"
#include "config/resolve.h"
#include "config/unserved.h"
#include "config/value.h"

namespace scoria::config {
namespace {

const Resolved& value_of(const Snapshot& snapshot, std::string_view section, const Option& option) {
  auto in_section = snapshot.values.find(std::string(section));
  // A backend that no source mentions has what all backends have.
  if (in_section == snapshot.values.end()) in_section = snapshot.values.find(std::string(backend_defaults));
  SCORIA_CHECK(in_section != snapshot.values.end(), "options are read from a declared section");
  const auto found = in_section->second.find(option.name);
  SCORIA_CHECK(found != in_section->second.end(), "options are declared to the catalogue before they are read");
  return found->second;
}

/// Sections whose options are values of this configuration: fixed ones, and each backend's own.
std::vector<std::pair<std::string, std::string_view>> sections_of(const Snapshot& snapshot) {
  std::vector<std::pair<std::string, std::string_view>> out;
  for (const Catalogue::Section& section : snapshot.catalogue.sections())
    if (section.name != backend) out.emplace_back(section.name, section.name);
  for (const std::string& section : snapshot.backend_sections) out.emplace_back(section, backend);
  return out;
}

bool of_other_driver(const Snapshot& snapshot, const std::string& section, const Option& option) {
  if (option.driver.empty()) return false;
  const auto driver = snapshot.values.at(section).find("volume_driver");
  return driver != snapshot.values.at(section).end() && driver->second.texts.front() != option.driver;
}

/// A text so that a file with it reads back as the same.
std::string as_in_file(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '$' ? "$$" : c == '\n' ? "\n    " : std::string(1, c);
  const bool quoted = text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted || trimmed(text).size() != text.size() ? '"' + out + '"' : out;
}

std::string lines_of(const Option& option, const Resolved& value) {
  if (option.kind != Kind::multi || value.secret) return fmt::format("{} = {}\n", option.name, as_in_file(shown(option, value)));
  std::string out;
  for (const std::string& text : value.texts) out += fmt::format("{} = {}\n", option.name, as_in_file(text));
  return out;
}

std::string explain_one(const Snapshot& snapshot, const std::string& section, const Option& option) {
  const Resolved& value = value_of(snapshot, section, option);
  std::string out = fmt::format("[{}] {} = {}\n  {}\n  Takes {}; {}.\n", section, option.name, shown(option, value), option.help, describe(option),
                                option.at_run_time ? "a reload applies it" : "a change needs a restart");
  bool first = true;
  const auto line = [&](const std::string& where, const std::string& text) {
    out += fmt::format("  {} {:<40} {}\n", std::exchange(first, false) ? "*" : " ", where, text);
  };
  for (const Candidate& candidate : competing(snapshot, section, option)) {
    line(candidate.where, candidate.names_file ? "file " + candidate.text : shown(option, candidate.text, value.secret));
  }
  line("default", shown(option, option.fallback, value.secret));
  return out;
}

}  // namespace

std::string shown(const Option& option, const std::string& text, bool secret) {
  if (!secret || text.empty()) return text;
  return option.is_url ? masked_url(text) : "***";
}

std::string shown(const Option& option, const Resolved& value) {
  std::string out;
  for (const std::string& text : value.texts) out += (out.empty() ? "" : ", ") + text;
  return shown(option, out, value.secret);
}

void Config::fill(Fields& fields, std::string_view backend_section) const {
  for (Fields::Field& field : fields.all()) {
    const bool of_backend = field.option.section == backend;
    SCORIA_CHECK(!of_backend || backend_section != backend, "options of a backend are read for a backend");
    const Resolved& value = value_of(*snapshot_, of_backend ? backend_section : std::string_view(field.option.section), field.option);
    const auto parsed = parse(field.option, value.texts);
    SCORIA_CHECK(parsed.has_value(), "values were checked when they were loaded");
    store(*parsed, field.slot);
  }
}

std::vector<std::string> Config::backends() const { return snapshot_->backends; }

const std::vector<std::string>& Config::notes() const { return snapshot_->notes; }

std::string Config::show() const {
  std::string out;
  for (const auto& [section, kind] : sections_of(*snapshot_)) {
    out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    for (const Option* option : snapshot_->catalogue.options(kind)) {
      if (kind == backend && of_other_driver(*snapshot_, section, *option)) continue;
      const Resolved& value = value_of(*snapshot_, section, *option);
      if (!value.is_default) out += fmt::format("# {}\n", value.where);
      out += lines_of(*option, value);
    }
  }
  return out;
}

Result<std::string> Config::explain(std::string_view key) const {
  const auto dot = key.rfind('.');
  const std::string_view wanted_section = dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? key : key.substr(dot + 1);
  std::string out;
  std::vector<std::string> names;
  std::string_view unserved;
  for (const auto& [section, kind] : sections_of(*snapshot_)) {
    if (!wanted_section.empty() && section != wanted_section) continue;
    for (const Option* option : snapshot_->catalogue.options(kind)) {
      if (option->name == name) out += (out.empty() ? "" : "\n") + explain_one(*snapshot_, section, *option);
      names.push_back(option->name);
    }
    if (unserved.empty()) unserved = unserved_option(kind, name);
  }
  if (!out.empty()) return out;
  if (!unserved.empty()) return fmt::format("{} is an option of cinder.conf that Scoria does not have: {}\n", name, unserved);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view near = nearest(name, views);
  return refuse(RefusalCode::not_found, "There is no option {}{}", key, near.empty() ? std::string(".") : fmt::format("; did you mean {}?", near));
}

Result<Config::Reloaded> Config::reload() const {
  const Result<Config> next = load(snapshot_->catalogue, snapshot_->sources);
  if (!next) return refuse(next.error());
  Reloaded out{*next, {}};
  const auto compare = [&](const std::string& section, std::string_view kind) {
    for (const Option* option : snapshot_->catalogue.options(kind)) {
      const Resolved& before = value_of(*snapshot_, section, *option);
      const Resolved& after = value_of(*next->snapshot_, section, *option);
      if (before == after) continue;
      out.changes.push_back({fmt::format("[{}] {}", section, option->name), shown(*option, before), shown(*option, after), option->at_run_time});
    }
  };
  for (const auto& [section, kind] : sections_of(*next->snapshot_)) compare(section, kind);
  return out;
}

}  // namespace scoria::config
