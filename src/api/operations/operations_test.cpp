#include "api/operations/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

class Operations : public testing::Api {
 protected:
  Operations() {
    mount_operations(handlers_, services_);
    for (const auto& [id, state, owner] : {std::tuple{"o1", "succeeded", testing::project}, {"o2", "running", testing::project}, {"o3", "failed", testing::project},
                                           {"o4", "ready", "other"}, {"o5", "waiting", testing::project}})
      write("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, "
            "created_at, updated_at) VALUES (?, 'volume.create', 1, 'q', ?, 'u', 'r', 'volume', 'v', ?, 10, 0, 'place', '{}', '{}', 1, 1)",
            {id, owner, state});
  }
  std::string listed(const std::string& query, const std::string& token = "member") {
    const auto reply = ask(token, "GET", "/scoria/v1/operations" + query);
    if (reply.status != 200) return fmt::format("{} {}", reply.status, reply.message());
    std::string out;
    for (const json::Value& row : reply.body["operations"].array()) out += (out.empty() ? "" : " ") + row.text_or("id");
    return out;
  }
};

TEST_F(Operations, are_listed_newest_first_and_only_those_of_the_project) {
  EXPECT_EQ(listed(""), "o5 o3 o2 o1");
  EXPECT_EQ(listed("?all_projects=1"), "o5 o3 o2 o1");
  EXPECT_EQ(listed("?all_projects=1", "admin"), "o5 o4 o3 o2 o1");
}

TEST_F(Operations, are_chosen_by_their_state) {
  EXPECT_EQ(listed("?state=unfinished"), "o5 o2");
  EXPECT_EQ(listed("?state=failed,succeeded"), "o3 o1");
  EXPECT_EQ(listed("?state=unfinished&all_projects=true", "admin"), "o5 o4 o2");
  EXPECT_EQ(listed("?state=broken").substr(0, 3), "400");
}

TEST_F(Operations, pages_follow_each_other_without_a_gap) {
  const auto first = ask("member", "GET", "/scoria/v1/operations?limit=2");
  EXPECT_EQ(first.body.text_or("next"), "o3");
  EXPECT_EQ(listed("?limit=2&before=o3"), "o2 o1");
  EXPECT_EQ(listed("?before=o1"), "");
  EXPECT_EQ(listed("?before=o4").substr(0, 3), "404");  // another project's
}

TEST_F(Operations, what_nobody_can_filter_by_is_refused) {
  EXPECT_EQ(listed("?colour=red").substr(0, 3), "400");
  EXPECT_EQ(listed("?limit=0").substr(0, 3), "400");
  EXPECT_EQ(listed("?limit=2x").substr(0, 3), "400");
  EXPECT_EQ(listed("?all_projects=perhaps", "admin").substr(0, 3), "400");
}

}  // namespace
}  // namespace scoria::api
