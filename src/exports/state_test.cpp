#include "exports/state.h"

#include <sys/stat.h>
#include <unistd.h>

#include "exports/strays.h"
#include "exports/testing.h"

namespace scoria::exports {
namespace {

class StateTest : public ExportsTest {
 protected:
  StateTest() : state(clock, folder + "/state") { state.open(); }
  State state;
};

TEST_F(StateTest, a_key_is_locked_once_and_other_keys_are_free) {
  auto held = state.lock("a", Deadline::in(clock, 1s));
  ASSERT_TRUE(held.has_value());
  EXPECT_FALSE(state.lock("a", Deadline::in(clock, 10ms)).has_value());
  EXPECT_TRUE(state.lock("b", Deadline::in(clock, 10ms)).has_value());
  held.reset();
  EXPECT_TRUE(state.lock("a", Deadline::in(clock, 10ms)).has_value());
}

TEST_F(StateTest, a_removed_name_is_remembered_as_long_as_told) {
  state.mark_removed("x");
  EXPECT_TRUE(state.removed("x"));
  EXPECT_FALSE(state.removed("y"));
  state.forget_removed(1h);
  EXPECT_TRUE(state.removed("x"));
  const timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, state.path("removed/x").c_str(), long_ago, 0), 0);
  state.forget_removed(1h);
  EXPECT_FALSE(state.removed("x"));
}

TEST_F(StateTest, records_of_an_earlier_boot_go_and_removed_names_stay) {
  state.mark_removed("x");
  state.make_directory("nbd");
  state.write("nbd/record", "r");
  state.open();
  EXPECT_TRUE(state.exists("nbd/record"));
  state.write("boot", "another");
  state.open();
  EXPECT_FALSE(state.exists("nbd/record"));
  EXPECT_TRUE(state.removed("x"));
}

TEST_F(StateTest, content_is_replaced_and_removed_as_a_whole) {
  state.make_directory("d");
  state.write("d/f", "one");
  state.write("d/f", "two");
  EXPECT_EQ(state.read("d/f"), "two");
  EXPECT_EQ(state.names("d"), std::vector<std::string>{"f"});
  state.remove("d");
  EXPECT_EQ(state.read("d/f"), std::nullopt);
  EXPECT_TRUE(state.names("d").empty());
  state.remove("d");
}

TEST(Names, only_plain_ones_become_paths) {
  EXPECT_TRUE(plain_name("volume-1.r2_x"));
  for (const char* bad : {"", ".", "..", "a/b", "a b", "a,b"}) EXPECT_FALSE(plain_name(bad)) << bad;
}

TEST(Strays, a_process_that_has_just_gone_has_no_arguments) {
  EXPECT_NE(arguments_of(::getpid()), "");
  EXPECT_EQ(arguments_of(0x7ffffffe), "");
}

class Choice : public ExportsTest {};

TEST_F(Choice, the_connector_decides_before_the_backend) {
  exports = std::make_unique<Exports>(clock, options);
  EXPECT_EQ(exports->choose({.initiator = "iqn.x", .transport = "nbd+unix"}, "iSCSI").value_or(""), "nbd");
  EXPECT_EQ(exports->choose({.initiator = "iqn.x"}, "iSCSI").value_or(""), "iscsi");
  EXPECT_EQ(exports->choose({}, "").value_or(""), "local");
  EXPECT_EQ(exports->choose({}, "iscsi").error().code, RefusalCode::invalid_input);
  EXPECT_EQ(exports->choose({.transport = "fibre"}, "").error().code, RefusalCode::unsupported);
  exports.reset();
}

TEST_F(Choice, a_state_directory_too_deep_for_sockets_is_said_at_start) {
  options.state_directory = "/tmp/" + std::string(90, 'x');
  Exports wrong(clock, options);
  EXPECT_FALSE(wrong.start().has_value());
}

}  // namespace
}  // namespace scoria::exports
