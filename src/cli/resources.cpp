#include "cli/resources.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cli/progress.h"
#include "json/writer.h"

namespace scoria::cli {

Result<json::Value> again(Client& client, const Kind& kind, const std::string& id) {
  const auto found = client.get(fmt::format("{}/{}", kind.path, id));
  if (!found) return refuse(found.error());
  return (*found)[kind.name == "type" ? "volume_type" : kind.name];
}

Result<json::Value> find(Client& client, const Kind& kind, const std::string& what) {
  const bool is_id = what.size() == 36 && std::count(what.begin(), what.end(), '-') == 4;
  if (is_id) {
    if (const auto direct = again(client, kind, what); direct || direct.error().code != RefusalCode::not_found) return direct;
  }
  std::vector<std::string> named, begun;
  // Names are filtered by the service where it can; the whole list is read only for what may be the beginning of an id.
  const std::string all = kind.path + kind.listed;
  if (kind.by_name) {
    const auto listed = client.list(fmt::format("{}?name={}", all, escaped(what)), kind.plural);
    if (!listed) return refuse(listed.error());
    for (const json::Value& row : *listed)
      if (row.text_or("name") == what) named.push_back(row.text_or("id"));
  }
  const bool beginning = what.size() >= 4 && what.find_first_not_of("0123456789abcdef-") == std::string::npos;
  if (named.empty() && (beginning || !kind.by_name)) {
    const auto listed = client.list(all, kind.plural);
    if (!listed) return refuse(listed.error());
    for (const json::Value& row : *listed) {
      if (row.text_or("name") == what) named.push_back(row.text_or("id"));
      if (beginning && row.text_or("id").starts_with(what)) begun.push_back(row.text_or("id"));
    }
  }
  const std::vector<std::string>& found = named.empty() ? begun : named;
  if (found.empty()) return refuse(RefusalCode::not_found, "There is no {} '{}'. `scoria {} list` shows what there is.", kind.name, what, kind.name);
  if (found.size() > 1)
    return refuse(RefusalCode::conflict, "{} {}s answer to '{}': say the id of one ({}, {} …).", found.size(), kind.name, what, found[0], found[1]);
  return again(client, kind, found.front());
}

Result<std::string> find_id(Client& client, const Kind& kind, const std::string& what) {
  const auto found = find(client, kind, what);
  if (!found) return refuse(found.error());
  return found->text_or("id");
}

Result<> conclude(Session& session, const Kind& kind, const std::string& id) {
  Client& client = session.client;
  if (session.given.has("wait"))
    if (const auto done = follow_request(session, client.request_id()); !done) return done;
  const auto now = again(client, kind, id);
  if (!now && now.error().code == RefusalCode::not_found) return {};
  if (!now) return refuse(now.error());
  return session.output.show(*now, kind.sheet);
}

Result<std::int64_t> gib_of(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  std::string unit = end;
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  const double factor = unit.empty() || unit == "G" ? 1 : unit == "T" ? 1024 : unit == "M" ? 1.0 / 1024 : 0;
  const double gib = std::ceil(number * factor);
  if (end == text.c_str() || !(gib >= 1) || gib > 1e9) return refuse(RefusalCode::invalid_input, "'{}' is no size; say 10, 10G, 512M or 1.5T.", text);
  return static_cast<std::int64_t>(gib);
}

Result<std::map<std::string, std::string>> properties_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) return refuse(RefusalCode::invalid_input, "'{}' is no property; say --property key=value.", text);
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

std::string body_of(std::string_view outer, const std::vector<std::pair<std::string, std::string>>& texts, std::int64_t size,
                    const std::map<std::string, std::string>& metadata) {
  json::Writer out;
  out.begin_object().key(outer).begin_object();
  for (const auto& [key, value] : texts)
    if (!value.empty()) out.field(key, std::string_view{value});
  if (size > 0) out.field("size", size);
  if (!metadata.empty()) {
    out.key("metadata").begin_object();
    for (const auto& [key, value] : metadata) out.field(key, std::string_view{value});
    out.end_object();
  }
  return out.end_object().end_object().take();
}

std::string map_of(std::string_view outer, const std::map<std::string, std::string>& texts) {
  json::Writer out;
  out.begin_object().key(outer).begin_object();
  for (const auto& [key, value] : texts) out.field(key, std::string_view{value});
  return out.end_object().end_object().take();
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~') out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::vector<Option> filters(std::vector<Option> more) {
  more.push_back(all_projects_option);
  more.push_back({"limit", "at most so many, the newest"});
  return more;
}

Result<> list_of(Session& session, const Kind& kind, const std::vector<std::pair<std::string, std::string>>& query) {
  std::string path = kind.path + kind.listed;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) path += (path.find('?') == std::string::npos ? "?" : "&") + key + "=" + escaped(value);
  };
  for (const auto& [key, value] : query) add(key, value);
  if (session.given.has("all-projects")) add("all_tenants", "1");
  const std::string none = fmt::format("There are no {}{}.", kind.name == "type" ? "types" : kind.plural, query.empty() ? "" : " like that");
  if (!session.given.has("limit")) {
    const auto rows = session.client.list(path, kind.plural);
    return rows ? session.output.list(*rows, kind.columns, none) : refuse(rows.error());
  }
  add("limit", session.given.text("limit"));
  const auto page = session.client.get(path);
  return page ? session.output.list((*page)[kind.plural].array(), kind.columns, none) : refuse(page.error());
}

}  // namespace scoria::cli
