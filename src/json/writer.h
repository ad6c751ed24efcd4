#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace scoria::json {

/// Writes JSON text front to back, without a tree. Commas and escaping are its business; balance of begin and end is
/// asserted. Invalid UTF-8 in a text is replaced by U+FFFD, so the output is always valid.
class Writer {
 public:
  /// `spaced` writes ", " and ": " as Python's json.dumps does: ETags of Cinder are computed over such text.
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

  // key + value in one call: the common case.
  Writer& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  Writer& field(std::string_view name, const char* text) { return key(name).string(text); }
  Writer& field(std::string_view name, std::int64_t number) { return key(name).integer(number); }
  Writer& field(std::string_view name, int number) { return key(name).integer(number); }
  Writer& field(std::string_view name, bool flag) { return key(name).boolean(flag); }

  const std::string& text() const { return out_; }
  std::string take();

 private:
  void separate();
  void escape(std::string_view text);

  std::string out_;
  bool spaced_ = false;
  bool first_ = true;       // no comma before the next element
  bool after_key_ = false;
  int depth_ = 0;
};

}  // namespace scoria::json
