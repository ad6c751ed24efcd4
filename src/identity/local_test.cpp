#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.h"
#include "db/testing.h"
#include "identity/local_bootstrap.h"
#include "identity/local_keystone.h"
#include "identity/password.h"
#include "json/parse.h"
#include "store/migrations.h"

namespace scoria::local {
namespace {

using namespace std::chrono_literals;

/// Scoria's own identity on an engine, with the first user `admin` and what a test adds.
struct LocalIdentity : db::testing::EveryEngine {
  SystemRandom random;
  std::unique_ptr<Tokens> tokens;
  std::unique_ptr<LocalKeystone> keystone;
  std::string admin_token;

  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    ASSERT_TRUE(ensure_admin(database(), random, "s3cret", true));
    restart({});
    admin_token = token_of(log_in("admin", "s3cret", R"({"project": {"name": "admin", "domain": {"name": "Default"}}})"));
  }

  void restart(TokenOptions options) {
    tokens = std::make_unique<Tokens>(database(), clock(), random, options);
    keystone = std::make_unique<LocalKeystone>(database(), clock(), random, *tokens, KeystoneOptions{.password_cost = PasswordCost::generated});
  }

  KeystoneReply call(std::string method, std::string path, std::string body = {}, std::string token = "admin", std::string subject = {}) {
    KeystoneRequest request{std::move(method), path.substr(0, path.find('?')), {}, token == "admin" ? admin_token : std::move(token), std::move(subject),
                            std::move(body), "http://127.0.0.1:8776", "127.0.0.1"};
    if (const std::size_t at = path.find('?'); at != std::string::npos)
      for (const std::string_view part : split(std::string_view(path).substr(at + 1), '&'))
        request.query.emplace_back(part.substr(0, part.find('=')), part.find('=') == std::string_view::npos ? "" : part.substr(part.find('=') + 1));
    return keystone->answer(request);
  }

  KeystoneReply log_in(std::string_view user, std::string_view password, std::string_view scope = {}) {
    return call("POST", "/v3/auth/tokens",
                fmt::format(R"({{"auth": {{"identity": {{"methods": ["password"], "password": {{"user": {{"name": "{}", "domain": {{"id": "default"}}, "password": "{}"}}}}}}{}}}}})",
                            user, password, scope.empty() ? std::string{} : fmt::format(R"(, "scope": {})", scope)),
                "");
  }
  static std::string token_of(const KeystoneReply& reply) {
    EXPECT_EQ(reply.status, 201) << reply.body;
    for (const auto& [name, value] : reply.headers)
      if (name == "X-Subject-Token") return value;
    return {};
  }
  static json::Value parsed(const KeystoneReply& reply) {
    auto out = json::parse(reply.body);
    EXPECT_TRUE(out) << reply.body;
    return out ? *out : json::Value{};
  }
  std::string make(std::string_view kind, std::string_view members) {
    const KeystoneReply reply = call("POST", fmt::format("/v3/{}s", kind), fmt::format(R"({{"{}": {}}})", kind, members));
    EXPECT_EQ(reply.status, 201) << reply.body;
    return parsed(reply)[kind].text_or("id");
  }
  std::string id_of(std::string_view kind, std::string_view name) {
    return parsed(call("GET", fmt::format("/v3/{}?name={}", kind, name)))[kind].array().front().text_or("id");
  }
  /// A user `name` with that role in a project of its own; its token.
  std::string persona(const std::string& name, const std::string& role) {
    const std::string project = make("project", fmt::format(R"({{"name": "of-{}"}})", name));
    const std::string user = make("user", fmt::format(R"({{"name": "{}", "password": "pass", "default_project_id": "{}"}})", name, project));
    EXPECT_EQ(call("PUT", fmt::format("/v3/projects/{}/users/{}/roles/{}", project, user, id_of("roles", role))).status, 204);
    return token_of(log_in(name, "pass"));
  }
  Result<Context> context_of(std::string_view token, std::string_view service_token = {}) {
    Context out;
    LocalAuthenticator authenticator(*tokens);
    const Result<> good = authenticator.authenticate({token, service_token, {}}, out);
    if (!good) return refuse(good.error());
    return out;
  }
};
SCORIA_EVERY_ENGINE(LocalIdentity);

// ---- logging in ----

TEST_P(LocalIdentity, the_first_user_logs_in_and_is_known_by_the_token) {
  const KeystoneReply reply = log_in("admin", "s3cret", R"({"project": {"name": "admin", "domain": {"id": "default"}}})");
  const json::Value token = parsed(reply)["token"];
  EXPECT_EQ(token["user"].text_or("name"), "admin");
  EXPECT_EQ(token["project"].text_or("name"), "admin");
  const std::string project = token["project"].text_or("id");
  EXPECT_EQ(project.size(), 32U);
  std::vector<std::string> types;
  for (const json::Value& service : token["catalog"].array()) {
    types.push_back(service.text_or("type"));
    EXPECT_EQ(service["endpoints"].array().size(), 3U);
  }
  EXPECT_EQ(types, (std::vector<std::string>{"volumev3", "block-storage", "identity", "image"}));
  EXPECT_EQ(token["catalog"].array()[0]["endpoints"].array()[0].text_or("url"), "http://127.0.0.1:8776/v3/" + project);

  const auto context = context_of(token_of(reply));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->user_name, "admin");
  EXPECT_EQ(context->project_id, project);
  EXPECT_EQ(context->roles, (std::vector<std::string>{"admin", "member", "reader"}));  // the last two come with the first
  EXPECT_EQ(context->project_domain_id, "default");
}

TEST_P(LocalIdentity, wrong_names_passwords_and_scopes_get_the_same_answer) {
  const std::string mine = R"({"project": {"name": "admin", "domain": {"name": "Default"}}})";
  for (const KeystoneReply& reply : {log_in("admin", "wrong", mine), log_in("nobody", "s3cret", mine), log_in("admin", "s3cret", R"({"project": {"name": "x"}})"),
                                     log_in("admin", "s3cret", R"({"project": {"id": "x"}})"),
                                     log_in("admin", "s3cret", R"({"project": {"name": "admin", "domain": {"name": "Other"}}})")}) {
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(parsed(reply)["error"].text_or("message"), "The request you have made requires authentication.");
    EXPECT_EQ(parsed(reply)["error"].text_or("title"), "Unauthorized");
  }
  EXPECT_EQ(log_in("admin", "s3cret", R"({"system": {"all": true}})").status, 401);
  for (const char* body : {"{}", "[]", R"({"auth": {}})", R"({"auth": {"identity": {"methods": []}}})", R"({"auth": {"identity": {"methods": ["password"]}}})", "{"})
    EXPECT_EQ(call("POST", "/v3/auth/tokens", body, "").status, 400) << body;
}

TEST_P(LocalIdentity, without_a_scope_the_users_own_project_counts) {
  const std::string token = persona("ann", "member");
  EXPECT_EQ(context_of(token)->roles, (std::vector<std::string>{"member", "reader"}));
  const KeystoneReply unscoped = log_in("ann", "pass", R"("unscoped")");
  const auto context = context_of(token_of(unscoped));
  ASSERT_TRUE(context);
  EXPECT_EQ(context->project_id, "");
  EXPECT_TRUE(context->roles.empty());
  EXPECT_EQ(parsed(unscoped)["token"].find("catalog"), nullptr);
}

TEST_P(LocalIdentity, a_token_buys_another_that_ends_with_it) {
  const std::string unscoped = token_of(log_in("admin", "s3cret", R"("unscoped")"));
  const KeystoneReply reply = call("POST", "/v3/auth/tokens",
                                   fmt::format(R"({{"auth": {{"identity": {{"methods": ["token"], "token": {{"id": "{}"}}}}, "scope": {{"project": {{"id": "{}"}}}}}}}})",
                                               unscoped, id_of("projects", "admin")),
                                   "");
  EXPECT_EQ(tokens->find(token_of(reply))->expires_at, tokens->find(unscoped)->expires_at);
  EXPECT_TRUE(context_of(token_of(reply))->has_role("admin"));
}

TEST_P(LocalIdentity, guessing_is_slowed_down_for_the_guesser_alone) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log_in("admin", "wrong").status, 401);
  const KeystoneReply slowed = log_in("admin", "s3cret");
  EXPECT_EQ(slowed.status, 429);
  EXPECT_EQ(slowed.headers.front(), (std::pair<std::string, std::string>{"Retry-After", "1"}));
  EXPECT_EQ(log_in("nobody", "x").status, 401);
}

// ---- the life of a token ----

TEST_P(LocalIdentity, a_token_ends_by_time_and_an_old_one_needs_a_service_beside_it) {
  const std::string service = persona("nova", "member");
  make("role", R"({"name": "service"})");
  EXPECT_EQ(call("PUT", fmt::format("/v3/projects/{}/users/{}/roles/{}", id_of("projects", "of-nova"), id_of("users", "nova"), id_of("roles", "service"))).status, 204);
  const std::string token = persona("ann", "member");
  database().write([&](db::Transaction& tx) {
    tx.run("UPDATE identity_token SET expires_at = scoria_now() - 1 WHERE user_id = (SELECT id FROM identity_user WHERE name = 'ann')");
  });
  EXPECT_EQ(context_of(token).error().code, RefusalCode::unauthorized);
  ASSERT_TRUE(context_of(token, service));
  EXPECT_TRUE(context_of(token, service)->has_service_role("service"));
  EXPECT_EQ(context_of(token, admin_token).error().code, RefusalCode::unauthorized);
  EXPECT_EQ(context_of(service, "no-token").error().code, RefusalCode::unauthorized);
  EXPECT_EQ(call("GET", "/v3/auth/tokens", {}, "admin", token).status, 404);
  EXPECT_EQ(call("GET", "/v3/auth/tokens?allow_expired=1", {}, "admin", token).status, 200);
}

TEST_P(LocalIdentity, a_revoked_token_is_worth_nothing_at_once) {
  const std::string token = persona("ann", "member");
  ASSERT_TRUE(context_of(token));
  EXPECT_EQ(call("GET", "/v3/auth/tokens", {}, token, token).status, 200);
  EXPECT_EQ(call("HEAD", "/v3/auth/tokens", {}, token, token).body, "");
  EXPECT_EQ(call("DELETE", "/v3/auth/tokens", {}, token, token).status, 204);
  EXPECT_EQ(context_of(token).error().code, RefusalCode::unauthorized);
  EXPECT_EQ(call("GET", "/v3/auth/tokens", {}, token, token).status, 401);
}

TEST_P(LocalIdentity, a_token_is_as_good_as_user_project_and_roles_are_now) {
  const std::string token = persona("ann", "member");
  const std::string user = id_of("users", "ann"), project = id_of("projects", "of-ann");
  ASSERT_TRUE(context_of(token));
  EXPECT_EQ(call("PATCH", "/v3/projects/" + project, R"({"project": {"enabled": false}})").status, 200);
  EXPECT_FALSE(context_of(token));
  EXPECT_EQ(call("PATCH", "/v3/projects/" + project, R"({"project": {"enabled": true}})").status, 200);
  EXPECT_TRUE(context_of(token));
  const std::string grant = fmt::format("/v3/projects/{}/users/{}/roles/", project, user);
  EXPECT_EQ(call("PUT", grant + id_of("roles", "reader")).status, 204);
  EXPECT_EQ(call("DELETE", grant + id_of("roles", "member")).status, 204);
  EXPECT_EQ(context_of(token)->roles, std::vector<std::string>{"reader"});
  EXPECT_EQ(call("DELETE", grant + id_of("roles", "reader")).status, 204);
  EXPECT_FALSE(context_of(token));
  EXPECT_EQ(call("DELETE", "/v3/users/" + user).status, 204);
  EXPECT_EQ(log_in("ann", "pass").status, 401);
}

TEST_P(LocalIdentity, a_new_password_ends_all_tokens_and_only_its_owner_or_an_admin_sets_it) {
  const std::string token = persona("ann", "member"), user = id_of("users", "ann");
  EXPECT_EQ(call("POST", fmt::format("/v3/users/{}/password", user), R"({"user": {"original_password": "bad", "password": "next"}})", "").status, 401);
  EXPECT_EQ(call("POST", fmt::format("/v3/users/{}/password", user), R"({"user": {"original_password": "pass", "password": ""}})", token).status, 400);
  EXPECT_TRUE(context_of(token));
  EXPECT_EQ(call("POST", fmt::format("/v3/users/{}/password", user), R"({"user": {"original_password": "pass", "password": "next"}})", token).status, 204);
  EXPECT_FALSE(context_of(token));
  EXPECT_EQ(log_in("ann", "pass").status, 401);
  EXPECT_EQ(log_in("ann", "next").status, 201);
  EXPECT_EQ(call("PATCH", "/v3/users/" + user, R"({"user": {"password": "third"}})").status, 200);
  EXPECT_EQ(log_in("ann", "third").status, 201);
}

TEST_P(LocalIdentity, another_nodes_revocation_counts_after_the_cache_time) {
  restart({.cache_time = 100ms});
  const std::string token = persona("ann", "member");
  ASSERT_TRUE(context_of(token));
  Tokens other(database(), clock(), random);
  other.revoke(token);
  EXPECT_FALSE(other.check(token));
  clock().sleep(120ms);
  EXPECT_FALSE(context_of(token));
}

TEST_P(LocalIdentity, tokens_stand_as_hashes_and_old_ones_are_taken_away) {
  restart({.lifetime = 1us, .grace = Duration::zero()});
  EXPECT_EQ(log_in("admin", "s3cret").status, 401);  // over before it was read
  database().read([&](db::Transaction& tx) {
    const db::Rows rows = tx.query("SELECT hash FROM identity_token");
    for (std::size_t row = 0; row < rows.size(); ++row) EXPECT_EQ(rows.at(row, 0).text().find(admin_token), std::string::npos);
    return 0;
  });
  database().write([](db::Transaction& tx) { tx.run("UPDATE identity_token SET expires_at = 1"); });
  restart({.grace = Duration::zero()});
  EXPECT_EQ(log_in("admin", "s3cret").status, 201);
  EXPECT_EQ(database().read([](db::Transaction& tx) { return tx.query("SELECT COUNT(*) FROM identity_token").at(0, 0).integer(); }), 1);
}

// ---- users, projects, roles ----

TEST_P(LocalIdentity, only_admins_keep_the_directory) {
  const std::string token = persona("ann", "member"), user = id_of("users", "ann"), project = id_of("projects", "of-ann");
  for (const char* path : {"/v3/users", "/v3/projects", "/v3/roles", "/v3/role_assignments", "/v3/services", "/v3/endpoints"}) {
    EXPECT_EQ(call("GET", path, {}, token).status, 403) << path;
    EXPECT_EQ(call("GET", path, {}, "").status, 401) << path;
    EXPECT_EQ(call("GET", path).status, 200) << path;
  }
  EXPECT_EQ(call("POST", "/v3/users", R"({"user": {"name": "eve"}})", token).status, 403);
  EXPECT_EQ(call("PATCH", "/v3/users/" + user, R"({"user": {"name": "eve"}})", token).status, 403);
  EXPECT_EQ(call("GET", "/v3/users/" + user, {}, token).status, 200);
  EXPECT_EQ(call("GET", "/v3/users/" + id_of("users", "admin"), {}, token).status, 403);
  EXPECT_EQ(call("GET", "/v3/projects/" + project, {}, token).status, 200);
  EXPECT_EQ(call("GET", "/v3/projects/" + id_of("projects", "admin"), {}, token).status, 403);
  EXPECT_EQ(call("GET", "/v3/auth/tokens", {}, token, admin_token).status, 403);
  EXPECT_EQ(parsed(call("GET", "/v3/auth/projects", {}, token))["projects"].array().size(), 1U);
}

TEST_P(LocalIdentity, users_are_made_shown_changed_and_deleted) {
  const std::string id = make("user", R"({"name": "bob", "description": "d", "email": "b@example.org", "domain_id": "default"})");
  EXPECT_EQ(call("POST", "/v3/users", R"({"user": {"name": "bob"}})").status, 409);
  for (const char* body : {R"({"user": {}})", R"({"user": {"name": 5}})", R"({"user": {"name": "x", "enabled": "yes"}})", R"({"users": {}})", "[]"})
    EXPECT_EQ(call("POST", "/v3/users", body).status, 400) << body;
  json::Value shown = parsed(call("GET", "/v3/users/" + id))["user"];
  EXPECT_EQ(shown.text_or("email"), "b@example.org");
  EXPECT_EQ(shown.text_or("domain_id"), "default");
  EXPECT_EQ(shown.find("password"), nullptr);
  EXPECT_EQ(call("PATCH", "/v3/users/" + id, R"({"user": {"name": "rob", "email": null, "enabled": false}})").status, 200);
  shown = parsed(call("GET", "/v3/users/" + id))["user"];
  EXPECT_EQ(shown.text_or("name"), "rob");
  EXPECT_EQ(shown.text_or("description"), "d");
  EXPECT_EQ(shown.find("email"), nullptr);
  EXPECT_FALSE(shown.flag_or("enabled", true));
  EXPECT_EQ(parsed(call("GET", "/v3/users?enabled=False"))["users"].array().size(), 1U);
  EXPECT_EQ(parsed(call("GET", "/v3/users"))["users"].array().size(), 2U);
  EXPECT_EQ(call("DELETE", "/v3/users/" + id).status, 204);
  for (const char* method : {"GET", "DELETE"}) EXPECT_EQ(call(method, "/v3/users/" + id).status, 404);
  EXPECT_EQ(call("PATCH", "/v3/users/" + id, R"({"user": {}})").status, 404);
}

TEST_P(LocalIdentity, projects_and_roles_too) {
  const std::string project = make("project", R"({"name": "p", "domain_id": "default", "is_domain": false})"), role = make("role", R"({"name": "r"})");
  EXPECT_EQ(call("POST", "/v3/projects", R"({"project": {"name": "p"}})").status, 409);
  EXPECT_EQ(call("POST", "/v3/roles", R"({"role": {"name": "r"}})").status, 409);
  EXPECT_EQ(parsed(call("PATCH", "/v3/projects/" + project, R"({"project": {"description": "new"}})"))["project"].text_or("description"), "new");
  EXPECT_EQ(parsed(call("PATCH", "/v3/roles/" + role, R"({"role": {"name": "s"}})"))["role"].text_or("name"), "s");
  EXPECT_EQ(parsed(call("GET", "/v3/roles/" + role))["role"].text_or("name"), "s");
  const std::string admin = id_of("users", "admin"), grant = fmt::format("/v3/projects/{}/users/{}/roles/{}", project, admin, role);
  EXPECT_EQ(call("HEAD", grant).status, 404);
  EXPECT_EQ(call("PUT", grant).status, 204);
  EXPECT_EQ(call("PUT", grant).status, 204);
  EXPECT_EQ(call("HEAD", grant).status, 204);
  EXPECT_EQ(call("PUT", fmt::format("/v3/projects/{}/users/{}/roles/x", project, admin)).status, 404);
  EXPECT_EQ(parsed(call("GET", fmt::format("/v3/projects/{}/users/{}/roles", project, admin)))["roles"].array().size(), 1U);
  const json::Value one = parsed(call("GET", "/v3/role_assignments?include_names=True&scope.project.id=" + project))["role_assignments"].array().front();
  EXPECT_EQ(one["role"].text_or("name"), "s");
  EXPECT_EQ(one["user"].text_or("name"), "admin");
  EXPECT_EQ(one["scope"]["project"].text_or("name"), "p");
  EXPECT_EQ(call("DELETE", "/v3/roles/" + role).status, 204);
  EXPECT_EQ(parsed(call("GET", "/v3/role_assignments?scope.project.id=" + project))["role_assignments"].array().size(), 0U);
  EXPECT_EQ(call("DELETE", "/v3/projects/" + project).status, 204);
  EXPECT_EQ(call("GET", "/v3/projects/" + project).status, 404);
}

TEST_P(LocalIdentity, versions_and_unknown_paths_are_answered_as_clients_expect) {
  const KeystoneReply root = call("GET", "/", {}, "");
  EXPECT_EQ(root.status, 300);
  EXPECT_EQ(parsed(root)["versions"]["values"].array().front()["links"].array().front().text_or("href"), "http://127.0.0.1:8776/identity/v3/");
  EXPECT_EQ(parsed(call("GET", "/v3/", {}, ""))["version"].text_or("id"), "v3.14");
  for (const char* path : {"/v2.0/tokens", "/v3/nothing", "/v3/users/a/b/c", "//", "/v3//users"}) EXPECT_EQ(call("PUT", path).status, 404) << path;
  EXPECT_EQ(parsed(call("GET", "/v3/domains?name=Default"))["domains"].array().size(), 1U);
  EXPECT_EQ(parsed(call("GET", "/v3/domains?name=x"))["domains"].array().size(), 0U);
  EXPECT_EQ(call("GET", "/v3/domains/default").status, 200);
  EXPECT_EQ(call("GET", "/v3/domains/x").status, 404);
  EXPECT_EQ(parsed(call("GET", "/v3/groups"))["groups"].array().size(), 0U);
}

// ---- the first start ----

struct Folder {
  std::filesystem::path path = [] {
    char name[] = "/tmp/scoria_first_XXXXXX";
    return std::filesystem::path(::mkdtemp(name));
  }();
  ~Folder() { std::filesystem::remove_all(path); }
};

struct LocalFirstStart : db::testing::EveryEngine {
  SystemRandom random;
  Folder folder;
  std::string file = folder.path / "clouds.yaml";
  CloudAccess wanted{.auth_url = "http://127.0.0.1:8776/identity"};

  void SetUp() override {
    EveryEngine::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) db::migrate(database(), store::migrations());
  }
  std::string read() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool opens(const std::string& password) {
    return database().read([&](db::Transaction& tx) { return verify_password(password, find_user_by_name(tx, "admin")->password); });
  }
};
SCORIA_EVERY_ENGINE(LocalFirstStart);

TEST_P(LocalFirstStart, writes_the_password_once_for_its_owner_alone) {
  const auto first = first_start(database(), random, wanted, file);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->written_to, file);
  EXPECT_EQ(first->access.password.size(), 32U);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_NE(read().find(first->access.password), std::string::npos);
  EXPECT_TRUE(opens(first->access.password));
  EXPECT_FALSE(first_start(database(), random, wanted, file));
  EXPECT_TRUE(opens(first->access.password));
}

TEST_P(LocalFirstStart, a_crash_before_the_database_knew_loses_nothing) {
  CloudAccess access = wanted;
  access.password = "written before the crash";
  ASSERT_TRUE(ensure_clouds_yaml(file, access)->made);
  const auto first = first_start(database(), random, wanted, file);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->access.password, "written before the crash");
  EXPECT_TRUE(opens("written before the crash"));
}

TEST_P(LocalFirstStart, a_file_of_the_users_stays_and_the_password_is_handed_out_instead) {
  for (const std::string text : {"clouds:\n  other: {auth: {username: x, password: y}}\n", "[unclosed\n", "", "just text\n"}) {
    std::ofstream(file) << text;
    CloudAccess access = wanted;
    EXPECT_FALSE(ensure_clouds_yaml(file, access)) << text;
    EXPECT_EQ(read(), text);
  }
  const auto first = first_start(database(), random, wanted, file);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->written_to, "");
  EXPECT_TRUE(opens(first->access.password));
  EXPECT_EQ(read(), "just text\n");
}

TEST_P(LocalFirstStart, of_two_nodes_at_once_one_is_the_first) {
  if (GetParam() == db::testing::Kind::sqlite_memory) GTEST_SKIP() << "one thread only";
  std::atomic<int> firsts{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      SystemRandom mine;
      if (first_start(database(), mine, wanted, folder.path / std::to_string(i))) ++firsts;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(firsts, 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), std::filesystem::directory_iterator{}), 1);
  EXPECT_EQ(database().read([](db::Transaction& tx) { return list_users(tx, {}).size() + list_projects(tx, {}).size() + list_roles(tx, {}).size(); }), 5U);
}

TEST_P(LocalFirstStart, a_lost_password_is_set_anew) {
  ASSERT_TRUE(first_start(database(), random, wanted, file));
  EXPECT_FALSE(ensure_admin(database(), random, "x", true));
  EXPECT_TRUE(ensure_admin(database(), random, "found again", true, true));
  EXPECT_TRUE(opens("found again"));
}

TEST(LoginGuardTest, waits_grow_by_user_and_address_and_end_with_the_right_password) {
  SystemClock clock;
  LoginGuard guard(clock);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(guard.wait_for("ann", "10.0.0.1"), Duration::zero());
    guard.failed("ann", "10.0.0.1");
  }
  EXPECT_GT(guard.wait_for("ann", "10.0.0.1"), 900ms);
  EXPECT_LE(guard.wait_for("ann", "10.0.0.1"), 1s);
  guard.failed("ann", "10.0.0.1");
  EXPECT_GT(guard.wait_for("ann", "10.0.0.1"), 1900ms);
  for (int i = 0; i < 40; ++i) guard.failed("ann", "10.0.0.1");
  EXPECT_LE(guard.wait_for("ann", "10.0.0.1"), 60s);
  EXPECT_EQ(guard.wait_for("ann", "10.0.0.2"), Duration::zero());
  EXPECT_EQ(guard.wait_for("bob", "10.0.0.1"), Duration::zero());
  guard.succeeded("ann", "10.0.0.1");
  EXPECT_EQ(guard.wait_for("ann", "10.0.0.1"), Duration::zero());
}

TEST(LoginGuardTest, a_crowd_beyond_the_places_waits_and_beyond_that_is_turned_away) {
  SystemClock clock;
  LoginGuard guard(clock);
  std::atomic<int> inside{0}, most{0}, in{0}, out{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i)
    threads.emplace_back([&] {
      const LoginGuard::Place place(guard);
      if (!place) {
        ++out;
        return;
      }
      ++in;
      const int now = ++inside;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(20ms);
      --inside;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(in + out, 40);
  EXPECT_GE(in, 16);
  EXPECT_LE(most, 4);
}

}  // namespace
}  // namespace scoria::local
