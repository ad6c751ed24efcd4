#include "cli/table.h"

#include <fmt/core.h>

#include "json/parse.h"

namespace scoria::cli {

std::string shown(const json::Value& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.string().empty() ? "-" : value.string();
  return json::to_text(value);
}

std::string table(const json::Array& rows, const std::vector<Column>& columns) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) {
    std::size_t width = column.title.size();
    for (const json::Value& row : rows) width = std::max(width, shown(row[column.key]).size());
    widths.push_back(width);
  }
  std::string out;
  const auto line = [&](auto&& cell) {
    for (std::size_t i = 0; i < columns.size(); ++i) out += i + 1 == columns.size() ? cell(i) : fmt::format("{:<{}}  ", cell(i), widths[i]);
    out += '\n';
  };
  line([&](std::size_t i) { return columns[i].title; });
  for (const json::Value& row : rows) line([&](std::size_t i) { return shown(row[columns[i].key]); });
  return out;
}

std::string sheet(const json::Value& object) {
  if (!object.is_object()) return shown(object) + "\n";
  std::size_t width = 0;
  for (const auto& [key, value] : object.object()) width = std::max(width, key.size());
  std::string out;
  for (const auto& [key, value] : object.object()) out += fmt::format("{:<{}}  {}\n", key, width, shown(value));
  return out;
}

}  // namespace scoria::cli
