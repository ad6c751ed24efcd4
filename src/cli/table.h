#pragma once
#include <string>
#include <vector>

#include "json/value.h"

namespace scoria::cli {

struct Column {
  std::string title;
  std::string key;  // of the row
};
/// Rows of a JSON array under their titles, aligned; nothing but the titles when there are none.
std::string table(const json::Array& rows, const std::vector<Column>& columns);
/// One object, a member a line, names aligned.
std::string sheet(const json::Value& object);
/// A value as a person reads it: texts bare, null as "-", maps and lists as JSON.
std::string shown(const json::Value& value);

}  // namespace scoria::cli
