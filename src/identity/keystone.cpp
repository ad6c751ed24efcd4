#include "identity/keystone.h"

#include <algorithm>

#include "base/text.h"
#include "identity/digest.h"
#include "observe/log.h"

namespace scoria {
namespace {

/// Counts who asks now; false when there are too many.
class Turn {
 public:
  Turn(std::atomic<int>& count, int limit) : count_(count), granted_(count.fetch_add(1) < limit) {}
  ~Turn() { count_.fetch_sub(1); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool granted() const { return granted_; }

 private:
  std::atomic<int>& count_;
  const bool granted_;
};

}  // namespace

KeystoneAuthenticator::KeystoneAuthenticator(Clock& clock, net::HttpClient& client, KeystoneSession& session, config::KeystoneOptions options,
                                             Limits limits)
    : clock_(clock), client_(client), session_(session), options_(std::move(options)), limits_(limits), cache_(clock, limits.cached_tokens), flights_(clock) {}

Result<> KeystoneAuthenticator::authenticate(const Credentials& credentials, Context& context) {
  bool allow_expired = false;
  if (!credentials.service_token.empty()) {
    Result<Known> service = validate(credentials.service_token, false, context.deadline);
    if (!service) return refuse(service.error());
    const auto& wanted = options_.service_token_roles;
    context.service_roles = (*service)->roles;
    allow_expired = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& role) { return context.has_service_role(lower_case(role)); });
    if (options_.service_token_roles_required && !allow_expired) return unauthorized();
  }
  Result<Known> user = validate(credentials.token, allow_expired, context.deadline);
  if (!user) return refuse(user.error());
  (*user)->describe(context);
  return {};
}

Result<KeystoneAuthenticator::Known> KeystoneAuthenticator::validate(std::string_view token, bool allow_expired, Deadline deadline) {
  if (!is_token_text(token)) return unauthorized();
  const std::string key = sha256_hex(token) + (allow_expired ? "x" : "");
  if (auto known = cache_.find(key)) return *known;
  const Deadline soon = deadline.sooner(Deadline::in(clock_, limits_.ask_time));
  return flights_.run(key, soon, [&]() -> Result<Known> {
    if (auto known = cache_.find(key)) return *known;  // another flight landed just now
    const std::uint64_t as_of = cache_.generation();
    Result<Known> verdict = ask(std::string(token), allow_expired, soon);
    remember(key, verdict, allow_expired, as_of);
    return verdict;
  });
}

void KeystoneAuthenticator::remember(const std::string& key, const Result<Known>& verdict, bool allow_expired, std::uint64_t as_of) {
  if (verdict) {
    const Duration left = (*verdict)->expires_at - clock_.wall();
    cache_.keep(key, verdict, allow_expired ? options_.token_cache_time : std::min(options_.token_cache_time, left), as_of);
  } else if (verdict.error().code == RefusalCode::unauthorized) {
    cache_.keep(key, verdict, limits_.bad_token_time, as_of);
  }
}

Result<KeystoneAuthenticator::Known> KeystoneAuthenticator::ask(const std::string& token, bool allow_expired, Deadline deadline) {
  const Turn turn(asking_, limits_.questions_at_once);
  if (!turn.granted()) return refuse(RefusalCode::unavailable, "too many requests wait for the identity service; try again");
  Result<net::HttpResponse> answer = question(token, allow_expired, deadline);
  if (!answer) {
    log::warning("keystone", {}, "a token cannot be checked: {}", answer.error().message);
    return refuse(RefusalCode::unavailable, "the identity service cannot be asked now: {}", answer.error().message);
  }
  if (answer->status == 200) {
    Result<keystone::TokenReply> reply = keystone::read_token(answer->body);
    if (!reply) return refuse(reply.error());
    return std::make_shared<const Token>(std::move(reply->token));
  }
  // 404: no such token, or expired, or revoked. 400: not even the form of one.
  if (answer->status == 404 || answer->status == 400) return unauthorized();
  log::error("keystone", {}, "a token cannot be checked: {} answers with status {}", session_.root(), answer->status);
  return refuse(RefusalCode::unavailable, "the identity service cannot check tokens now (status {})", answer->status);
}

/// Asks with our own token; once more with a new one if that was refused.
Result<net::HttpResponse> KeystoneAuthenticator::question(const std::string& token, bool allow_expired, Deadline deadline) {
  const std::string url = session_.root() + "/auth/tokens?nocatalog" + (allow_expired ? "&allow_expired=1" : "");
  for (bool again = false;; again = true) {
    const Result<std::string> own = session_.token(deadline);
    if (!own) return refuse(own.error());
    Result<net::HttpResponse> answer = client_.send({"GET", url, {{"X-Auth-Token", *own}, {"X-Subject-Token", token}}, {}}, deadline);
    if (!answer || answer->status != 401 || again) return answer;
    session_.reject(*own);
  }
}

}  // namespace scoria
