#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/router.h"

namespace scoria::api {

/// Where a route's policy rule is asked about.
enum class Check {
  none,         // no rule: any token will do
  own_project,  // by the pipeline, before the handler runs: the target is the caller's own project
  target,       // by the handler, which alone knows the resource: ApiRequest::enforce()
};

/// One thing that can be called. All of them stand in one table: route_table.cpp.
struct Route {
  const char* method;
  const char* path;         // "/v3/volumes/{volume_id}"; under /v3 a project id may stand before the rest
  const char* action;       // the key of an action body; "" for routes that are no action
  int since;                // 3.N; asked for at an older microversion it is not there (404)
  int success;              // status of a good answer
  const char* rule;         // policy rule; "" when there is none
  Check check;
  const char* handler;      // the name under which a handler is mounted
  const char* extra_rules;  // further rules the handler may ask about, separated by spaces
};

std::span<const Route> route_table();

/// A set of characters as `project_id_regex` gives it: one bracket expression repeated, `[0-9a-f\-]+`. Nothing richer is
/// understood: such an expression is refused, naming what is.
class ProjectPattern {
 public:
  static Result<ProjectPattern> parse(std::string_view expression);
  ProjectPattern();  // the default, [0-9a-f\-]+
  bool matches(std::string_view segment) const;

 private:
  std::array<bool, 256> allowed_{};
};

/// What answers one method of one path: a route, or the actions of an action path.
struct Endpoint {
  std::vector<const Route*> routes;
  bool takes_action() const { return *routes.front()->action != '\0'; }
  /// The action of that name; null when there is none.
  const Route* action(std::string_view name) const;
};

struct Match {
  const Endpoint* endpoint = nullptr;
  std::vector<std::pair<std::string_view, std::string>> captures;  // in the order of the path
  std::string project_id;                                          // from the path; empty when it held none
};

/// Finds who answers a request: http::Router over the route table. Immutable, so safe from any thread.
class Routes {
 public:
  explicit Routes(const ProjectPattern& projects = {}, std::span<const Route> table = route_table());
  /// `path` is decoded. Nothing for an unknown path or a method that it does not know.
  std::optional<Match> find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Endpoint> endpoints_;
  http::Router router_;  // of indices into endpoints_
};

}  // namespace scoria::api
