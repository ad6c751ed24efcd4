#include "api/messages/handlers.h"
#include "api/testing.h"
#include "store/messages/messages.h"

namespace scoria::api {
namespace {

class Messages : public testing::Api {
 protected:
  Messages() { mount_messages(handlers_, services_); }

  void tell(const std::string& id, const std::string& owner = testing::project, const std::string& text = {}) {
    database().write([&](db::Transaction& tx) {
      store::messages::add(tx, {.id = id, .project_id = owner, .request_id = "req-1", .resource_type = "VOLUME", .resource_id = "v1",
                                .action_id = action_id(MessageAction::schedule_volume), .detail_id = std::string(detail_of("no_backend")), .text = text});
    });
  }
  std::size_t listed(const std::string& token, const std::string& query = {}, int version = 71) {
    const auto reply = ask(token, "GET", "/v3/messages" + query, {}, version);
    EXPECT_EQ(reply.status, 200) << reply.message();
    return reply.body["messages"].array().size();
  }
};

TEST_F(Messages, a_message_names_what_failed_and_why) {
  tell("m1", testing::project, "None of 2 pools can take 5 GiB.");
  const json::Value message = ask("reader", "GET", "/v3/messages/m1").body["message"];
  EXPECT_EQ(message.text_or("event_id"), "VOLUME_VOLUME_001_003");
  EXPECT_EQ(message.text_or("user_message"), "finding a place for the volume:None of 2 pools can take 5 GiB.");
  EXPECT_EQ(message.text_or("message_level"), "ERROR");
  EXPECT_EQ(message.text_or("resource_uuid"), "v1");
  EXPECT_GT(message.text_or("guaranteed_until"), message.text_or("created_at"));
  EXPECT_EQ(message["links"].array().size(), 2u);
}

TEST_F(Messages, without_words_the_detail_speaks) {
  tell("m1");
  EXPECT_EQ(ask("reader", "GET", "/v3/messages/m1").body["message"].text_or("user_message"), "finding a place for the volume:no backend can take it");
}

TEST_F(Messages, projects_do_not_see_each_others) {
  tell("m1"), tell("m2", "p9");
  EXPECT_EQ(listed("member"), 1u);
  EXPECT_EQ(ask("member", "GET", "/v3/messages/m2").status, 404);
  EXPECT_EQ(ask("member", "DELETE", "/v3/messages/m2").status, 404);
  EXPECT_EQ(listed("admin", "?all_tenants=1"), 2u);
}

TEST_F(Messages, members_delete_and_readers_do_not) {
  tell("m1");
  EXPECT_EQ(ask("reader", "DELETE", "/v3/messages/m1").status, 403);
  EXPECT_EQ(ask("member", "DELETE", "/v3/messages/m1").status, 204);
  EXPECT_EQ(ask("member", "DELETE", "/v3/messages/m1").status, 404);
}

TEST_F(Messages, lists_are_paged_and_filtered_from_3_5) {
  tell("m1"), tell("m2"), tell("m3");
  EXPECT_EQ(listed("member", "?limit=2"), 2u);
  EXPECT_EQ(listed("member", "?limit=2", 4), 3u);
  EXPECT_EQ(listed("member", "?event_id=VOLUME_VOLUME_001_003"), 3u);
  EXPECT_EQ(listed("member", "?event_id=VOLUME_VOLUME_007_003"), 0u);
  EXPECT_EQ(ask("member", "GET", "/v3/messages", {}, 2).status, 404);
}

TEST_F(Messages, told_twice_it_is_there_once) {
  tell("m1"), tell("m1"), tell("m2");
  EXPECT_EQ(listed("member"), 2u);
}

}  // namespace
}  // namespace scoria::api
