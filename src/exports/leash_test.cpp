#include "exports/leash.h"

#include <sys/stat.h>

#include "exports/strays.h"
#include "exports/testing.h"

namespace scoria::exports {
namespace {

/// Exports that others may take over, with the keeper as a thread.
class Leashes : public ExportsTest {
 protected:
  void begin() {
    options.keeper = {"/bin/true", "--keep-leash"};
    options.portals = {{.address = "127.0.0.1", .network = {}, .interface = {}}};
    start();
  }
  void keeper() {
    keeping_.spawn("keeper", [this] { keep(keeping_, options.state_directory); });
  }
  bool extend(Duration time) {
    const Deadline patience = Deadline::in(clock, 5s);
    while (!exports->extend_leash(clock.now() + time)) {
      if (patience.passed(clock)) return false;
      clock.sleep(10ms);
    }
    return true;
  }
  /// The lease has run out.
  void overdraw() {
    const os::Fd leash = os::open_file(options.state_directory + "/leash", O_RDWR);
    const std::int64_t over = 0;
    os::write_at(leash, 0, &over, sizeof over);
  }
  ExportSpec moving(const std::string& name, const std::string& portal) {
    return {.name = name, .volume_id = "volume-" + name, .location = raw(name), .size = {16 * mib}, .connector = {.transport = "nbd"}, .portal = portal};
  }
  std::size_t daemons() { return processes_with("qemu-storage-daemon", "path=" + options.state_directory + "/nbd/").size(); }
  bool becomes(std::size_t count) {
    const Deadline patience = Deadline::in(clock, 5s);
    while (daemons() != count && !patience.passed(clock)) clock.sleep(5ms);
    return daemons() == count;
  }
  void TearDown() override {
    os::remove_tree(os::open_directory(options.state_directory), "leash");  // the keeper goes with it
    keeping_.join_all();
  }

  SystemClock keeping_;
};

TEST_F(Leashes, what_moves_is_killed_when_the_leash_has_run_out_and_what_stays_is_not) {
  begin(), keeper();
  ASSERT_TRUE(extend(20s));
  ASSERT_TRUE(exports->ensure(call(), "nbd", moving("stays", "")));
  ASSERT_TRUE(exports->ensure(call(), "nbd", moving("moves", "127.0.0.1")));
  EXPECT_EQ(daemons(), 2U);
  exports->stop();  // the node is stopped: nothing of it makes the leash longer, or serves again
  exports.reset();
  overdraw();
  EXPECT_TRUE(becomes(1));
  start();
}

TEST_F(Leashes, nothing_is_served_at_a_portal_beyond_the_leash_and_everything_again_once_it_is_longer) {
  begin(), keeper();
  ASSERT_TRUE(extend(700ms));
  ASSERT_TRUE(exports->ensure(call(), "nbd", moving("moves", "127.0.0.1")));
  ASSERT_TRUE(becomes(0));
  EXPECT_FALSE(exports->ensure(call(), "nbd", moving("another", "127.0.0.1")));
  EXPECT_EQ(daemons(), 0U);
  ASSERT_TRUE(extend(20s));
  EXPECT_TRUE(becomes(2));
}

TEST_F(Leashes, a_leash_without_a_keeper_does_not_get_longer) {
  begin();
  EXPECT_FALSE(exports->extend_leash(clock.now() + 20s));
  EXPECT_FALSE(exports->leash_holds());
}

TEST_F(Leashes, a_portal_that_is_not_held_any_more_is_left_and_the_name_can_come_back) {
  begin(), keeper();
  ASSERT_TRUE(extend(20s));
  const auto made = exports->ensure(call(), "nbd", moving("moves", "127.0.0.1"));
  ASSERT_TRUE(made);
  ASSERT_TRUE(exports->abandon(call(), {}));
  EXPECT_EQ(daemons(), 0U);
  EXPECT_TRUE(exports->list(call())->empty());
  ExportSpec again = moving("moves", "127.0.0.1");
  again.port = static_cast<int>(made->numbers.front().second);
  const auto back = exports->ensure(call(), "nbd", again);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text, made->text);
}

TEST_F(Leashes, what_another_machine_serves_by_now_is_left_without_waiting_for_it) {
  begin(), keeper();
  ASSERT_TRUE(extend(20s));
  ASSERT_TRUE(exports->ensure(call(), "nbd", moving("moves", "127.0.0.1")));
  overdraw();
  ASSERT_TRUE(becomes(0));
  Options another = options;
  another.state_directory = folder + "/t", another.keeper = {}, another.nbd_first_port += 60, another.nbd_last_port += 60;
  Exports machine(clock, another);
  ASSERT_TRUE(machine.start());
  const auto served = machine.ensure(call(), "nbd", moving("moves", ""));
  ASSERT_TRUE(served) << served.error().message;
  const auto left = exports->abandon(call(2s), {});
  EXPECT_TRUE(left) << left.error().message;
  EXPECT_TRUE(exports->list(call())->empty());
  EXPECT_TRUE(machine.remove(call(), "moves"));
  machine.stop();
}

TEST_F(Leashes, an_image_that_somebody_else_writes_to_is_not_ours) {
  begin(), keeper();
  ASSERT_TRUE(extend(20s));
  const drivers::Location at = raw("v");
  EXPECT_TRUE(exports->exclusive(at));
  {
    const os::Fd other = os::open_file(at.path, O_RDWR);
    const auto refused = exports->exclusive(at);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureClass::busy);
  }
  ASSERT_TRUE(exports->ensure(call(), "nbd", moving("v", "127.0.0.1")));
  EXPECT_TRUE(exports->exclusive(at)) << "served here already";
}

TEST_F(Leashes, an_address_that_cannot_be_taken_away_is_not_forgotten) {
  options.portal_command = folder + "/command";
  os::write_all(os::open_file(options.portal_command, O_WRONLY | O_CREAT), fmt::format("#!/bin/sh\n[ $1 = up ] || [ ! -e {}/stuck ]\n", folder));
  ASSERT_EQ(::chmod(options.portal_command.c_str(), 0755), 0);
  begin();
  ASSERT_TRUE(exports->raise(call(), "127.0.0.1"));
  os::write_all(os::open_file(folder + "/stuck", O_WRONLY | O_CREAT), "");
  EXPECT_FALSE(exports->abandon(call(), {})) << "clients would still find this machine there";
  ASSERT_EQ(::unlink((folder + "/stuck").c_str()), 0);
  EXPECT_TRUE(exports->abandon(call(), {}));
  EXPECT_FALSE(os::open_if_there(options.state_directory + "/portals/127.0.0.1", O_RDONLY)) << "it is done";
}

TEST(PortalAddresses, are_read_as_operators_write_them) {
  EXPECT_EQ(portal_address_from("10.0.0.9").address, "10.0.0.9");
  const PortalAddress whole = portal_address_from("10.0.0.9/24@eth0");
  EXPECT_EQ(whole.address, "10.0.0.9");
  EXPECT_EQ(whole.network, "10.0.0.9/24");
  EXPECT_EQ(whole.interface, "eth0");
  EXPECT_EQ(portal_address_from("fd00::9/64@eth0").address, "fd00::9");
  for (const std::string_view bad : {"", "portal", "10.0.0.9/24", "10.0.0.9@eth0", "10.0.0.9/24@", "10.0.0@eth0/24"})
    EXPECT_TRUE(portal_address_from(bad).address.empty()) << bad;
}

}  // namespace
}  // namespace scoria::exports
