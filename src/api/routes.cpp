#include "api/routes.h"

#include "base/check.h"

namespace scoria::api {
namespace {

constexpr std::string_view v3_root = "v3";

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
    if (path.empty()) out.emplace_back();  // a trailing slash is an empty last segment
  }
  return out;
}

bool is_capture(std::string_view segment) { return segment.starts_with('{'); }
std::string_view capture_name(std::string_view segment) { return segment.substr(1, segment.size() - 2); }

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

struct Routes::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> capture;
  std::map<std::string, Endpoint, std::less<>> methods;
};

Routes::Routes(ProjectPattern projects, std::span<const Route> table) : projects_(projects), root_(std::make_unique<Node>()) {
  for (const Route& route : table) {
    Node* node = root_.get();
    for (const std::string_view segment : split(route.path)) {
      std::unique_ptr<Node>& next = is_capture(segment) ? node->capture : node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    Endpoint& endpoint = node->methods[route.method];
    SCORIA_CHECK(endpoint.routes.empty() || (endpoint.takes_action() && endpoint.action(route.action) == nullptr), "two routes for one call");
    endpoint.routes.push_back(&route);
  }
}

Routes::~Routes() = default;

const Endpoint* Routes::walk(const Node& node, std::string_view method, std::span<const std::string_view> rest,
                             std::vector<std::string_view>& captured) {
  if (rest.empty()) {
    const auto found = node.methods.find(method);
    return found == node.methods.end() ? nullptr : &found->second;
  }
  if (const auto literal = node.literals.find(rest.front()); literal != node.literals.end()) {
    if (const Endpoint* endpoint = walk(*literal->second, method, rest.subspan(1), captured)) return endpoint;
  }
  if (!node.capture || rest.front().empty()) return nullptr;
  captured.push_back(rest.front());
  const Endpoint* endpoint = walk(*node.capture, method, rest.subspan(1), captured);
  if (endpoint == nullptr) captured.pop_back();
  return endpoint;
}

std::optional<Match> Routes::match(std::string_view method, const Segments& segments) const {
  std::vector<std::string_view> captured;
  const Endpoint* endpoint = walk(*root_, method, segments, captured);
  if (endpoint == nullptr) return std::nullopt;
  Match out;
  out.endpoint = endpoint;
  std::size_t next = 0;
  for (const std::string_view segment : split(endpoint->routes.front()->path)) {
    if (is_capture(segment)) out.captures.emplace_back(capture_name(segment), captured[next++]);
  }
  return out;
}

std::optional<Match> Routes::find(std::string_view method, std::string_view path) const {
  if (path.ends_with(".json")) path.remove_suffix(5);
  Segments segments = split(path);
  if (segments.empty() || segments.front() != v3_root) return match(method, segments);
  if (segments.size() == 2 && segments[1].empty()) segments.pop_back();  // "/v3/" is "/v3"
  if (segments.size() > 2 && projects_.matches(segments[1])) {
    Segments rest = segments;
    rest.erase(rest.begin() + 1);
    if (std::optional<Match> found = match(method, rest)) {
      found->project_id = segments[1];
      return found;
    }
  }
  return match(method, segments);
}

}  // namespace scoria::api
