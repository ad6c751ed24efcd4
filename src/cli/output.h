#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace scoria::cli {

struct Column {
  std::string title;
  std::string key;                                       // of the row; what -c names
  std::string (*cell)(const json::Value& row) = nullptr;  // instead of the member as it is
};
using Columns = std::vector<Column>;

/// What the streams can show.
struct Terminal {
  bool out = false, error = false;  // is a terminal
  bool colour = false;              // of standard output
  bool unicode = false;
};

/// Writes results to standard output in the form that -o and -c ask for.
class Output {
 public:
  Output(std::string format, std::vector<std::string> wanted, Terminal terminal) : format_(std::move(format)), wanted_(std::move(wanted)), terminal_(terminal) {}

  bool json() const { return format_ == "json"; }
  bool table() const { return format_ == "table"; }
  const Terminal& terminal() const { return terminal_; }

  /// Rows under their titles. No rows: `none`, on standard error if it is a terminal. JSON: the rows as the service has them.
  Result<> list(const json::Array& rows, const Columns& columns, const std::string& none) const;
  /// One object, a member a line; those of `columns` if there are any, else all. JSON: as the service has it.
  Result<> show(const json::Value& object, const Columns& columns = {}) const;
  /// A text that is for people only: nothing with json.
  void say(const std::string& text) const;
  /// A remark on standard error, if somebody is there to read it.
  void remark(const std::string& text) const;

 private:
  Result<Columns> choose(const Columns& columns, const json::Value& sample) const;
  std::string painted(const std::string& text) const;

  std::string format_;
  std::vector<std::string> wanted_;
  Terminal terminal_;
};

/// A value as a person reads it: texts bare, null as "-", maps as k=v, …
std::string shown(const json::Value& value);
/// "2026-11-21 13:00:03" of a time as the service writes it; "-" for none.
std::string time_text(const std::string& time);
/// 1.5 GiB, 512 MiB …
std::string bytes_text(double bytes);
/// Columns that several kinds have.
std::string created_cell(const json::Value& row);

void print(std::string_view text);

}  // namespace scoria::cli
