#include "config/resolve.h"

#include <fmt/core.h>

#include "base/text.h"

namespace scoria::config {
namespace {

constexpr int deepest = 16;
constexpr int most_references = 1000;
constexpr std::size_t longest = 64 * 1024;

constexpr std::string_view name_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/// One resolution with everything it refers to. The limits make hostile files (loops, exponential growth) end early.
class Resolver {
 public:
  explicit Resolver(const Snapshot& snapshot) : snapshot_(snapshot) {}

  Resolved resolve(const std::string& section, const Option& option) {
    Resolved out;
    out.secret = option.kind == Kind::secret;
    std::vector<Candidate> all = competing(snapshot_, section, option);
    if (all.empty()) {
      out.texts = {option.fallback};
      if (option.kind == Kind::multi && option.fallback.empty()) out.texts.clear();
    } else {
      out.is_default = false;
      out.where = all.front().where;
      take(option, all, out);
    }
    for (std::string& text : out.texts) {
      if (!out.problem.empty()) break;
      text = substitute(text, section, out);
    }
    if (!all.empty() && all.front().names_file && out.problem.empty()) read_secret(out);
    return out;
  }

 private:
  static void take(const Option& option, const std::vector<Candidate>& all, Resolved& out) {
    const Candidate& first = all.front();
    if (option.kind != Kind::multi) {
      out.texts = {first.text};
      // Of one source, the secret itself and the name of its file cannot both hold.
      for (const Candidate& other : all)
        if (other.rank == first.rank && other.names_file != first.names_file)
          out.problem = fmt::format("is given twice: as {} and as {}_file ({} and {})", option.name, option.name, first.where, other.where);
      return;
    }
    for (const Candidate& one : all)
      if (one.from_file == first.from_file && (one.from_file || one.rank == first.rank)) out.texts.insert(out.texts.begin(), one.text);
  }

  static void read_secret(Resolved& out) {
    const std::string path = out.texts.front();
    std::string bytes;
    if (!read_file(path, longest, bytes, out.problem)) {
      out.problem = "cannot be read from its file: " + out.problem;
      return;
    }
    out.texts = {std::string(trimmed(bytes))};
    out.where += " (file " + path + ")";
  }

  std::string substitute(std::string_view text, const std::string& section, Resolved& into) {
    if (text.find('$') == std::string_view::npos) return std::string(text);
    if (depth_ >= deepest) return fail(into, "refers to itself, or too deeply to others");
    ++depth_;
    std::string out;
    while (!text.empty() && into.problem.empty()) {
      const auto dollar = std::min(text.find('$'), text.size());
      const bool escaped = dollar > 0 && dollar < text.size() && text[dollar - 1] == '\\';
      out += text.substr(0, escaped ? dollar - 1 : dollar);
      text.remove_prefix(dollar);
      if (text.empty()) break;
      text.remove_prefix(1);
      if (escaped || text.starts_with('$')) {
        out += '$';
        if (!escaped) text.remove_prefix(1);
      } else {
        out += refer(text, section, into);
      }
      if (out.size() > longest) fail(into, fmt::format("grows over {} bytes by substitution", longest));
    }
    --depth_;
    return out;
  }

  /// The value of the reference at the front of `text` (behind its dollar), which is taken off.
  std::string refer(std::string_view& text, const std::string& section, Resolved& into) {
    const bool braced = text.starts_with('{');
    const auto end = braced ? text.find('}') : std::min(text.find_first_not_of(name_characters), text.size());
    if (end == std::string_view::npos || end == 0) return fail(into, "has a '$' without a name behind it; write '$$' for a dollar sign");
    const std::string name(braced ? text.substr(1, end - 1) : text.substr(0, end));
    text.remove_prefix(braced ? end + 1 : end);
    if (++references_ > most_references) return fail(into, fmt::format("refers to more than {} others", most_references));
    const auto dot = name.rfind('.');
    const std::string wanted_section = dot == std::string::npos ? section : name.substr(0, dot);
    const std::string key = dot == std::string::npos ? name : name.substr(dot + 1);
    std::string found_in = wanted_section;
    const Option* option = snapshot_.catalogue.find(kind_of(wanted_section), key);
    if (option == nullptr && dot == std::string::npos) {
      found_in = "DEFAULT";
      option = snapshot_.catalogue.find("DEFAULT", key);
    }
    if (option == nullptr) return fail(into, fmt::format("refers to '{}', which is no option; write '$$' for a dollar sign", name));
    return join(resolve_nested(found_in, *option, into));
  }

  std::string_view kind_of(const std::string& section) const {
    return snapshot_.backend_sections.contains(section) || section == backend_defaults ? backend : std::string_view(section);
  }

  Resolved resolve_nested(const std::string& section, const Option& option, Resolved& into) {
    if (depth_ >= deepest) {
      fail(into, "refers to itself, or too deeply to others");
      return {};
    }
    ++depth_;
    Resolved value = resolve(section, option);
    --depth_;
    if (!value.problem.empty()) fail(into, fmt::format("refers to [{}] {}, which {}", section, option.name, value.problem));
    into.secret = into.secret || value.secret;
    return value;
  }

  static std::string join(const Resolved& value) {
    std::string out;
    for (const std::string& text : value.texts) out += (out.empty() ? "" : ",") + text;
    return out;
  }

  /// Keeps the first problem, short even at the bottom of a deep chain.
  static std::string fail(Resolved& into, const std::string& problem) {
    if (into.problem.empty()) into.problem = problem.substr(0, 500);
    return {};
  }

  const Snapshot& snapshot_;
  int depth_ = 0;
  int references_ = 0;
};

}  // namespace

std::vector<Candidate> competing(const Snapshot& snapshot, const std::string& section, const Option& option) {
  std::vector<Candidate> out;
  const auto collect = [&](const std::string& from) {
    const auto in_section = snapshot.candidates.find(from);
    if (in_section == snapshot.candidates.end()) return;
    const auto found = in_section->second.find(option.name);
    if (found != in_section->second.end()) out.insert(out.end(), found->second.rbegin(), found->second.rend());
  };
  collect(section);
  if (option.section == backend && section != backend_defaults) {
    if (option.kind != Kind::multi || out.empty()) collect(std::string(backend_defaults));
  }
  return out;
}

Resolved resolve(const Snapshot& snapshot, const std::string& section, const Option& option) { return Resolver{snapshot}.resolve(section, option); }

}  // namespace scoria::config
