#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace scoria::json {

class Value;
using Array = std::vector<Value>;
/// Members in the order of the text. A repeated key: the last one wins when looked up, as in Cinder.
using Object = std::vector<std::pair<std::string, Value>>;

/// A JSON document, read-only once parsed. Integers that fit in 64 bits are integers, everything else with digits a finite double.
class Value {
 public:
  Value() = default;
  explicit Value(bool flag) : data_(flag) {}
  explicit Value(std::int64_t number) : data_(number) {}
  explicit Value(double number) : data_(number) {}
  explicit Value(std::string text) : data_(std::move(text)) {}
  explicit Value(Array items) : data_(std::move(items)) {}
  explicit Value(Object members) : data_(std::move(members)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_double() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_integer() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }

  // Each asserts the kind; ask first.
  bool boolean() const { return std::get<bool>(data_); }
  std::int64_t integer() const { return std::get<std::int64_t>(data_); }
  double number() const { return is_integer() ? static_cast<double>(integer()) : std::get<double>(data_); }
  const std::string& string() const { return std::get<std::string>(data_); }
  const Array& array() const { return std::get<Array>(data_); }
  const Object& object() const { return std::get<Object>(data_); }

  /// The member of that name; null when this is no object or has none.
  const Value* find(std::string_view key) const;
  /// The member, or a null value.
  const Value& operator[](std::string_view key) const;
  /// Texts for versioned structures: the member's text, or `fallback` when absent or of another kind.
  std::string text_or(std::string_view key, std::string_view fallback = {}) const;
  std::int64_t integer_or(std::string_view key, std::int64_t fallback = 0) const;
  bool flag_or(std::string_view key, bool fallback = false) const;

  /// Same kind and content; members in the same order, 1 and 1.0 are different.
  friend bool operator==(const Value& left, const Value& right);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

}  // namespace scoria::json
