#include "api/routes.h"

#include <map>

#include "base/check.h"

namespace scoria::api {
namespace {

constexpr std::string_view project_capture = "url_project";

/// Under /v3 a project id may stand before the rest: "/v3/volumes" -> "/v3/{url_project?}/volumes"
std::string pattern_of(std::string_view path) {
  if (!path.starts_with("/v3/")) return std::string(path);
  return fmt::format("/v3/{{{}?}}{}", project_capture, path.substr(3));
}

}  // namespace

ProjectPattern::ProjectPattern() {
  for (const char c : std::string_view("0123456789abcdef-")) allowed_[static_cast<unsigned char>(c)] = true;
}

Result<ProjectPattern> ProjectPattern::parse(std::string_view expression) {
  ProjectPattern out;
  out.allowed_.fill(false);
  const bool framed = expression.size() >= 4 && expression.starts_with('[') && expression[1] != '^' && expression.ends_with("]+");
  const std::string_view set = framed ? expression.substr(1, expression.size() - 3) : std::string_view{};
  std::string characters;  // escapes taken away; a range dash becomes '\0'
  for (std::size_t at = 0; at < set.size(); ++at) {
    const bool escaped = set[at] == '\\' && at + 1 < set.size();
    if (escaped) ++at;
    const bool range = !escaped && set[at] == '-' && !characters.empty() && at + 1 < set.size();
    characters += range ? '\0' : set[at];
  }
  bool understood = framed && characters.find_first_of("[]") == std::string::npos;
  for (std::size_t at = 0; at < characters.size(); ++at) {
    const auto first = static_cast<unsigned char>(characters[at]);
    auto last = first;
    if (at + 2 < characters.size() && characters[at + 1] == '\0') {
      last = static_cast<unsigned char>(characters[at + 2]);
      at += 2;
    }
    if (first == '\0' || last == '\0' || first > last) understood = false;
    for (unsigned c = first; c <= last; ++c) out.allowed_[c] = true;
  }
  if (!understood) {
    return refuse(RefusalCode::invalid_input,
                  "project_id_regex '{}' is not understood: it must be one set of characters, repeated, such as [0-9a-f\\-]+ or [a-zA-Z0-9_\\-]+.",
                  expression);
  }
  return out;
}

bool ProjectPattern::matches(std::string_view segment) const {
  for (const char c : segment) {
    if (!allowed_[static_cast<unsigned char>(c)]) return false;
  }
  return !segment.empty();
}

const Route* Endpoint::action(std::string_view name) const {
  for (const Route* route : routes) {
    if (route->action == name) return route;
  }
  return nullptr;
}

Routes::Routes(const ProjectPattern& projects, std::span<const Route> table) {
  router_.restrict(project_capture, [projects](std::string_view text) { return projects.matches(text); });
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> known;
  for (const Route& route : table) {
    const auto [place, fresh] = known.emplace(std::pair(route.method, route.path), endpoints_.size());
    if (fresh) {
      router_.add(route.method, pattern_of(route.path), static_cast<int>(endpoints_.size()));
      endpoints_.emplace_back();
    }
    Endpoint& endpoint = endpoints_[place->second];
    SCORIA_CHECK(fresh || (endpoint.takes_action() && endpoint.action(route.action) == nullptr), "two routes for one call");
    endpoint.routes.push_back(&route);
  }
}

std::optional<Match> Routes::find(std::string_view method, std::string_view path) const {
  const http::Router::Match match = router_.match(method, path);
  if (match.outcome != http::Router::Outcome::found) return std::nullopt;
  Match out;
  out.endpoint = &endpoints_[static_cast<std::size_t>(match.handler)];
  for (const auto& [name, text] : match.captures) {
    if (name == project_capture) out.project_id = text;
    else out.captures.emplace_back(name, text);
  }
  return out;
}

}  // namespace scoria::api
