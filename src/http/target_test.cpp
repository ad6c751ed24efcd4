#include "http/target.h"

#include <gtest/gtest.h>

namespace scoria::http {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

Target must_read(std::string_view text) {
  const Result<Target> target = read_target(text);
  EXPECT_TRUE(target) << text;
  return target ? *target : Target{};
}

TEST(Target, path_and_query_are_decoded) {
  const Target target = must_read("/v3/a%20b/%C3%BC+x?name=a%26b+c&empty=&flag&%6b=v=w&&name=2");
  EXPECT_EQ(target.path, "/v3/a b/ü+x");
  EXPECT_EQ(target.query, (Query{{"name", "a&b c"}, {"empty", ""}, {"flag", ""}, {"k", "v=w"}, {"name", "2"}}));
  EXPECT_EQ(must_read("/?").query, Query{});
}

TEST(Target, the_absolute_form_is_taken) {
  EXPECT_EQ(must_read("http://host:8776/v3?limit=1").path, "/v3");
  EXPECT_EQ(must_read("https://host").path, "/");
  EXPECT_EQ(must_read("http://host?limit=1").path, "/");
  EXPECT_EQ(must_read("http://host?limit=1").query, (Query{{"limit", "1"}}));
  EXPECT_EQ(must_read("*").path, "*");
}

TEST(Target, a_malformed_path_is_refused) {
  for (const char* text : {"", "v3", "host:443", "/%", "/%2", "/%zz", "/a%00b", "/a%0ab", "/%7f", "/%ff", "/%c0%af", "/..", "/a/../b",
                           "/a/..", "/%2e%2e/b", "/a%2f..%2fb", "/a/%2E%2e", "ftp://host/x"}) {
    const Result<Target> target = read_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().code, RefusalCode::invalid_input);
  }
  EXPECT_EQ(must_read("/a..b/...").path, "/a..b/...");
}

TEST(Target, a_query_is_taken_as_far_as_it_is_text) {
  EXPECT_EQ(must_read("/?a=100%&b=%zz&c=%4").query, (Query{{"a", "100%"}, {"b", "%zz"}, {"c", "%4"}}));
  EXPECT_EQ(must_read("/?a=x%0Ay").query, (Query{{"a", "x\ny"}}));
  EXPECT_FALSE(read_target("/?a=%00"));
  EXPECT_FALSE(read_target("/?%ff=1"));
}

}  // namespace
}  // namespace scoria::http
