#pragma once
#include <cstdint>
#include <initializer_list>
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
  explicit Writer(bool spaced = false) : spaced_(spaced) {}

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  /// A name of our own: printable ASCII without quotes and backslashes, written as it stands.
  Writer& plain_key(std::string_view name);

  Writer& string(std::string_view text);
  Writer& string(std::initializer_list<std::string_view> pieces);  // one text
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

  /// A document of about that many bytes follows: no need to grow step by step.
  void reserve(std::size_t bytes) { room(bytes); }
  /// What is written so far.
  std::string_view text() const { return {out_.data(), size_}; }
  /// The finished document; the writer is empty afterwards.
  std::string take();

 private:
  char* room(std::size_t bytes) { return out_.size() - size_ >= bytes ? out_.data() + size_ : grow(bytes); }
  char* grow(std::size_t bytes);
  void advance(const char* end) { size_ = static_cast<std::size_t>(end - out_.data()); }
  char* separate(char* to);
  void open(char bracket);
  void close(char bracket);
  char* quote(std::string_view text);
  char* copy(char* to, std::string_view text);
  char* colon(char* to);
  std::size_t escape(std::string_view text);
  void put(std::string_view text);
  void put_unit(unsigned unit);

  std::string out_;       // longer than what is written: its size is the room there is
  std::size_t size_ = 0;  // written
  bool spaced_ = false;
  bool first_ = true;       // no comma before the next element
  bool after_key_ = false;
  int depth_ = 0;
};

}  // namespace scoria::json
