#include "cli/client.h"

#include <gtest/gtest.h>

#include "cli/resources.h"
#include "json/parse.h"

namespace scoria::cli {
namespace {

/// Answers in turn, and keeps what was asked.
class ScriptedHttp final : public net::HttpClient {
 public:
  Result<net::HttpResponse> send(const net::HttpRequest& request, Deadline) override {
    asked.push_back(request.method + " " + request.url);
    if (answers.empty()) return refuse(RefusalCode::unavailable, "nobody there");
    auto next = answers.front();
    answers.erase(answers.begin());
    return next;
  }
  std::vector<net::HttpResponse> answers;
  std::vector<std::string> asked;
};

net::HttpResponse token() {
  return {
      201,
      {{"X-Subject-Token", "t"}},
      R"({"token":{"project":{"id":"p"},"user":{"name":"u"},"catalog":[{"type":"volumev3","endpoints":[{"interface":"public","region_id":"R","url":"http://s/v3/p"}]}]}})"};
}

class ClientTest : public testing::Test {
 protected:
  Client client() {
    http_.answers.insert(http_.answers.begin(), token());
    auto made = Client::log_in(clock_, http_, {.auth_url = "http://k/"});
    EXPECT_TRUE(made) << made.error().message;
    http_.asked.clear();
    return std::move(*made);
  }
  SystemClock clock_;
  ScriptedHttp http_;
};

TEST_F(ClientTest, an_expired_token_is_renewed_once) {
  Client one = client();
  http_.answers = {{401, {}, "{}"}, token(), {200, {}, R"({"a":1})"}};
  const auto got = one.get("/volumes");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(http_.asked, (std::vector<std::string>{"GET http://s/v3/p/volumes", "POST http://k/v3/auth/tokens", "GET http://s/v3/p/volumes"}));
}

TEST_F(ClientTest, lists_are_read_page_after_page) {
  Client one = client();
  http_.answers = {{200, {}, R"({"volumes":[{"id":"1"},{"id":"2"}],"volumes_links":[{"rel":"next"}]})"}, {200, {}, R"({"volumes":[{"id":"3"}]})"}};
  const auto rows = one.list("/volumes/detail?all_tenants=1", "volumes");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 3u);
  EXPECT_EQ(http_.asked.back(), "GET http://s/v3/p/volumes/detail?all_tenants=1&marker=2");
}

TEST_F(ClientTest, resources_are_found_by_name_and_by_the_beginning_of_the_id) {
  Client one = client();
  const auto page = [](const std::string& rows) { return net::HttpResponse{200, {}, R"({"volumes":[)" + rows + "]}"}; };
  const net::HttpResponse none = page(""), all = page(R"({"id":"abcd1","name":"x"},{"id":"abcd2","name":"y"},{"id":"ef012","name":"x"})");
  http_.answers = {page(R"({"id":"abcd2","name":"y"})"), {200, {}, R"({"volume":{"id":"abcd2"}})"}};
  EXPECT_EQ(*find_id(one, volume_kind(), "y"), "abcd2");
  EXPECT_EQ(http_.asked.front(), "GET http://s/v3/p/volumes/detail?name=y") << "the service looks for names";
  http_.answers = {none, all, {200, {}, R"({"volume":{"id":"ef012"}})"}};
  EXPECT_EQ(*find_id(one, volume_kind(), "ef01"), "ef012");
  http_.answers = {page(R"({"id":"abcd1","name":"x"},{"id":"ef012","name":"x"})")};
  EXPECT_EQ(find_id(one, volume_kind(), "x").error().code, RefusalCode::conflict);
  http_.answers = {none, all};
  EXPECT_EQ(find_id(one, volume_kind(), "abcd").error().code, RefusalCode::conflict);
  http_.answers = {none};
  EXPECT_EQ(find_id(one, volume_kind(), "abc").error().code, RefusalCode::not_found) << "three characters are no beginning";
}

TEST_F(ClientTest, a_service_that_is_away_is_unavailable) {
  Client one = client();
  const auto got = one.get("/volumes");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, RefusalCode::unavailable);
  EXPECT_NE(got.error().message.find("http://s does not answer"), std::string::npos) << got.error().message;
}

TEST(Refusals, keep_the_words_and_the_meaning_of_the_service) {
  const auto of = [](int status, const char* body) { return refusal_of({status, {}, body}); };
  EXPECT_EQ(of(400, R"({"badRequest":{"message":"Invalid volume: in use."}})").code, RefusalCode::invalid_state);
  EXPECT_EQ(of(400, R"({"badRequest":{"message":"Invalid input received: x"}})").code, RefusalCode::invalid_input);
  EXPECT_EQ(of(413, R"({"overLimit":{"message":"Too much."}})").message, "Too much.");
  EXPECT_EQ(of(413, "{}").code, RefusalCode::over_quota);
  EXPECT_EQ(of(502, "").code, RefusalCode::timed_out);
  EXPECT_EQ(of(500, "<html>").message, "the service answered 500");
}

TEST(Login, each_way_has_its_body) {
  Access access{.auth_url = "", .username = "u", .password = "p", .project_name = "x"};
  EXPECT_EQ(login_body(access),
            R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"u","domain":{"name":"Default"},"password":"p"}}},)"
            R"("scope":{"project":{"name":"x","domain":{"name":"Default"}}}}})");
  access.credential_id = "i", access.credential_secret = "s";
  EXPECT_EQ(login_body(access), R"({"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"i","secret":"s"}}}})");
  EXPECT_EQ(login_body({.project_id = "x", .token = "t"}),
            R"({"auth":{"identity":{"methods":["token"],"token":{"id":"t"}},"scope":{"project":{"id":"x"}}}})");
}

TEST(Catalogue, region_and_interface_choose_the_endpoint) {
  const auto token = json::parse(R"({"catalog":[{"type":"block-storage","endpoints":[{"interface":"internal","region":"A","url":"1"},
                                    {"interface":"public","region":"A","url":"2"},{"interface":"public","region":"B","url":"3"}]}]})");
  EXPECT_EQ(volume_endpoint(*token, "", "public"), "2");
  EXPECT_EQ(volume_endpoint(*token, "B", "public"), "3");
  EXPECT_EQ(volume_endpoint(*token, "B", "internal"), "");
}

}  // namespace
}  // namespace scoria::cli
