#include "api/pipeline.h"

#include <gtest/gtest.h>

#include "api/errors.h"
#include "db/database.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

constexpr const char* project = "aaaa1111";

/// Tokens are "<role>" or "<role>@<project>".
class FakeAuthenticator final : public Authenticator {
 public:
  Result<> authenticate(const Credentials& credentials, Context& context) override {
    if (credentials.token == "down") return refuse(RefusalCode::unavailable, "The identity service does not answer.");
    const std::size_t at = credentials.token.find('@');
    const std::string_view role = credentials.token.substr(0, at);
    if (role.empty() || role == "bad") return refuse(RefusalCode::unauthorized, "A token is needed.");
    context.user_id = "u1";
    context.project_id = at == std::string_view::npos ? project : std::string(credentials.token.substr(at + 1));
    for (const std::string_view name : {"reader", "member", "admin"}) {
      if (role == "nobody") break;
      context.roles.emplace_back(name);
      if (name == role) break;
    }
    return {};
  }
};

class Inbox final : public http::Responder {
 public:
  void send(http::Response response) override {
    ++answers;
    last = std::move(response);
  }
  bool gone() const override { return false; }
  int answers = 0;
  http::Response last;
};

class FakeParking final : public Parking {
 public:
  void park(const std::string& operation, Deadline, std::function<void(bool)> wake) override {
    operation_id = operation;
    wake_up = std::move(wake);
  }
  std::string operation_id;
  std::function<void(bool)> wake_up;
};

class SimulatedKill {};  // no std::exception, as the simulation's

struct World : ::testing::Test {
  SystemClock clock;
  SeededRandom random{7};
  FakeAuthenticator authenticator;
  FakeParking parking;
  std::shared_ptr<const Policy> policy = Policy::load().value();
  PipelineOptions options;
  Handlers handlers;
  std::unique_ptr<Pipeline> pipeline;
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();

  void mount(std::string_view name, ApiHandler handler) { handlers.mount(name, std::move(handler)); }

  http::Response& ask(const std::string& method, const std::string& path, const std::string& body = {},
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!pipeline) pipeline = std::make_unique<Pipeline>(PipelineParts{clock, random, authenticator, [this] { return policy; }, &parking}, options, handlers);
    http::Request request;
    request.method = method;
    request.target = path;
    request.path = path;
    request.body = body;
    request.headers.add("Host", "api:8776");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    bool token = false;
    for (auto& [name, value] : headers) {
      token = token || name == "X-Auth-Token";
      if (!value.empty()) request.headers.set(name, value);
    }
    if (!token) request.headers.add("X-Auth-Token", "member");
    (*pipeline)(request, inbox);
    return inbox->last;
  }

  static std::string key_of(const http::Response& response) { return json::parse(response.body).value().object().at(0).first; }
};

TEST_F(World, a_mounted_handler_answers_with_the_success_status_of_its_route) {
  mount("volumes.list", [](ApiRequest& request) { return request.reply(R"({"volumes":[]})"); });
  mount("volumes.create", [](ApiRequest& request) { return request.reply("{}"); });
  EXPECT_EQ(ask("GET", "/v3/volumes").status, 200);
  EXPECT_EQ(inbox->last.body, R"({"volumes":[]})");
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"size":1}})").status, 202);
}

TEST_F(World, every_answer_carries_the_request_id_twice) {
  const http::Response& response = ask("GET", "/v3/volumes");
  const std::string* id = response.headers.find("x-openstack-request-id");
  ASSERT_NE(id, nullptr);
  EXPECT_EQ(id->substr(0, 4), "req-");
  EXPECT_TRUE(is_uuid(id->substr(4)));
  EXPECT_EQ(*response.headers.find("x-compute-request-id"), *id);
}

TEST_F(World, the_callers_request_id_is_kept_if_it_is_one) {
  std::string seen;
  mount("volumes.list", [&seen](ApiRequest& request) {
    seen = request.context.global_request_id;
    return request.reply();
  });
  ask("GET", "/v3/volumes", {}, {{"X-Openstack-Request-Id", "req-6f519a48-ab9a-4c3b-9d38-8d2c9e1e1f00"}});
  EXPECT_EQ(seen, "req-6f519a48-ab9a-4c3b-9d38-8d2c9e1e1f00");
  ask("GET", "/v3/volumes", {}, {{"X-Openstack-Request-Id", "req-'; drop table"}});
  EXPECT_EQ(seen, "");
}

TEST_F(World, without_a_handler_501_says_so) {
  const http::Response& response = ask("GET", "/v3/volumes");
  EXPECT_EQ(response.status, 501);
  EXPECT_EQ(key_of(response), "notImplemented");
  EXPECT_NE(response.body.find("not served yet by this version of Scoria"), std::string::npos);
}

TEST_F(World, version_headers_stand_on_good_answers_and_on_faults) {
  mount("volumes.list", [](ApiRequest& request) { return request.reply(); });
  EXPECT_EQ(*ask("GET", "/v3/volumes", {}, {{"OpenStack-API-Version", "volume 3.44"}}).headers.find("OpenStack-API-Version"), "volume 3.44");
  EXPECT_EQ(*inbox->last.headers.find("Vary"), "OpenStack-API-Version");
  EXPECT_EQ(*ask("GET", "/v3/snapshots").headers.find("OpenStack-API-Version"), "volume 3.0");
  EXPECT_EQ(*ask("GET", "/v3/volumes", {}, {{"OpenStack-API-Version", "volume latest"}}).headers.find("OpenStack-API-Version"), "volume 3.71");
}

TEST_F(World, a_version_out_of_range_is_406_and_repeated) {
  const http::Response& response = ask("GET", "/v3/volumes", {}, {{"OpenStack-API-Version", "volume 3.99"}});
  EXPECT_EQ(response.status, 406);
  EXPECT_EQ(key_of(response), "computeFault");
  EXPECT_EQ(*response.headers.find("OpenStack-API-Version"), "volume 3.99");
}

TEST_F(World, an_unreadable_version_is_400_without_version_header) {
  const http::Response& response = ask("GET", "/v3/volumes", {}, {{"OpenStack-API-Version", "volume new"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.find("OpenStack-API-Version"), nullptr);
}

TEST_F(World, routes_and_actions_of_later_versions_are_not_found) {
  EXPECT_EQ(ask("GET", "/v3/volumes/summary", {}, {{"OpenStack-API-Version", "volume 3.11"}}).status, 404);
  EXPECT_EQ(ask("GET", "/v3/volumes/summary", {}, {{"OpenStack-API-Version", "volume 3.12"}}).status, 501);
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", R"({"revert":{"snapshot_id":"1"}})").status, 404);
}

TEST_F(World, an_unknown_path_is_plain_text_and_needs_a_token_under_v3) {
  EXPECT_EQ(ask("GET", "/v3/nothing").status, 404);
  EXPECT_EQ(inbox->last.content_type.substr(0, 10), "text/plain");
  EXPECT_EQ(inbox->last.headers.find("OpenStack-API-Version"), nullptr);
  EXPECT_EQ(ask("PATCH", "/v3/volumes").status, 404);
  EXPECT_EQ(ask("GET", "/v3/nothing", {}, {{"X-Auth-Token", ""}}).status, 401);
  EXPECT_EQ(ask("GET", "/v2/volumes", {}, {{"X-Auth-Token", ""}}).status, 404);
}

TEST_F(World, the_version_list_needs_no_token_and_says_300) {
  EXPECT_EQ(ask("GET", "/", {}, {{"X-Auth-Token", ""}}).status, 300);
  EXPECT_NE(inbox->last.body.find("http://api:8776/v3/"), std::string::npos);
  EXPECT_EQ(ask("GET", "/v3/").status, 200);
}

TEST_F(World, links_follow_the_public_endpoint_or_the_forwarded_host) {
  EXPECT_NE(ask("GET", "/", {}, {{"X-Forwarded-Host", "cloud.example:443"}}).body.find("http://cloud.example:443/v3/"), std::string::npos);
  pipeline.reset();
  options.public_endpoint = "https://block.example/";
  EXPECT_NE(ask("GET", "/").body.find("https://block.example/v3/"), std::string::npos);
}

TEST_F(World, no_token_is_401_and_a_silent_identity_service_503) {
  options.identity_url = "http://id:5000/v3";
  const http::Response& response = ask("GET", "/v3/volumes", {}, {{"X-Auth-Token", ""}});
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(*response.headers.find("WWW-Authenticate"), "Keystone uri=\"http://id:5000/v3\"");
  EXPECT_EQ(ask("GET", "/v3/volumes", {}, {{"X-Auth-Token", "down"}}).status, 503);
  EXPECT_NE(inbox->last.headers.find("Retry-After"), nullptr);
}

TEST_F(World, noauth_hands_out_a_token) {
  options.noauth = true;
  const http::Response& response = ask("GET", "/v3/volumes", {}, {{"X-Auth-Token", ""}, {"X-Auth-User", "me"}, {"X-Auth-Project-Id", "p"}});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(*response.headers.find("X-Auth-Token"), "me:p");
}

TEST_F(World, another_projects_id_in_the_path_is_a_malformed_url) {
  mount("volumes.list", [](ApiRequest& request) {
    json::Writer out;
    out.begin_object();
    request.links.write(out, "volumes", "7");
    return request.reply(out.end_object().take());
  });
  const auto links = [](const std::string& part) {
    return R"({"links":[{"rel":"self","href":"http://api:8776/v3)" + part + R"(/volumes/7"},{"rel":"bookmark","href":"http://api:8776)" + part + R"(/volumes/7"}]})";
  };
  EXPECT_EQ(ask("GET", "/v3/bbbb2222/volumes").status, 400);
  EXPECT_EQ(ask("GET", "/v3/aaaa1111/volumes").status, 200);
  EXPECT_EQ(inbox->last.body, links("/aaaa1111"));
  EXPECT_EQ(ask("GET", "/v3/volumes").body, links(""));
}

TEST_F(World, rules_without_a_target_are_asked_before_the_handler) {
  bool called = false;
  mount("os-services.list", [&called](ApiRequest& request) {
    called = true;
    return request.reply();
  });
  EXPECT_EQ(ask("GET", "/v3/os-services").status, 403);
  EXPECT_EQ(key_of(inbox->last), "forbidden");
  EXPECT_FALSE(called);
  EXPECT_EQ(ask("GET", "/v3/os-services", {}, {{"X-Auth-Token", "admin"}}).status, 200);
  EXPECT_EQ(ask("GET", "/v3/volumes", {}, {{"X-Auth-Token", "nobody"}}).status, 403);
}

TEST_F(World, rules_of_a_resource_are_the_handlers_business) {
  mount("volumes.delete", [](ApiRequest& request) -> Answer {
    if (Result<> allowed = request.enforce({{"project_id", project}}); !allowed) return refuse(allowed.error());
    return request.reply();
  });
  EXPECT_EQ(ask("DELETE", "/v3/volumes/1").status, 202);
  EXPECT_EQ(ask("DELETE", "/v3/volumes/1", {}, {{"X-Auth-Token", "reader"}}).status, 403);
}

TEST_F(World, a_handler_that_forgets_its_rule_is_a_bug) {
  mount("volumes.delete", [](ApiRequest& request) { return request.reply(); });
  EXPECT_DEATH(ask("DELETE", "/v3/volumes/1"), "policy rule");
}

TEST_F(World, actions_are_chosen_by_the_single_key) {
  mount("volumes.os-extend", [](ApiRequest& request) -> Answer {
    if (Result<> allowed = request.enforce(PolicyTarget{}); !allowed) return refuse(allowed.error());
    return request.reply(fmt::format("{}", request.payload()["new_size"].integer()));
  });
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", R"({"os-extend":{"new_size":3}})").status, 202);
  EXPECT_EQ(inbox->last.body, "3");
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", R"({"os-unknown":{}})").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", R"({"os-extend":{"new_size":3},"os-detach":{}})").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", "{}").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action", "[1]").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes/1/action").status, 400);
}

TEST_F(World, bodies_are_json_or_refused) {
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":)").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes", "<volume/>", {{"Content-Type", "application/xml"}}).status, 415);
  EXPECT_EQ(key_of(inbox->last), "badMediaType");
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"size":1}})", {{"Content-Type", "Application/JSON; charset=UTF-8"}}).status, 501);
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"size":1}})", {{"Content-Type", "application/vnd.openstack.volume+json"}}).status, 501);
  EXPECT_EQ(ask("POST", "/v3/volumes", std::string(100, '[') + std::string(100, ']')).status, 400);
}

TEST_F(World, a_nul_is_refused_wherever_it_hides) {
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"name":"a\u0000b"}})").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"metadata":{"a\u0000":"b"}}})").status, 400);
  EXPECT_EQ(ask("POST", "/v3/volumes", R"({"volume":{"name":"a\\u0000b"}})").status, 501);
}

TEST_F(World, a_body_against_its_schema_is_400_before_policy_is_asked) {
  EXPECT_EQ(ask("PUT", "/v3/os-services/enable", R"({"binary":7})").status, 400);
  EXPECT_EQ(ask("PUT", "/v3/os-services/enable", R"({"binary":"cinder-volume"})").status, 403);
  EXPECT_EQ(ask("POST", "/v3/volumes").status, 400);
}

TEST_F(World, a_database_that_cannot_serve_is_503_and_a_bug_is_500_without_its_text) {
  mount("volumes.list", [](ApiRequest&) -> Answer { throw db::Error("connection lost"); });
  mount("snapshots.list", [](ApiRequest&) -> Answer { throw std::runtime_error("secret detail"); });
  mount("backups.list", [](ApiRequest&) -> Answer { throw db::ConstraintError("unique", true); });
  EXPECT_EQ(ask("GET", "/v3/volumes").status, 503);
  EXPECT_NE(inbox->last.headers.find("Retry-After"), nullptr);
  EXPECT_EQ(ask("GET", "/v3/snapshots").status, 500);
  EXPECT_EQ(inbox->last.body.find("secret"), std::string::npos);
  EXPECT_NE(inbox->last.body.find(*inbox->last.headers.find("x-openstack-request-id")), std::string::npos);
  EXPECT_EQ(ask("GET", "/v3/backups").status, 500);
}

TEST_F(World, a_simulated_kill_passes_through) {
  mount("volumes.list", [](ApiRequest&) -> Answer { throw SimulatedKill{}; });
  EXPECT_THROW(ask("GET", "/v3/volumes"), SimulatedKill);
  EXPECT_EQ(inbox->answers, 0);
}

TEST_F(World, a_parked_answer_comes_when_its_operation_ends) {
  mount("attachments.create", [](ApiRequest& request) -> Answer {
    return Parked{"op-1", request.context.deadline, [](ApiRequest& later) -> Answer { return later.reply(later.http->path); }};
  });
  const std::string body = R"({"attachment":{"volume_uuid":"6f519a48-ab9a-4c3b-9d38-8d2c9e1e1f00"}})";
  ask("POST", "/v3/attachments", body, {{"OpenStack-API-Version", "volume 3.27"}});
  EXPECT_EQ(inbox->answers, 0);
  EXPECT_EQ(parking.operation_id, "op-1");
  parking.wake_up(true);
  EXPECT_EQ(inbox->answers, 1);
  EXPECT_EQ(inbox->last.status, 200);
  EXPECT_EQ(inbox->last.body, "/v3/attachments");
  EXPECT_EQ(*inbox->last.headers.find("OpenStack-API-Version"), "volume 3.27");
}

TEST_F(World, a_parked_answer_that_comes_too_late_is_502_naming_the_operation) {
  mount("attachments.create", [](ApiRequest& request) -> Answer {
    return Parked{"op-1", request.context.deadline, [](ApiRequest& later) -> Answer { return later.reply(); }};
  });
  const std::string body = R"({"attachment":{"volume_uuid":"6f519a48-ab9a-4c3b-9d38-8d2c9e1e1f00"}})";
  ask("POST", "/v3/attachments", body, {{"OpenStack-API-Version", "volume 3.27"}});
  parking.wake_up(false);
  EXPECT_EQ(inbox->last.status, 502);
  EXPECT_NE(inbox->last.body.find("op-1"), std::string::npos);
}

TEST_F(World, the_configured_project_pattern_is_used) {
  mount("volumes.list", [](ApiRequest& request) { return request.reply(); });
  options.projects = ProjectPattern::parse("[a-z]+").value();
  EXPECT_EQ(ask("GET", "/v3/demo/volumes", {}, {{"X-Auth-Token", "member@demo"}}).status, 200);
}

}  // namespace
}  // namespace scoria::api
