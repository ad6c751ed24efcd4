#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "identity/local_tokens.h"
#include "json/writer.h"

/// Keystone's JSON for Scoria's own users, projects, roles and tokens. `root` is the URL above /v3.
namespace scoria::local::view {

struct Service {
  std::string type, name, id, url;
};

void write(json::Writer& out, const User& user, std::string_view root);
void write(json::Writer& out, const Project& project, std::string_view root);
void write(json::Writer& out, const Role& role, std::string_view root);
void write(json::Writer& out, const Assignment& assignment, std::string_view root, bool names);
void write_domain(json::Writer& out, std::string_view root);
void write_version(json::Writer& out, std::string_view root);
void write_token(json::Writer& out, const TokenRecord& token, std::string_view method, const std::vector<Service>& services, std::string_view region);
void write_catalog(json::Writer& out, const std::vector<Service>& services, std::string_view region);

/// {"users": […], "links": {…}}
template <class Items, class Write>
std::string list(std::string_view name, const Items& items, const std::string& self, Write write_one) {
  json::Writer out;
  out.begin_object().key(name).begin_array();
  for (const auto& item : items) write_one(out, item);
  out.end_array().key("links").begin_object().field("self", self).key("next").null().key("previous").null().end_object();
  return out.end_object().take();
}

/// {"user": {…}}
template <class Item>
std::string one(std::string_view name, const Item& item, std::string_view root) {
  json::Writer out;
  out.begin_object().key(name);
  write(out, item, root);
  return out.end_object().take();
}

}  // namespace scoria::local::view
