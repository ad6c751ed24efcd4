#include "domain/messages/message.h"

#include <gtest/gtest.h>

namespace scoria {
namespace {

TEST(Messages, say_what_was_done_and_why_it_failed) {
  Message message{.resource_type = "VOLUME_SNAPSHOT", .action_id = action_id(MessageAction::delete_snapshot), .detail_id = "016"};
  EXPECT_EQ(message.event_id(), "VOLUME_VOLUME_SNAPSHOT_010_016");
  EXPECT_EQ(message.user_message(), "deleting the snapshot:the backend failed to delete the snapshot");
  message.text = "it is busy";
  EXPECT_EQ(message.user_message(), "deleting the snapshot:it is busy");
  message.action_id = "099", message.detail_id = "099", message.text = "";
  EXPECT_EQ(message.user_message(), "working:an unknown error occurred");
}

TEST(Messages, know_the_number_of_an_error) {
  EXPECT_EQ(detail_of("no_backend"), "003");
  EXPECT_EQ(detail_of("detach"), "022");
  EXPECT_EQ(detail_of("nonsense"), "001");
}

}  // namespace
}  // namespace scoria
