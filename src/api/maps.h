#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

/// Metadata: maps from text to text, stored as JSON.
namespace scoria::api {

/// `before` with the members of `changes` set over it. Refuses keys and values longer than 255 characters.
Result<std::string> merged(const std::string& before, const json::Value& changes);
/// Only `changes`.
Result<std::string> replaced(const json::Value& changes);
/// `before` without `key`; refuses not_found when it has none.
Result<std::string> without(const std::string& before, std::string_view key);
/// The value of a key, or a not_found refusal.
Result<std::string> entry(const std::string& map, std::string_view key);

/// As Python's json.dumps writes a document with one member: the text that metadata ETags are the MD5 of.
std::string python_text(std::string_view member, const std::string& map);
/// MD5 of a body, in hexadecimal.
std::string etag_of(std::string_view body);

}  // namespace scoria::api
