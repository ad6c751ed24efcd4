#include "api/maps.h"

#include <openssl/evp.h>

#include "base/text.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::api {
namespace {

json::Object members_of(const std::string& map) {
  const auto value = json::parse(map);
  return value && value->is_object() ? value->object() : json::Object{};
}

Result<> set(json::Object& members, const std::string& key, const json::Value& value) {
  if (!value.is_string()) return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. Its value must be a text.", key);
  for (auto& [name, old] : members) {
    if (name != key) continue;
    old = value;
    return {};
  }
  members.emplace_back(key, value);
  return {};
}

}  // namespace

Result<std::string> merged(const std::string& before, const json::Value& changes) {
  json::Object members = members_of(before);
  if (!changes.is_object()) return refuse(RefusalCode::invalid_input, "Malformed request body: metadata must be an object.");
  for (const auto& [key, value] : changes.object())
    if (const auto done = set(members, key, value); !done) return refuse(done.error());
  return json::to_text(json::Value(std::move(members)));
}

Result<std::string> replaced(const json::Value& changes) { return merged("{}", changes); }

Result<std::string> without(const std::string& before, std::string_view key) {
  json::Object members = members_of(before);
  if (std::erase_if(members, [&](const auto& member) { return member.first == key; }) == 0)
    return refuse(RefusalCode::not_found, "Metadata item was not found: {}.", key);
  return json::to_text(json::Value(std::move(members)));
}

Result<std::string> entry(const std::string& map, std::string_view key) {
  for (const auto& [name, value] : members_of(map))
    if (name == key && value.is_string()) return value.string();
  return refuse(RefusalCode::not_found, "Metadata item was not found: {}.", key);
}

std::string python_text(std::string_view member, const std::string& map) {
  json::Writer out(true);
  out.begin_object().key(member).begin_object();
  for (const auto& [key, value] : members_of(map)) out.field(key, std::string_view{value.is_string() ? value.string() : std::string{}});
  return out.end_object().end_object().take();
}

std::string etag_of(std::string_view body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  // An ETag is no secret: MD5 because clients compare it with what Cinder would send.
  EVP_Digest(body.data(), body.size(), digest, &length, EVP_md5(), nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), length});
}

}  // namespace scoria::api
