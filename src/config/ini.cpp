#include "config/ini.h"

#include <fmt/core.h>

#include "base/text.h"

namespace scoria::config {
namespace {

constexpr std::size_t most_bytes = 1 << 20;
constexpr std::size_t most_entries = 20'000;
constexpr std::size_t most_problems_of_a_file = 20;

class IniReader {
 public:
  Ini read(std::string_view text) {
    if (text.size() > most_bytes) {
      problem(fmt::format("the file has {} bytes; at most {} are read", text.size(), most_bytes));
      return std::move(out_);
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty() && !full()) {
      ++line_;
      const auto end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    end_value();
    return std::move(out_);
  }

 private:
  bool full() const { return out_.problems.size() >= most_problems_of_a_file || out_.entries.size() >= most_entries; }
  void problem(std::string text) { out_.problems.push_back({line_, std::move(text)}); }

  void read_line(std::string_view line) {
    const std::string_view content = trimmed(line);
    if (content.empty()) return end_value();
    if (content.front() == '#' || content.front() == ';') return;
    if (has_control_character(line)) return;
    if (line.front() == ' ' || line.front() == '\t') return continue_value(content);
    end_value();
    if (content.front() == '[') return read_section(content);
    read_key(content);
  }

  bool has_control_character(std::string_view line) {
    for (const char c : line) {
      const auto code = static_cast<unsigned char>(c);
      if ((code >= 0x20 && code != 0x7f) || c == '\t' || c == '\r') continue;
      problem(fmt::format("a control character (byte 0x{:02x}): this is not a text file", code));
      return true;
    }
    return false;
  }

  void continue_value(std::string_view content) {
    if (!open_) return problem("a line that begins with a blank continues the value above, but there is none");
    std::string& value = out_.entries.back().value;
    if (!value.empty()) value += '\n';
    value += content;
  }

  void read_section(std::string_view content) {
    if (content.back() != ']') return problem("a section header ends with ']'");
    section_ = trimmed(content.substr(1, content.size() - 2));
    if (section_.empty()) problem("a section needs a name");
  }

  void read_key(std::string_view content) {
    const auto at = content.find_first_of("=:");
    if (at == std::string_view::npos) return problem("neither a [section] nor key = value");
    const std::string_view key = trimmed(content.substr(0, at));
    if (key.empty()) return problem("a key is missing before '" + std::string(content.substr(at, 1)) + "'");
    out_.entries.push_back({section_, std::string(key), std::string(trimmed(content.substr(at + 1))), line_});
    open_ = true;
    if (out_.entries.size() >= most_entries) problem(fmt::format("more than {} entries", most_entries));
  }

  void end_value() {
    if (!std::exchange(open_, false)) return;
    std::string& value = out_.entries.back().value;
    const bool quoted = value.size() > 1 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'');
    if (quoted) value = value.substr(1, value.size() - 2);
  }

  Ini out_;
  std::string section_ = "DEFAULT";
  int line_ = 0;
  bool open_ = false;  // the last entry may still be continued
};

}  // namespace

Ini parse_ini(std::string_view text) { return IniReader{}.read(text); }

}  // namespace scoria::config
