#pragma once
#include <string>
#include <utility>
#include <vector>

namespace scoria::config {

/// Where values come from, weakest first: defaults (declared), presets, files, files of directories, environment,
/// settings of the command line.
struct Sources {
  struct Preset {
    std::string key;    // section.key
    std::string value;
    std::string why;    // "not running as root"
  };
  struct File {
    std::string path;
    bool required = true;  // else it may be absent
  };
  std::vector<Preset> presets;           // defaults that the program chooses at its start
  std::vector<std::pair<std::string, std::string>> texts;  // name, content: read like files, before them
  std::vector<File> files;               // later ones win
  std::vector<std::string> directories;  // each one's *.conf in order of their names; a missing directory is an error
  std::vector<std::pair<std::string, std::string>> environment;  // SCORIA_<SECTION>__<KEY>, OS_<SECTION>__<KEY>; others are ignored
  std::vector<std::string> settings;                             // section.key=value; key=value means [DEFAULT]
};

/// The environment in the form that Sources wants, from `environ`.
std::vector<std::pair<std::string, std::string>> environment_of(const char* const* environ);

/// One value of one source, before any meaning.
struct Entry {
  std::string section, key, value;
  int rank = 0;       // a higher one wins; equal only within one file
  std::string where;  // "/etc/scoria/scoria.conf:12", "environment SCORIA_DATABASE__CONNECTION", "--set database.connection"
  bool from_file = false;
  bool from_environment = false;  // section and key are still as the environment has them, in capitals
};

/// Reads everything. What cannot be read or is no configuration is added to `problems`, one sentence each.
std::vector<Entry> gather(const Sources& sources, std::vector<std::string>& problems);

/// A file's bytes, at most `limit`. False and a sentence in `problem` if it cannot be read or is larger.
bool read_file(const std::string& path, std::size_t limit, std::string& bytes, std::string& problem);

}  // namespace scoria::config
