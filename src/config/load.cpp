#include <fmt/core.h>

#include <sys/stat.h>

#include "base/text.h"
#include "config/config.h"
#include "config/resolve.h"
#include "config/unserved.h"
#include "config/value.h"

namespace scoria::config {
namespace {

constexpr std::size_t most_problems = 30;

std::string upper_words(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if ((c < 'A' || c > 'Z') && (c < '0' || c > '9')) c = '_';
  }
  return out;
}

class Loader {
 public:
  Loader(const Catalogue& catalogue, const Sources& sources) {
    snapshot_.catalogue = catalogue;
    snapshot_.sources = sources;
  }

  Result<std::shared_ptr<const Snapshot>> load() {
    std::vector<Entry> entries = gather(snapshot_.sources, problems_);
    // Fixed sections first: they say which other sections are backends.
    std::vector<Entry> others;
    for (Entry& entry : entries) {
      if (const std::string section = fixed_section(entry); !section.empty()) {
        place_fixed(section, entry);
      } else {
        others.push_back(std::move(entry));
      }
    }
    find_backends(others);
    for (const Entry& entry : others) place_other(entry);
    resolve_all();
    check_drivers();
    if (!problems_.empty()) return refuse(RefusalCode::invalid_input, "{}", joined_problems());
    return std::make_shared<const Snapshot>(std::move(snapshot_));
  }

 private:
  void note(std::string text) {
    if (std::find(snapshot_.notes.begin(), snapshot_.notes.end(), text) == snapshot_.notes.end()) snapshot_.notes.push_back(std::move(text));
  }
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  std::string joined_problems() const {
    std::string out;
    for (std::size_t i = 0; i < std::min(problems_.size(), most_problems); ++i) out += (i == 0 ? "" : "\n") + problems_[i];
    if (problems_.size() > most_problems) out += fmt::format("\n… and {} more", problems_.size() - most_problems);
    return out;
  }

  /// The declared section that this entry's section names; empty if it is another.
  std::string fixed_section(const Entry& entry) const {
    for (const Catalogue::Section& section : snapshot_.catalogue.sections()) {
      if (section.name == backend) continue;
      const bool same = entry.from_environment ? upper_words(section.name) == entry.section : lower_case(section.name) == lower_case(entry.section);
      if (same) return section.name;
    }
    return {};
  }

  void place_fixed(const std::string& section, const Entry& entry) {
    const std::string key = entry.from_environment ? lower_case(entry.key) : entry.key;
    if (const Catalogue::Match match = snapshot_.catalogue.match(section, key); match.option != nullptr) return add(section, match, entry);
    // Environment variables of other programs may begin with OS_.
    if (entry.from_environment && entry.where.starts_with("environment OS_")) return;
    if (section == "DEFAULT" && snapshot_.catalogue.match(backend, key).option != nullptr) {
      misplaced_.emplace_back(key, entry.where);
    } else if (const std::string_view advice = unserved_option(section, key); !advice.empty()) {
      note(fmt::format("{}: [{}] {} has no effect: {}", entry.where, section, key, advice));
    } else {
      problem(unknown(entry.where, section, section, key));
    }
  }

  void add(const std::string& section, const Catalogue::Match& match, const Entry& entry) {
    if (match.old_name) {
      note(fmt::format("{}: [{}] {} is an older name of [{}] {}", entry.where, section, entry.key,
                       match.option->section == backend ? section : match.option->section, match.option->name));
    }
    const std::string& home = match.old_name && match.option->section != backend ? match.option->section : section;
    std::vector<Candidate>& all = snapshot_.candidates[home][match.option->name];
    const auto after = std::upper_bound(all.begin(), all.end(), entry.rank, [](int rank, const Candidate& one) { return rank < one.rank; });
    all.insert(after, {entry.value, entry.rank, entry.where, entry.from_file, match.names_file});
  }

  void find_backends(const std::vector<Entry>& others) {
    if (const Option* enabled = snapshot_.catalogue.find("DEFAULT", "enabled_backends")) {
      const Resolved value = resolve(snapshot_, "DEFAULT", *enabled);
      if (const auto list = parse(*enabled, value.texts)) snapshot_.backends = std::get<std::vector<std::string>>(*list);
    }
    snapshot_.backend_sections.insert(snapshot_.backends.begin(), snapshot_.backends.end());
    for (const Entry& entry : others)
      if (!entry.from_environment && snapshot_.catalogue.match(backend, entry.key).option != nullptr && entry.section != backend_defaults)
        snapshot_.backend_sections.insert(entry.section);
  }

  /// The backend section, or [backend_defaults], that an entry names; empty if neither.
  std::string backend_section(const Entry& entry) const {
    if (!entry.from_environment) {
      return entry.section == backend_defaults || snapshot_.backend_sections.contains(entry.section) ? entry.section : std::string{};
    }
    if (entry.section == upper_words(backend_defaults)) return std::string(backend_defaults);
    for (const std::string& section : snapshot_.backend_sections)
      if (upper_words(section) == entry.section) return section;
    return {};
  }

  void place_other(const Entry& entry) {
    const std::string section = backend_section(entry);
    const std::string key = entry.from_environment ? lower_case(entry.key) : entry.key;
    if (section.empty()) return unknown_section(entry);
    if (const Catalogue::Match match = snapshot_.catalogue.match(backend, key); match.option != nullptr) return add(section, match, entry);
    if (const std::string_view advice = unserved_option(backend, key); !advice.empty()) {
      note(fmt::format("{}: [{}] {} has no effect: {}", entry.where, section, key, advice));
    } else {
      unknown_in_backend_.emplace_back(section, unknown(entry.where, section, backend, key));
    }
  }

  void unknown_section(const Entry& entry) {
    if (entry.from_environment) {
      if (entry.where.starts_with("environment SCORIA_")) problem(fmt::format("{}: there is no section for it", entry.where));
      return;
    }
    if (const std::string_view advice = unserved_section(entry.section); !advice.empty()) {
      return note(fmt::format("{}: section [{}] has no effect: {}", entry.where.substr(0, entry.where.rfind(':')), entry.section, advice));
    }
    if (!reported_sections_.insert(entry.section).second) return;
    std::vector<std::string_view> names{backend_defaults};
    for (const Catalogue::Section& one : snapshot_.catalogue.sections())
      if (one.name != backend) names.push_back(one.name);
    for (const std::string& one : snapshot_.backends) names.push_back(one);
    const std::string_view near = nearest(entry.section, names);
    problem(fmt::format("{}: there is no section [{}]; {}", entry.where, entry.section,
                        near.empty() ? "if it is a backend, name it in [DEFAULT] enabled_backends" : fmt::format("did you mean [{}]?", near)));
  }

  std::string unknown(const std::string& where, const std::string& section, std::string_view kind, const std::string& key) const {
    std::string out = fmt::format("{}: [{}] has no option '{}'", where, section, key.substr(0, 100));
    for (const Catalogue::Section& other : snapshot_.catalogue.sections()) {
      if (snapshot_.catalogue.find(other.name, key) == nullptr) continue;
      return out + fmt::format("; it belongs in {}", other.name == backend ? "the section of a backend" : "[" + other.name + "]");
    }
    std::vector<std::string_view> names;
    for (const Option* option : snapshot_.catalogue.options(kind)) names.push_back(option->name);
    if (const std::string_view near = nearest(key, names); !near.empty()) out += fmt::format("; did you mean {}?", near);
    return out;
  }

  void resolve_all() {
    for (const Catalogue::Section& section : snapshot_.catalogue.sections())
      if (section.name != backend) resolve_section(section.name, section.name);
    resolve_section(std::string(backend_defaults), backend);
    for (const std::string& section : snapshot_.backend_sections) resolve_section(section, backend);
    tell_misplaced();
  }

  void resolve_section(const std::string& section, std::string_view kind) {
    for (const Option* option : snapshot_.catalogue.options(kind)) {
      Resolved value = resolve(snapshot_, section, *option);
      if (value.problem.empty()) {
        if (const auto parsed = parse(*option, value.texts); !parsed) value.problem = parsed.error();
      }
      if (!value.problem.empty()) {
        problem(fmt::format("{}: [{}] {} = {} {}", value.where, section, option->name, shown(*option, value).substr(0, 200), value.problem));
      }
      warn_readable(section, *option, value);
      snapshot_.values[section].emplace(option->name, std::move(value));
    }
  }

  void warn_readable(const std::string& section, const Option& option, const Resolved& value) {
    if (option.kind != Kind::secret || value.is_default) return;
    const auto open = value.where.find(" (file ");
    if (open == std::string::npos) return;
    const std::string path = value.where.substr(open + 7, value.where.size() - open - 8);
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0)
      note(fmt::format("[{}] {}: everybody on this machine can read {}; chmod 0600 it", section, option.name, path));
  }

  /// Decision 0001: options of backends do not come from [DEFAULT].
  void tell_misplaced() {
    for (const auto& [key, where] : misplaced_) {
      std::string sections;
      for (const std::string& one : snapshot_.backends) sections += (sections.empty() ? "[" : ", [") + one + "]";
      note(fmt::format("{}: [DEFAULT] {} has no effect: it is an option of backends; move it to [{}] for all of them{}", where, key, backend_defaults,
                       sections.empty() ? "" : fmt::format(", or to {} alone", sections)));
    }
  }

  void check_drivers() {
    const Option* option = snapshot_.catalogue.find(backend, "volume_driver");
    std::set<std::string> strange;
    if (option != nullptr && !snapshot_.catalogue.drivers().empty()) {
      for (const std::string& section : snapshot_.backend_sections)
        if (!check_driver(section)) strange.insert(section);
    }
    // With a driver of another world its options are of that world too: one problem is enough.
    for (const auto& [section, text] : unknown_in_backend_)
      if (!strange.contains(section)) problem(text);
  }

  bool check_driver(const std::string& section) {
    const Resolved& driver = snapshot_.values[section]["volume_driver"];
    if (driver.texts.empty()) return true;
    const bool enabled = std::find(snapshot_.backends.begin(), snapshot_.backends.end(), section) != snapshot_.backends.end();
    if (!snapshot_.catalogue.drivers().contains(driver.texts.front())) {
      std::string known;
      for (const std::string& one : snapshot_.catalogue.drivers()) known += (known.empty() ? "" : ", ") + one;
      const std::string text = fmt::format("{}: [{}] volume_driver = {}: this version has no such driver (it has: {})", driver.where, section,
                                           driver.texts.front().substr(0, 200), known);
      enabled ? problem(text) : note(text + "; the section is not enabled");
      return false;
    }
    if (!enabled) note(fmt::format("section [{}] is not used: it is not named in [DEFAULT] enabled_backends", section));
    for (const Option* option : snapshot_.catalogue.options(backend)) {
      const auto own = snapshot_.candidates[section].find(option->name);
      if (own == snapshot_.candidates[section].end() || option->driver.empty() || option->driver == driver.texts.front()) continue;
      note(fmt::format("{}: [{}] {} has no effect: it belongs to volume_driver {}, not {}", own->second.back().where, section, option->name,
                       option->driver, driver.texts.front()));
    }
    return true;
  }

  Snapshot snapshot_;
  std::vector<std::string> problems_;
  std::vector<std::pair<std::string, std::string>> misplaced_;           // key, where
  std::vector<std::pair<std::string, std::string>> unknown_in_backend_;  // section, problem
  std::set<std::string> reported_sections_;
};

}  // namespace

Result<Config> load(const Catalogue& catalogue, const Sources& sources) {
  auto snapshot = Loader{catalogue, sources}.load();
  if (!snapshot) return refuse(std::move(snapshot.error()));
  return Config(std::move(*snapshot));
}

}  // namespace scoria::config
