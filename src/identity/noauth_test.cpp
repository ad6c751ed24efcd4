#include "identity/noauth.h"

#include <gtest/gtest.h>

namespace scoria {
namespace {

Context believed(std::string_view token) {
  Context out;
  EXPECT_TRUE(NoAuthenticator().authenticate({token, {}, {}}, out));
  return out;
}

TEST(NoAuth, believes_user_and_project_and_makes_everybody_admin) {
  EXPECT_EQ(believed("u:p").user_id, "u");
  EXPECT_EQ(believed("u:p").project_id, "p");
  EXPECT_EQ(believed("u").project_id, "u");
  EXPECT_EQ(believed("u:").project_id, "u");
  EXPECT_EQ(believed("u:p:q").project_id, "p:q");
  EXPECT_TRUE(believed("u:p").is_admin);
  EXPECT_TRUE(believed("u:p").has_role("admin"));
  Context context;
  EXPECT_EQ(NoAuthenticator().authenticate({}, context).error().code, RefusalCode::unauthorized);
}

}  // namespace
}  // namespace scoria
