#include "cli/output.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "json/parse.h"

namespace scoria::cli {
namespace {

/// Characters, not bytes, of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width) { return text + std::string(width - std::min(width, width_of(text)), ' '); }

std::string cell(const Column& column, const json::Value& row) { return column.cell != nullptr ? column.cell(row) : shown(row[column.key]); }

bool is_named(const Column& column, const std::string& name) { return lower_case(column.title) == lower_case(name) || column.key == name; }

}  // namespace

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string time_text(const std::string& time) {
  if (time.size() < 19) return "-";
  std::string out = time.substr(0, 19);
  out[10] = ' ';
  return out;
}

std::string created_cell(const json::Value& row) { return time_text(row.text_or("created_at")); }

std::string bytes_text(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) bytes /= 1024, ++unit;
  return bytes >= 100 || bytes == static_cast<double>(static_cast<std::int64_t>(bytes)) ? fmt::format("{:.0f} {}", bytes, units[unit])
                                                                                        : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string shown(const json::Value& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.string().empty() ? "-" : value.string();
  if (!value.is_object() || value.object().empty())
    return value.is_object() || (value.is_array() && value.array().empty()) ? "-" : json::to_text(value);
  std::string out;
  for (const auto& [key, member] : value.object()) {
    if (member.is_object() || member.is_array()) return json::to_text(value);
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", key, shown(member));
  }
  return out;
}

/// Words of state get the colour of what they mean.
std::string Output::painted(const std::string& text) const {
  if (!terminal_.colour) return text;
  const std::string word = text.substr(0, text.find(' '));
  const auto is = [&](std::initializer_list<std::string_view> words) { return std::find(words.begin(), words.end(), word) != words.end(); };
  if (word.starts_with("error") || is({"failed", "down", "abandoned"})) return "\x1b[31m" + text + "\x1b[0m";
  if (is({"available", "in-use", "attached", "succeeded", "up"})) return "\x1b[32m" + text + "\x1b[0m";
  if (is({"running", "waiting", "ready", "creating", "deleting", "extending", "attaching", "detaching", "reserved", "reverting", "disabled",
          "cancelled"}))
    return "\x1b[33m" + text + "\x1b[0m";
  return text;
}

Result<Columns> Output::choose(const Columns& columns, const json::Value& sample) const {
  if (wanted_.empty()) return columns;
  Columns out;
  for (const std::string& name : wanted_) {
    const auto known = std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return is_named(column, name); });
    if (known != columns.end()) {
      out.push_back(*known);
    } else if (sample.find(name) != nullptr || sample.is_null()) {
      out.push_back({name, name});
    } else {
      std::vector<std::string> names;
      for (const Column& column : columns) names.push_back(column.key);
      return refuse(RefusalCode::invalid_input, "There is no column '{}'. There are {} and every member of -o json.", name, join(names, ", "));
    }
  }
  return out;
}

Result<> Output::list(const json::Array& rows, const Columns& columns, const std::string& none) const {
  if (json()) return print(json::to_text(json::Value(rows)) + "\n"), Result<>{};
  const auto chosen = choose(columns, rows.empty() ? json::Value{} : rows.front());
  if (!chosen) return refuse(chosen.error());
  if (rows.empty()) return remark(none), Result<>{};
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths(chosen->size(), 0);
  if (table()) cells.emplace_back();
  for (const Column& column : *chosen)
    if (table()) cells.front().push_back(column.title);
  for (const json::Value& row : rows) {
    cells.emplace_back();
    for (const Column& column : *chosen) cells.back().push_back(cell(column, row));
  }
  for (const auto& line : cells)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  std::string out;
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool last = i + 1 == line.size();
      out += !table() ? line[i] + (last ? "" : " ") : painted(last ? line[i] : padded(line[i], widths[i])) + (last ? "" : "  ");
    }
    out += '\n';
  }
  print(out);
  return {};
}

Result<> Output::show(const json::Value& object, const Columns& columns) const {
  if (json()) return print(json::to_text(object) + "\n"), Result<>{};
  Columns all = columns;
  if (all.empty() && object.is_object())
    for (const auto& [key, value] : object.object()) all.push_back({key, key});
  const auto chosen = choose(all, object);
  if (!chosen) return refuse(chosen.error());
  std::size_t width = 0;
  for (const Column& column : *chosen) width = std::max(width, width_of(column.title));
  std::string out;
  for (const Column& column : *chosen)
    out += table() ? padded(column.title, width) + "  " + painted(cell(column, object)) + "\n" : cell(column, object) + "\n";
  print(out);
  return {};
}

void Output::say(const std::string& text) const {
  if (!json()) print(text + "\n");
}

void Output::remark(const std::string& text) const {
  if (terminal_.error && table() && !text.empty()) std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace scoria::cli
