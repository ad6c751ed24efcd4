#include "json/value.h"

namespace scoria::json {

namespace {
const Value null_value;
}

const Value* Value::find(std::string_view key) const {
  const Object* members = std::get_if<Object>(&data_);
  if (members == nullptr) return nullptr;
  for (auto member = members->rbegin(); member != members->rend(); ++member) {
    if (member->first == key) return &member->second;
  }
  return nullptr;
}

const Value& Value::operator[](std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? null_value : *value;
}

std::string Value::text_or(std::string_view key, std::string_view fallback) const {
  const Value* value = find(key);
  return value != nullptr && value->is_string() ? value->string() : std::string(fallback);
}

std::int64_t Value::integer_or(std::string_view key, std::int64_t fallback) const {
  const Value* value = find(key);
  return value != nullptr && value->is_integer() ? value->integer() : fallback;
}

bool Value::flag_or(std::string_view key, bool fallback) const {
  const Value* value = find(key);
  return value != nullptr && value->is_bool() ? value->boolean() : fallback;
}

bool operator==(const Value& left, const Value& right) { return left.data_ == right.data_; }

}  // namespace scoria::json
