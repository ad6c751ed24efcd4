#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scoria::http {

/// Finds the handler of a method and a path. Knows no resource. Filled once, then read from any thread.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Says which texts a capture of that name takes, everywhere; other captures take any text but the empty one. Before
  /// the first add().
  void restrict(std::string_view name, std::function<bool(std::string_view)> accepts);

  /// `pattern`: literal segments and captures of one whole segment, `/v3/{project_id?}/volumes/{volume_id}`; `{name?}`
  /// may be absent. `handler` is any number of the caller's, >= 0. Asserts that method and pattern are not taken already.
  void add(std::string_view method, std::string_view pattern, int handler);

  enum class Outcome { found, wrong_method, unknown_path };

  /// The texts point into the path and the router.
  struct Match {
    Outcome outcome = Outcome::unknown_path;
    int handler = -1;
    std::vector<std::pair<std::string_view, std::string_view>> captures;  // name, text
    std::vector<std::string_view> allowed;                                // methods of the path, for wrong_method

    /// The captured text; empty when the pattern has no such capture.
    std::string_view operator[](std::string_view name) const;
  };

  /// `path` is decoded. One trailing slash and a trailing ".json" are taken off. A literal segment is preferred to a
  /// capture; where the preferred pattern does not know the method, the next one is tried.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Node;
  struct Capture;
  struct Walk;
  void add_plain(std::string_view method, const std::vector<std::string_view>& segments, int handler);

  std::vector<std::pair<std::string, std::function<bool(std::string_view)>>> restrictions_;
  std::unique_ptr<Node> root_;
};

}  // namespace scoria::http
