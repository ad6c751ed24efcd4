#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/fields.h"
#include "api/request.h"
#include "api/request_metrics.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/random.h"
#include "http/message.h"
#include "identity/authenticator.h"
#include "identity/policy.h"

namespace scoria::api {

/// Keeps answers that wait for an operation.
class Parking {
 public:
  virtual ~Parking() = default;
  /// Calls `wake` once, on a worker: with true when the operation has ended, with false when the deadline passed first.
  /// An operation that has ended already wakes at once.
  virtual void park(const std::string& operation_id, Deadline deadline, std::function<void(bool ended)> wake) = 0;
};

/// The handlers by the names that the route table gives them. What is not mounted answers 501.
class Handlers {
 public:
  /// Asserts that the table has the name and that nothing is mounted under it yet.
  void mount(std::string_view name, ApiHandler handler);
  const ApiHandler* find(std::string_view name) const;

 private:
  std::map<std::string, ApiHandler, std::less<>> handlers_;
};

struct PipelineOptions {
  std::string public_endpoint;  // as in cinder.conf; empty: links follow the request's Host
  std::string identity_url;     // named to callers without a token
  ProjectPattern projects;      // project_id_regex
  Duration request_limit = std::chrono::seconds{60};
  bool noauth = false;          // a request without token is given one (204), as Cinder's noauth does
};

/// What the pipeline works with. References outlive it.
struct PipelineParts {
  Clock& clock;
  Random& random;  // used from any worker
  Authenticator& authenticator;
  std::function<std::shared_ptr<const Policy>()> policy;  // the rules in force now
  Parking* parking = nullptr;
  std::function<bool()> may_change;  // none: always. False: this node may have been declared dead, and changes nothing
};

/// Everything between the server and the handlers, for `/`, `/v3` and `/scoria`: request id, token, route, microversion,
/// body, policy, and the form of every answer. Refusals and failures end here: nothing a handler throws gets out, but a
/// simulated kill.
class Pipeline {
 public:
  Pipeline(PipelineParts parts, PipelineOptions options, Handlers handlers);

  /// An http::Handler.
  void operator()(const http::Request& request, std::shared_ptr<http::Responder> responder);

 private:
  struct Exchange;

  Answer serve(Exchange& exchange);
  Answer serve_public(Exchange& exchange, const Match* match);
  Result<> identify(Exchange& exchange, const Match* match);
  Answer route(Exchange& exchange, Match match);
  Answer call(Exchange& exchange);
  void conclude(const std::shared_ptr<Exchange>& exchange, Answer answer);
  void stream(Exchange& exchange, const Streamed& streamed);
  void park(const std::shared_ptr<Exchange>& exchange, Parked parked);
  void send(Exchange& exchange, http::Response response);
  /// Runs `work`, turning what it throws into an answer.
  Answer guarded(Exchange& exchange, const std::function<Answer()>& work);

  PipelineParts parts_;
  PipelineOptions options_;
  Handlers handlers_;
  Routes routes_;
  std::map<const Route*, const Schema*> schemas_;
  RequestMetrics metrics_;
};

}  // namespace scoria::api
