#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace scoria::config {

/// One `key = value` of a file, before any meaning.
struct IniEntry {
  std::string section;  // as written; "DEFAULT" before the first header
  std::string key;
  std::string value;  // continuation lines joined by newlines; one pair of surrounding quotes taken off
  int line = 0;       // of the key, from 1
};

struct IniProblem {
  int line = 0;
  std::string text;
};

struct Ini {
  std::vector<IniEntry> entries;  // in file order; a repeated key stands repeatedly
  std::vector<IniProblem> problems;
};

/// Reads oslo.config's file format: `[section]` headers, `key = value` or `key: value`, lines that begin with a blank
/// continue the value above, whole lines that begin with `#` or `;` are comments. Any bytes are taken: what is no such
/// file gives problems (at most 20), never more. Limits: 1 MiB, 20,000 entries.
Ini parse_ini(std::string_view text);

}  // namespace scoria::config
