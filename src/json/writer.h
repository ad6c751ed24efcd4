#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace scoria::json {

class Value;

/// Writes JSON text front to back, without a tree. Commas and escaping are its business; balance of begin and end is
/// asserted. Invalid UTF-8 in a text is replaced by U+FFFD and a number that is not finite by null, so the output is
/// always valid.
class Writer {
 public:
  /// `spaced` writes byte for byte what Python's json.dumps does: ", " and ": ", and \u escapes for all but printable
  /// ASCII. ETags of Cinder are computed over such text.
  explicit Writer(bool spaced = false) : spaced_(spaced) { out_.reserve(1024); }

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);

  Writer& string(std::string_view text);
  Writer& string_or_null(std::string_view text);  // empty text becomes null
  Writer& integer(std::int64_t number);
  Writer& number(double number);
  Writer& boolean(bool flag);
  Writer& null();
  Writer& raw(std::string_view json);  // already JSON: stored metadata, for example
  Writer& value(const Value& value);

  // key + value in one call: the common case.
  Writer& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  Writer& field(std::string_view name, const char* text) { return key(name).string(text); }
  Writer& field(std::string_view name, std::int64_t number) { return key(name).integer(number); }
  Writer& field(std::string_view name, int number) { return key(name).integer(number); }
  Writer& field(std::string_view name, bool flag) { return key(name).boolean(flag); }
  Writer& field(std::string_view name, double fraction) { return key(name).number(fraction); }

  const std::string& text() const { return out_; }
  /// The finished document; the writer is empty afterwards.
  std::string take();

 private:
  void separate();
  void open(char bracket);
  void close(char bracket);
  void quote(std::string_view text);
  std::size_t escape(std::string_view text);
  void escape_unit(unsigned unit);

  std::string out_;
  bool spaced_ = false;
  bool first_ = true;       // no comma before the next element
  bool after_key_ = false;
  int depth_ = 0;
};

}  // namespace scoria::json
