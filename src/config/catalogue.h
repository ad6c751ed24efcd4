#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.h"

namespace scoria::config {

/// Every option this program has, collected from the structs that declare them. The program builds one at its start.
class Catalogue {
 public:
  /// Adds what `Options` declares. Declaring one name twice in a section is a bug (asserted).
  template <class Options>
  Catalogue& add() {
    Options options;
    Fields fields;
    options.declare(fields);
    return add(fields);
  }
  Catalogue& add(Fields& fields);

  /// How a key of a file maps to an option.
  struct Match {
    const Option* option = nullptr;
    bool names_file = false;  // `<secret>_file`
    bool old_name = false;
  };
  /// `section` is a fixed one or config::backend. No option: nullptr.
  Match match(std::string_view section, std::string_view key) const;
  const Option* find(std::string_view section, std::string_view key) const;

  struct Section {
    std::string name, about;
  };
  /// Sections in the order they were declared, config::backend among them.
  const std::vector<Section>& sections() const { return sections_; }
  /// The options of a section in the order they were declared.
  std::vector<const Option*> options(std::string_view section) const;
  const std::set<std::string>& drivers() const { return drivers_; }

 private:
  std::vector<Section> sections_;
  std::vector<std::string> order_;  // "section.name"
  std::map<std::string, Option, std::less<>> options_;         // by "section.name"
  std::map<std::string, std::string, std::less<>> old_names_;  // "section.name" to the same of the option
  std::set<std::string> drivers_;
};

}  // namespace scoria::config
