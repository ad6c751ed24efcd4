#include "api/errors.h"

#include <gtest/gtest.h>

#include "json/parse.h"

namespace scoria::api {
namespace {

json::Value body_of(const http::Response& response) { return json::parse(response.body).value(); }

TEST(Errors, every_status_has_its_key) {
  const std::pair<int, std::string_view> keys[] = {{400, "badRequest"},   {401, "unauthorized"},       {403, "forbidden"},      {404, "itemNotFound"},
                                                   {405, "badMethod"},    {406, "computeFault"},       {409, "conflictingRequest"}, {412, "computeFault"},
                                                   {413, "overLimit"},    {415, "badMediaType"},       {500, "computeFault"},   {501, "notImplemented"},
                                                   {502, "computeFault"}, {503, "serviceUnavailable"}};
  for (const auto& [status, key] : keys) EXPECT_EQ(fault_key(status), key) << status;
}

TEST(Errors, a_refusal_becomes_one_object_under_its_key) {
  const http::Response response = fault(Refusal{RefusalCode::not_found, "Volume 7 could not be found.", {}});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"itemNotFound":{"code":404,"message":"Volume 7 could not be found."}})");
}

TEST(Errors, over_quota_says_retry_at_once_in_header_and_body) {
  const http::Response response = fault(Refusal{RefusalCode::over_quota, "too much", {}});
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(*response.headers.find("Retry-After"), "0");
  EXPECT_EQ(body_of(response)["overLimit"]["retryAfter"].string(), "0");
}

TEST(Errors, unavailable_says_when_to_come_back_in_the_header_only) {
  const http::Response response = fault(Refusal{RefusalCode::unavailable, "later", {}});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(*response.headers.find("Retry-After"), "1");
  EXPECT_EQ(body_of(response)["serviceUnavailable"].find("retryAfter"), nullptr);
}

TEST(Errors, a_failed_precondition_has_no_body) {
  const http::Response response = fault(Refusal{RefusalCode::precondition_failed, "changed", {}});
  EXPECT_EQ(response.status, 412);
  EXPECT_EQ(response.body, "");
}

TEST(Errors, every_refusal_code_has_a_client_or_server_error_status) {
  for (int code = 0; code <= static_cast<int>(RefusalCode::timed_out); ++code) {
    const int status = status_of(static_cast<RefusalCode>(code));
    EXPECT_GE(status, 400) << code;
    EXPECT_LE(status, 503) << code;
  }
}

TEST(Errors, a_caller_without_token_is_told_where_to_get_one) {
  const http::Response response = unauthorized("a token is needed", "http://keystone:5000");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(*response.headers.find("www-authenticate"), "Keystone uri=\"http://keystone:5000\"");
  EXPECT_EQ(body_of(response)["error"]["code"].integer(), 401);
}

}  // namespace
}  // namespace scoria::api
