#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/catalogue.h"
#include "config/sources.h"

namespace scoria::config {

/// A value that some source gives an option.
struct Candidate {
  std::string text;
  int rank = 0;
  std::string where;
  bool from_file = false;   // several lines of files add up for Kind::multi
  bool names_file = false;  // `text` is the name of the file that holds the secret
};

/// What an option came to be in one section.
struct Resolved {
  std::vector<std::string> texts;  // substituted; one, or any number for Kind::multi
  std::string where = "default";
  bool secret = false;             // itself, or holds another's value by substitution
  bool is_default = true;
  std::string problem;             // why it has no value

  bool operator==(const Resolved& other) const { return texts == other.texts; }
};

/// All of one configuration.
struct Snapshot {
  Catalogue catalogue;
  Sources sources;
  std::vector<std::string> backends;       // enabled ones, in order
  std::set<std::string> backend_sections;  // those, and sections that look like a backend
  std::map<std::string, std::map<std::string, std::vector<Candidate>>> candidates;  // section, option; weakest first
  std::map<std::string, std::map<std::string, Resolved>> values;                    // section, option
  std::vector<std::string> notes;
};

inline constexpr std::string_view backend_defaults = "backend_defaults";

/// How a value is shown: secrets masked, several texts joined by commas.
std::string shown(const Option& option, const Resolved& value);
std::string shown(const Option& option, const std::string& text, bool secret);

}  // namespace scoria::config
