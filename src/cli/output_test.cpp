#include "cli/output.h"

#include <gtest/gtest.h>

#include "cli/progress.h"
#include "json/parse.h"

namespace scoria::cli {
namespace {

json::Value value(const char* text) { return *json::parse(text); }

const Columns columns = {{"ID", "id"}, {"NAME", "name"}, {"STATUS", "status"}};
const char* const rows = R"([{"id":"1","name":"ä","status":"available","extra":5},{"id":"22","name":null,"status":"error"}])";

std::string listed(const Output& output, const char* text = rows) {
  testing::internal::CaptureStdout();
  const auto done = output.list(value(text).array(), columns, "There is nothing.");
  std::string out = testing::internal::GetCapturedStdout();
  return done ? out : "refused: " + done.error().message;
}

TEST(Table, columns_are_as_wide_as_their_longest_cell_in_characters) {
  EXPECT_EQ(listed({"table", {}, {}}), "ID  NAME  STATUS\n1   ä     available\n22  -     error\n");
}

TEST(Table, columns_are_chosen_by_title_or_member) {
  EXPECT_EQ(listed({"table", {"status", "ID"}, {}}), "STATUS     ID\navailable  1\nerror      22\n");
  EXPECT_EQ(listed({"value", {"extra"}, {}}), "5\n-\n");
  EXPECT_EQ(listed({"table", {"colour"}, {}}), "refused: There is no column 'colour'. There are id, name, status and every member of -o json.");
}

TEST(Table, states_have_colours_only_on_terminals) {
  EXPECT_NE(listed({"table", {}, {.out = true, .colour = true}}).find("\x1b[31merror\x1b[0m"), std::string::npos);
  EXPECT_EQ(listed({"value", {}, {}}), "1 ä available\n22 - error\n");
}

TEST(Table, json_is_what_the_service_said) { EXPECT_EQ(value(listed({"json", {}, {}}).c_str()), value(rows)); }

TEST(Table, nothing_to_list_prints_nothing) {
  EXPECT_EQ(listed({"table", {}, {}}, "[]"), "");
  EXPECT_EQ(listed({"json", {}, {}}, "[]"), "[]\n");
}

TEST(Sheet, a_member_a_line) {
  testing::internal::CaptureStdout();
  ASSERT_TRUE(Output("table", {}, {}).show(value(R"({"id":"1","metadata":{"a":"b","c":"d"},"list":[],"flag":true})")));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "id        1\nmetadata  a=b, c=d\nlist      -\nflag      true\n");
}

TEST(Words, sizes_and_times_are_for_people) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1536.0 * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(bytes_text(300.4 * 1024), "300 KiB");
  EXPECT_EQ(time_text("2026-11-21T13:00:03.977105"), "2026-11-21 13:00:03");
  EXPECT_EQ(time_text(""), "-");
  EXPECT_EQ(seconds_text(59), "59 s");
  EXPECT_EQ(seconds_text(75), "1 min 15 s");
  EXPECT_EQ(seconds_text(3720), "1 h 2 min");
}

TEST(Progress, a_copy_shows_how_far_and_how_long) {
  const auto operation = value(R"({"kind":"volume.create","state":"running","step":"fill","reason":null,
      "progress":{"phase":"copying","bytes_done":536870912,"bytes_total":1073741824,"percent_done":50,"seconds_remaining":12}})");
  EXPECT_EQ(progress_line(operation, false), "volume.create  ###############---------------  50 %  512 MiB of 1 GiB  12 s left  copying");
  EXPECT_EQ(state_text(operation), "running, 50 %, 12 s left");
}

TEST(Progress, what_waits_says_why) {
  const auto operation =
      value(R"({"kind":"snapshot.create","state":"ready","step":"take","reason":"the pool is full","progress":{"bytes_total":0}})");
  EXPECT_EQ(progress_line(operation, true), "snapshot.create  take  waits: the pool is full");
  EXPECT_EQ(state_text(operation), "waiting");
}

}  // namespace
}  // namespace scoria::cli
