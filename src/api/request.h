#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/links.h"
#include "api/microversion.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "identity/context.h"
#include "identity/policy.h"
#include "json/value.h"

namespace scoria::api {

/// A request as handlers see it: authenticated, of a known route and microversion, its body parsed and checked against
/// the schema of that route. One thread at a time.
class ApiRequest {
 public:
  ApiRequest(const http::Request& sent, std::shared_ptr<const Policy> policy) : http(&sent), policy_(std::move(policy)) {}

  const http::Request* http;
  const Route* route = nullptr;
  Context context;
  Microversion version;
  json::Value body;  // null when there was none
  Links links;
  std::vector<std::pair<std::string_view, std::string>> captures;

  /// What the path holds for `{name}`; asserts that the route has it.
  const std::string& capture(std::string_view name) const;
  /// The value of a query parameter, the last one if it is repeated; nullptr when absent.
  const std::string* query(std::string_view name) const;
  /// What stands under the single key of an action body; for other routes the whole body.
  const json::Value& payload() const;
  /// From microversion 3.`minor` on?
  bool since(int minor) const { return version.minor >= minor; }

  /// Asks the route's own rule (Check::target) about the resource found.
  Result<> enforce(const PolicyTarget& target) { return enforce(route->rule, target); }
  Result<> enforce(std::string_view rule, const PolicyTarget& target = {});
  /// Asks without refusing: for fields and filters that some callers only see.
  bool allows(std::string_view rule, const PolicyTarget& target = {}) const { return policy_->allows(rule, context, target); }
  /// True once the route's own rule was asked and held.
  bool enforced() const { return enforced_; }

  /// A good answer: the route's success status and this body (JSON text, or empty).
  http::Response reply(std::string json = {}) const;

 private:
  std::shared_ptr<const Policy> policy_;
  bool enforced_ = false;
};

class Answer;

/// The answer is known only when an operation has ended. Nothing waits for it but memory: no thread, no connection.
struct Parked {
  std::string operation_id;
  Deadline deadline;  // passed: 502 naming the operation, which goes on
  /// Runs on a worker once the operation has ended, and makes the answer.
  std::function<Answer(ApiRequest&)> resume;
};

/// An answer of many pieces whose end is not known yet.
struct Streamed {
  /// Takes over the answer and begins it with `head`, at once. False: not now (503).
  std::function<bool(std::shared_ptr<http::Responder> to, http::Response head)> begin;
};

/// What a handler returns: a response, a refusal (`return refuse(…)`), or a promise of one.
class Answer {
 public:
  Answer(http::Response response) : value(std::move(response)) {}
  Answer(tl::unexpected<Refusal> refusal) : value(std::move(refusal.value())) {}
  Answer(Parked parked) : value(std::move(parked)) {}
  Answer(Streamed streamed) : value(std::move(streamed)) {}

  std::variant<http::Response, Refusal, Parked, Streamed> value;
};

using ApiHandler = std::function<Answer(ApiRequest&)>;

}  // namespace scoria::api
