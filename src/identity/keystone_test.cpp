#include "identity/keystone.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "identity/compute.h"
#include "json/parse.h"

namespace scoria {
namespace {

using namespace std::chrono_literals;

/// Time that passes only when told.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return {Duration{micros_.load()}}; }
  void sleep(Duration time) override { advance(time); }
  bool wait(Signal& signal, Duration) override { return wait_really(signal, 10s); }
  void spawn(std::string, std::function<void()>) override {}
  void advance(Duration time) { micros_ += time.count(); }

 private:
  std::atomic<std::int64_t> micros_{1'000'000};
};

struct Issued {
  std::string user = "u1", project = "p1", role = "member";
  Timestamp expires;
  std::string extra;  // more members of the token
};

/// Answers as Keystone does for the tokens it knows; counts what it is asked.
class FakeKeystone final : public net::HttpClient {
 public:
  explicit FakeKeystone(Clock& clock) : clock_(clock) {}

  std::map<std::string, Issued> tokens;
  std::string password = "right";
  std::atomic<bool> down{false};
  std::atomic<int> status{0};  // answer everything with this
  std::atomic<int> logins{0}, questions{0};
  std::string last_url;
  std::string services;            // more of the catalogue
  net::HttpResponse compute{404, {}, "{}"};
  std::function<void()> before_answer;

  void issue(const std::string& token, Issued issued, Duration life = 1h) {
    issued.expires = clock_.wall() + life;
    tokens[token] = std::move(issued);
  }
  void forget_own_tokens() {
    const std::lock_guard lock(mutex_);
    own_.clear();
  }

  Result<net::HttpResponse> send(const net::HttpRequest& request, Deadline) override {
    if (down) return refuse(RefusalCode::unavailable, "http://keystone:5000 cannot be asked: nobody there");
    if (status != 0) return net::HttpResponse{status, {}, "{}"};
    if (request.url.find("/servers/") != std::string::npos) return last_url = request.url, compute;
    return request.method == "POST" ? login(request) : validate(request);
  }

 private:
  std::string body(const Issued& issued) const {
    return fmt::format(R"({{"token": {{"user": {{"id": "{}", "name": "name-{}", "domain": {{"id": "default", "name": "Default"}}}},
      "project": {{"id": "{}", "name": "P", "domain": {{"id": "default", "name": "Default"}}}}, "roles": [{{"id": "r", "name": "{}"}}],
      "catalog": [{{"type": "image", "name": "glance", "endpoints": [
        {{"interface": "public", "region_id": "R1", "region": "R1", "url": "http://public/image"}},
        {{"interface": "internal", "region_id": "R1", "region": "R1", "url": "http://internal/image"}}]}}{}],
      "expires_at": "{}Z"{}}}}})",
                       issued.user, issued.user, issued.project, issued.role, services, to_iso(issued.expires), issued.extra);
  }

  Result<net::HttpResponse> login(const net::HttpRequest& request) {
    ++logins;
    const auto parsed = json::parse(request.body);
    const json::Value& identity = (*parsed)["auth"]["identity"];
    if (identity["password"]["user"].text_or("password") != password) return net::HttpResponse{401, {}, "{}"};
    const std::string token = fmt::format("own-{}", logins.load());
    {
      const std::lock_guard lock(mutex_);
      own_.push_back(token);
    }
    return net::HttpResponse{201, {{"x-subject-token", token}}, body({"cinder", "service", "service", clock_.wall() + 1h, ""})};
  }

  Result<net::HttpResponse> validate(const net::HttpRequest& request) {
    ++questions;
    last_url = request.url;
    std::string own, subject;
    for (const auto& [name, value] : request.headers) (name == "X-Auth-Token" ? own : subject) = value;
    {
      const std::lock_guard lock(mutex_);
      if (std::find(own_.begin(), own_.end(), own) == own_.end()) return net::HttpResponse{401, {}, "{}"};
    }
    if (before_answer) before_answer();
    const auto at = tokens.find(subject);
    const bool expired_too = request.url.find("allow_expired=1") != std::string::npos;
    if (at == tokens.end() || (at->second.expires <= clock_.wall() && !expired_too)) return net::HttpResponse{404, {}, "{}"};
    return net::HttpResponse{200, {}, body(at->second)};
  }

  Clock& clock_;
  std::mutex mutex_;
  std::vector<std::string> own_;  // guarded by mutex_
};

struct KeystoneTest : testing::Test {
  ManualClock clock;
  FakeKeystone keystone{clock};
  config::KeystoneOptions options = [] {
    config::KeystoneOptions out;
    out.auth_url = "http://keystone:5000/";
    out.username = "cinder";
    out.password = config::Secret("right");
    out.region_name = "R1";
    return out;
  }();
  std::unique_ptr<KeystoneSession> session = std::make_unique<KeystoneSession>(clock, keystone, options);
  std::unique_ptr<KeystoneAuthenticator> authenticator = std::make_unique<KeystoneAuthenticator>(clock, keystone, *session, options);
  Context context;

  void rebuild(KeystoneAuthenticator::Limits limits = {}) {
    session = std::make_unique<KeystoneSession>(clock, keystone, options);
    authenticator = std::make_unique<KeystoneAuthenticator>(clock, keystone, *session, options, limits);
  }
  Result<> ask(std::string_view token, std::string_view service_token = {}) {
    context = {};
    return authenticator->authenticate({token, service_token, {}}, context);
  }
  RefusalCode code(std::string_view token, std::string_view service_token = {}) {
    const Result<> out = ask(token, service_token);
    EXPECT_FALSE(out);
    return out ? RefusalCode::invalid_input : out.error().code;
  }
};

TEST_F(KeystoneTest, a_valid_token_tells_who_asks_and_is_asked_about_once) {
  keystone.issue("t1", {.role = "Member"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask("t1"));
  EXPECT_EQ(context.user_id, "u1");
  EXPECT_EQ(context.user_name, "name-u1");
  EXPECT_EQ(context.project_id, "p1");
  EXPECT_EQ(context.project_domain_id, "default");
  EXPECT_EQ(context.roles, std::vector<std::string>{"member"});
  EXPECT_FALSE(context.system_scope);
  EXPECT_TRUE(context.is_admin_project);
  EXPECT_EQ(keystone.questions, 1);
  EXPECT_EQ(keystone.logins, 1);
  EXPECT_EQ(keystone.last_url, "http://keystone:5000/v3/auth/tokens?nocatalog");
}

TEST_F(KeystoneTest, other_scopes_are_told_apart) {
  keystone.issue("system", {.project = "", .role = "admin", .extra = R"(, "system": {"all": true})"});
  keystone.issue("domain", {.project = "", .role = "admin", .extra = R"(, "domain": {"id": "d1"}, "is_admin_project": false)"});
  ASSERT_TRUE(ask("system"));
  EXPECT_TRUE(context.system_scope);
  EXPECT_EQ(context.project_id, "");
  ASSERT_TRUE(ask("domain"));
  EXPECT_FALSE(context.system_scope);
  EXPECT_EQ(context.domain_id, "d1");
  EXPECT_FALSE(context.is_admin_project);
}

TEST_F(KeystoneTest, a_bad_token_is_refused_and_asked_about_again_only_after_a_while) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code("bad"), RefusalCode::unauthorized);
  EXPECT_EQ(keystone.questions, 1);
  keystone.issue("bad", {});
  clock.advance(11s);
  EXPECT_TRUE(ask("bad"));
  EXPECT_EQ(keystone.questions, 2);
}

TEST_F(KeystoneTest, what_is_no_token_is_refused_without_a_question) {
  for (const std::string& text : {std::string{}, std::string("a b"), std::string("a\nb"), std::string("\xc3\xa4"), std::string(9000, 'a')})
    EXPECT_EQ(code(text), RefusalCode::unauthorized);
  EXPECT_EQ(keystone.questions + keystone.logins, 0);
}

TEST_F(KeystoneTest, a_verdict_is_believed_for_the_cache_time_and_never_beyond_expiry) {
  keystone.issue("long", {}, 1h);
  keystone.issue("short", {}, 100s);
  ASSERT_TRUE(ask("long"));
  ASSERT_TRUE(ask("short"));
  clock.advance(99s);
  ASSERT_TRUE(ask("short"));
  EXPECT_EQ(keystone.questions, 2);
  clock.advance(2s);
  EXPECT_EQ(code("short"), RefusalCode::unauthorized);
  clock.advance(200s);
  ASSERT_TRUE(ask("long"));
  EXPECT_EQ(keystone.questions, 4);
}

TEST_F(KeystoneTest, keystone_down_is_told_apart_from_a_bad_token_and_the_known_get_through) {
  keystone.issue("t1", {});
  keystone.issue("t2", {});
  ASSERT_TRUE(ask("t1"));
  keystone.down = true;
  EXPECT_TRUE(ask("t1"));
  const Result<> refused = ask("t2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::unavailable);
  EXPECT_NE(refused.error().message.find("the identity service cannot be asked now"), std::string::npos);
  keystone.down = false;
  keystone.status = 503;
  EXPECT_EQ(code("t2"), RefusalCode::unavailable);
  keystone.status = 0;
  EXPECT_TRUE(ask("t2"));  // not kept as bad
}

TEST_F(KeystoneTest, our_own_token_is_renewed_when_refused_and_before_it_expires) {
  keystone.issue("t1", {}, 10h);
  keystone.issue("t2", {}, 10h);
  ASSERT_TRUE(ask("t1"));
  keystone.forget_own_tokens();
  ASSERT_TRUE(ask("t2"));
  EXPECT_EQ(keystone.logins, 2);
  clock.advance(59min + 30s);  // the own token has half a minute left, t1's verdict is old
  ASSERT_TRUE(ask("t1"));
  EXPECT_EQ(keystone.logins, 3);
}

TEST_F(KeystoneTest, a_wrong_password_of_our_own_is_our_fault_not_the_callers) {
  options.password = config::Secret("wrong");
  rebuild();
  keystone.issue("t1", {});
  const Result<> refused = ask("t1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::unavailable);
  EXPECT_NE(refused.error().message.find("refuses Scoria's own user 'cinder'"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("wrong"), std::string::npos);
}

TEST_F(KeystoneTest, an_expired_token_needs_a_service_token_with_the_right_role) {
  keystone.issue("old", {}, 0s);
  keystone.issue("service", {.user = "nova", .role = "service"});
  keystone.issue("plain", {.user = "eve", .role = "member"});
  EXPECT_EQ(code("old"), RefusalCode::unauthorized);
  EXPECT_EQ(code("old", "plain"), RefusalCode::unauthorized);
  ASSERT_TRUE(ask("old", "service"));
  EXPECT_EQ(context.user_id, "u1");
  EXPECT_EQ(context.service_roles, std::vector<std::string>{"service"});
  const int before = keystone.questions;
  ASSERT_TRUE(ask("old", "service"));
  EXPECT_EQ(keystone.questions, before);
  EXPECT_EQ(code("old"), RefusalCode::unauthorized);  // alone it stays expired
}

TEST_F(KeystoneTest, a_bad_service_token_spoils_a_good_request_and_a_required_role_is_required) {
  keystone.issue("t1", {});
  keystone.issue("plain", {.user = "eve", .role = "member"});
  keystone.issue("expired-service", {.role = "service"}, 0s);
  EXPECT_EQ(code("t1", "bad"), RefusalCode::unauthorized);
  EXPECT_EQ(code("t1", "expired-service"), RefusalCode::unauthorized);
  EXPECT_TRUE(ask("t1", "plain"));
  options.service_token_roles_required = true;
  rebuild();
  EXPECT_EQ(code("t1", "plain"), RefusalCode::unauthorized);
}

TEST_F(KeystoneTest, many_at_once_ask_one_question) {
  keystone.issue("t1", {});
  std::mutex mutex;
  std::condition_variable go;
  bool open = false;
  keystone.before_answer = [&] {
    std::unique_lock lock(mutex);
    go.wait(lock, [&] { return open; });
  };
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      Context mine;
      mine.deadline = Deadline::in(clock, 1h);
      if (authenticator->authenticate({"t1", {}, {}}, mine) && mine.user_id == "u1") ++good;
    });
  std::this_thread::sleep_for(50ms);
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  go.notify_all();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(keystone.questions, 1);
  EXPECT_EQ(keystone.logins, 1);
}

TEST_F(KeystoneTest, a_slow_keystone_takes_a_bounded_number_of_workers) {
  rebuild({.questions_at_once = 1});
  keystone.issue("t1", {});
  keystone.issue("t2", {});
  std::atomic<bool> open{false}, inside{false};
  keystone.before_answer = [&] {
    inside = true;
    while (!open) std::this_thread::sleep_for(1ms);
  };
  std::thread slow([&] {
    Context mine;
    EXPECT_TRUE(authenticator->authenticate({"t1", {}, {}}, mine));
  });
  while (!inside) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(code("t2"), RefusalCode::unavailable);
  open = true;
  slow.join();
  EXPECT_TRUE(ask("t2"));
}

TEST_F(KeystoneTest, the_catalogue_names_endpoints_of_our_interface_and_region) {
  const Deadline soon = Deadline::in(clock, 1min);
  EXPECT_EQ(session->endpoint("image", soon).value(), "http://internal/image");
  EXPECT_EQ(session->endpoint("compute", soon).error().code, RefusalCode::unavailable);
  options.region_name = "R2";
  rebuild();
  EXPECT_FALSE(session->endpoint("image", soon));
}

TEST_F(KeystoneTest, nonsense_with_status_200_is_no_token) {
  EXPECT_FALSE(keystone::read_token("not json"));
  EXPECT_FALSE(keystone::read_token("{}"));
  EXPECT_FALSE(keystone::read_token(R"({"token": {"user": {"id": "u"}, "expires_at": "never"}})"));
  EXPECT_FALSE(keystone::read_token(R"({"token": {"user": [], "expires_at": "2030-01-01T00:00:00.000000Z"}})"));
  EXPECT_TRUE(keystone::read_token(R"({"token": {"user": {"id": "u"}, "expires_at": "2030-01-01T00:00:00.000000Z", "roles": [1], "catalog": [1]}})"));
}

TEST(TokenCacheTest, the_entry_not_used_for_longest_makes_room) {
  ManualClock clock;
  TokenCache cache(clock, 2);
  const auto token = std::make_shared<const Token>();
  cache.keep("a", token, 1min, cache.generation());
  cache.keep("b", token, 1min, cache.generation());
  EXPECT_TRUE(cache.find("a"));
  cache.keep("c", token, 1min, cache.generation());
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("a"));
  EXPECT_TRUE(cache.find("c"));
  cache.keep("c", token, 1min, cache.generation());
  EXPECT_EQ(cache.size(), 2U);
  clock.advance(1min);
  EXPECT_FALSE(cache.find("a"));
}

TEST(TokenCacheTest, a_verdict_sought_before_something_was_forgotten_is_not_kept) {
  ManualClock clock;
  TokenCache cache(clock, 10);
  const std::uint64_t before = cache.generation();
  cache.forget("a");
  cache.keep("a", std::make_shared<const Token>(), 1min, before);
  EXPECT_FALSE(cache.find("a"));
  cache.keep("a", std::make_shared<const Token>(), 1min, cache.generation());
  EXPECT_TRUE(cache.find("a"));
  cache.forget_all();
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(KeystoneTest, the_compute_service_is_asked_which_attachment_a_server_uses) {
  const auto nova = make_nova(keystone, *session);
  const auto uses = [&] { return nova->uses("vm1", "v1", "a1", Deadline::in(clock, 5s)); };
  EXPECT_FALSE(uses().value()) << "no compute service in the catalogue, no server";
  keystone.services = R"(, {"type": "compute", "name": "nova", "endpoints": [{"interface": "internal", "region_id": "R1", "region": "R1", "url": "http://nova/v2.1"}]})";
  rebuild();
  const auto again = make_nova(keystone, *session);
  const auto asks = [&] { return again->uses("vm1", "v1", "a1", Deadline::in(clock, 5s)); };
  EXPECT_FALSE(asks().value()) << "no such server";
  EXPECT_EQ(keystone.last_url, "http://nova/v2.1/servers/vm1/os-volume_attachments/v1");
  keystone.compute = {200, {}, R"({"volumeAttachment": {"attachment_id": "a1", "volumeId": "v1"}})"};
  EXPECT_TRUE(asks().value());
  keystone.compute = {200, {}, R"({"volumeAttachment": {"attachment_id": "a2", "volumeId": "v1"}})"};
  EXPECT_FALSE(asks().value()) << "by another attachment";
  keystone.compute = {503, {}, "{}"};
  EXPECT_FALSE(asks()) << "nobody knows";
}

}  // namespace
}  // namespace scoria
