#include "http/router.h"

#include <algorithm>

#include "base/check.h"

namespace scoria::http {

namespace {

/// Segments of a path, one trailing slash ignored; empty ones stay empty.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.empty() || path == "/") return segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    if (end == path.size()) return segments;
    path.remove_prefix(end + 1);
  }
}

bool is_capture(std::string_view segment) { return segment.starts_with('{'); }
bool is_optional(std::string_view segment) { return segment.ends_with("?}"); }
std::string_view capture_name(std::string_view segment) { return segment.substr(1, segment.size() - (is_optional(segment) ? 3 : 2)); }

}  // namespace

/// Captures that share a place and a restriction share a node; their names stand with the handler.
struct Router::Capture {
  int restriction = -1;  // index into restrictions_, or none
  std::unique_ptr<Node> next;
};

struct Router::Node {
  struct Leaf {
    std::string method;
    int handler = -1;
    std::vector<std::string> names;
  };
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted by text
  std::vector<Capture> captures;                                        // restricted ones first
  std::vector<Leaf> leaves;

  Node* literal(std::string_view text) const {
    const auto at = std::lower_bound(literals.begin(), literals.end(), text, [](const auto& item, std::string_view key) { return item.first < key; });
    return at != literals.end() && at->first == text ? at->second.get() : nullptr;
  }
};

/// One search, depth first.
struct Router::Walk {
  const Router& router;
  std::string_view method;
  const std::vector<std::string_view>& segments;
  std::vector<std::string_view> texts = {};
  Match match = {};

  bool at(const Node& node, std::size_t depth) {
    if (depth == segments.size()) return finish(node);
    const std::string_view segment = segments[depth];
    if (const Node* next = node.literal(segment); next != nullptr && at(*next, depth + 1)) return true;
    if (segment.empty()) return false;
    for (const Capture& capture : node.captures) {
      if (capture.restriction >= 0 && !router.restrictions_[static_cast<std::size_t>(capture.restriction)].second(segment)) continue;
      texts.push_back(segment);
      if (at(*capture.next, depth + 1)) return true;
      texts.pop_back();
    }
    return false;
  }

  bool finish(const Node& node) {
    for (const Node::Leaf& leaf : node.leaves) {
      if (leaf.method != method) {
        match.allowed.push_back(leaf.method);
        continue;
      }
      match.outcome = Outcome::found;
      match.handler = leaf.handler;
      match.allowed.clear();
      for (std::size_t index = 0; index < texts.size(); ++index) match.captures.emplace_back(leaf.names[index], texts[index]);
      return true;
    }
    return false;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::restrict(std::string_view name, std::function<bool(std::string_view)> accepts) {
  SCORIA_CHECK(root_->literals.empty() && root_->captures.empty(), "a restriction after the first route");
  restrictions_.emplace_back(name, std::move(accepts));
}

void Router::add(std::string_view method, std::string_view pattern, int handler) {
  const std::vector<std::string_view> segments = split(pattern);
  std::vector<std::vector<std::string_view>> variants(1);
  for (const std::string_view segment : segments) {
    const std::size_t count = variants.size();
    for (std::size_t index = 0; index < count; ++index) {
      if (is_capture(segment) && is_optional(segment)) variants.push_back(variants[index]);
      variants[index].push_back(segment);
    }
  }
  for (const auto& variant : variants) add_plain(method, variant, handler);
}

void Router::add_plain(std::string_view method, const std::vector<std::string_view>& segments, int handler) {
  Node* node = root_.get();
  Node::Leaf leaf{std::string(method), handler, {}};
  for (const std::string_view segment : segments) {
    if (is_capture(segment)) {
      const std::string_view name = capture_name(segment);
      const auto restriction = std::find_if(restrictions_.begin(), restrictions_.end(), [name](const auto& item) { return item.first == name; });
      const int number = restriction == restrictions_.end() ? -1 : static_cast<int>(restriction - restrictions_.begin());
      auto found = std::find_if(node->captures.begin(), node->captures.end(), [number](const Capture& c) { return c.restriction == number; });
      if (found == node->captures.end()) {
        const auto place = number < 0 ? node->captures.end() : node->captures.begin();
        found = node->captures.insert(place, Capture{number, std::make_unique<Node>()});
      }
      leaf.names.emplace_back(name);
      node = found->next.get();
    } else if (Node* next = node->literal(segment); next != nullptr) {
      node = next;
    } else {
      const auto place = std::lower_bound(node->literals.begin(), node->literals.end(), segment,
                                          [](const auto& item, std::string_view key) { return item.first < key; });
      node = node->literals.emplace(place, std::string(segment), std::make_unique<Node>())->second.get();
    }
  }
  const bool taken = std::any_of(node->leaves.begin(), node->leaves.end(), [&leaf](const Node::Leaf& other) { return other.method == leaf.method; });
  SCORIA_CHECK(!taken, "two routes of one method and pattern");
  node->leaves.push_back(std::move(leaf));
}

std::string_view Router::Match::operator[](std::string_view name) const {
  for (const auto& [key, text] : captures) {
    if (key == name) return text;
  }
  return {};
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  if (!path.starts_with('/')) return {};
  if (path.ends_with("//")) return {};
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".json") && !path.ends_with("/.json")) path.remove_suffix(5);
  const std::vector<std::string_view> segments = split(path);
  Walk walk{*this, method, segments};
  if (!walk.at(*root_, 0) && !walk.match.allowed.empty()) walk.match.outcome = Outcome::wrong_method;
  return std::move(walk.match);
}

}  // namespace scoria::http
