#include "config/catalogue.h"

#include <fmt/core.h>

#include "base/check.h"

namespace scoria::config {
namespace {

std::string full_name(std::string_view section, std::string_view key) { return fmt::format("{}.{}", section, key); }

}  // namespace

Catalogue& Catalogue::add(Fields& fields) {
  if (!fields.driver().empty()) drivers_.insert(fields.driver());
  for (const auto& [name, about] : fields.sections()) {
    const auto same = [&wanted = name](const Section& section) { return section.name == wanted; };
    const auto known = std::find_if(sections_.begin(), sections_.end(), same);
    if (known == sections_.end()) {
      sections_.push_back({name, about});
    } else if (known->about.empty()) {
      known->about = about;
    }
  }
  for (Fields::Field& field : fields.all()) {
    const std::string name = full_name(field.option.section, field.option.name);
    for (const std::string& old_name : field.option.old_names) old_names_.emplace(old_name, name);
    order_.push_back(name);
    SCORIA_CHECK(options_.emplace(name, std::move(field.option)).second, "an option is declared once");
  }
  return *this;
}

const Option* Catalogue::find(std::string_view section, std::string_view key) const {
  const auto found = options_.find(full_name(section, key));
  return found == options_.end() ? nullptr : &found->second;
}

Catalogue::Match Catalogue::match(std::string_view section, std::string_view key) const {
  if (const Option* option = find(section, key)) return {option, false, false};
  if (const auto old_name = old_names_.find(full_name(section, key)); old_name != old_names_.end())
    return {&options_.find(old_name->second)->second, false, true};
  constexpr std::string_view suffix = "_file";
  if (!key.ends_with(suffix)) return {};
  const Option* option = find(section, key.substr(0, key.size() - suffix.size()));
  if (option == nullptr || option->kind != Kind::secret) return {};
  return {option, true, false};
}

std::vector<const Option*> Catalogue::options(std::string_view section) const {
  std::vector<const Option*> out;
  for (const std::string& name : order_) {
    const Option& option = options_.find(name)->second;
    if (option.section == section) out.push_back(&option);
  }
  return out;
}

}  // namespace scoria::config
