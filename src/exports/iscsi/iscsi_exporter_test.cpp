#include "exports/iscsi/iscsi_exporter.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "exports/iscsi/tgt_control.h"
#include "exports/testing.h"

namespace scoria::exports {
namespace {

class Iscsi : public ExportsTest {
 protected:
  Iscsi() {
    options.iscsi_port = 30000 + ::getpid() % 2000;
    start();
  }
  ~Iscsi() override {
    if (const auto daemon = control().daemon()) {
      exports->stop();
      os::send_signal(*daemon, SIGKILL);
      os::wait_gone(clock, *daemon, Deadline::in(clock, 5s));
    }
  }

  TgtControl control() { return TgtControl(clock, options.state_directory + "/iscsi/control.1"); }

  static ExportSpec wanted(const std::string& name, const drivers::Location& location) {
    ExportSpec out = spec(name, location, "iscsi");
    out.connector.initiator = "iqn.2024-01.client:good";
    out.chap_user = "user" + name;
    out.chap_secret = "secretpassword1";
    return out;
  }

  Connection ensure(const ExportSpec& asked) {
    const auto made = exports->ensure(call(), "iscsi", asked);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    return made.value_or(Connection{});
  }

  /// The client as QEMU's own initiator sees the connection information.
  std::string target(const Connection& made, const std::string& initiator = "iqn.2024-01.client:good") {
    return fmt::format(R"(json:{{"driver":"raw","discard":"unmap","file":{{"driver":"iscsi","discard":"unmap","transport":"tcp","portal":"{}","target":"{}","lun":1,"user":"{}","initiator-name":"{}","password-secret":"s"}}}})",
                       text(made, "target_portal"), text(made, "target_iqn"), text(made, "auth_username"), initiator);
  }

  bool talk(const std::string& client, const std::vector<std::string>& commands, const std::string& secret = "secretpassword1", bool read_only = false) {
    std::vector<std::string> arguments{"qemu-io", "--object", "secret,id=s,data=" + secret};
    if (read_only) arguments.emplace_back("-r");
    for (const std::string& command : commands) arguments.insert(arguments.end(), {"-c", command});
    arguments.push_back(client);
    const os::Finished out = os::run(clock, {.arguments = arguments}, Deadline::in(clock, 20s));
    said = out.output + out.errors;
    return out.ok() && said.find("failed") == std::string::npos;
  }
};

TEST_F(Iscsi, what_is_written_through_a_target_is_in_the_file_and_discard_frees_it) {
  const auto place = raw("v1");
  const Connection made = ensure(wanted("a1", place));
  EXPECT_EQ(made.type, "iscsi");
  EXPECT_TRUE(talk(target(made), {"write -P 7 1M 64k", "flush", "read -P 7 1M 64k", "write -P 8 8M 64k", "discard 8M 64k"})) << said;
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_TRUE(io(place.path, {"read -P 7 1M 64k", "read -P 0 8M 64k"})) << said;
  EXPECT_FALSE(talk(target(made), {"read 0 4k"}));
}

TEST_F(Iscsi, only_the_named_initiator_with_its_secret_is_admitted) {
  const Connection made = ensure(wanted("a1", raw("v1")));
  EXPECT_TRUE(talk(target(made), {"read 0 4k"})) << said;
  EXPECT_FALSE(talk(target(made), {"read 0 4k"}, "wrongpassword12"));
  EXPECT_FALSE(talk(target(made, "iqn.2024-01.client:evil"), {"read 0 4k"}));
}

TEST_F(Iscsi, a_killed_daemon_comes_back_with_all_its_targets) {
  const Connection one = ensure(wanted("a1", raw("v1")));
  const Connection two = ensure(wanted("a2", raw("v2")));
  ASSERT_TRUE(talk(target(two), {"write -P 5 0 4k"})) << said;
  const auto daemon = control().daemon();
  ASSERT_TRUE(daemon.has_value());
  os::send_signal(*daemon, SIGKILL);
  ASSERT_TRUE(os::wait_gone(clock, *daemon, Deadline::in(clock, 5s)));
  const Instant killed = clock.now();
  while (clock.now() - killed < 10s && !(talk(target(two), {"read -P 5 0 4k"}) && talk(target(one), {"read 0 4k"}))) clock.sleep(10ms);
  EXPECT_LT(clock.now() - killed, 10s) << said;
}

TEST_F(Iscsi, a_successor_takes_over_and_removes_what_it_did_not_make) {
  const Connection made = ensure(wanted("a1", raw("v1")));
  const auto daemon = control().daemon();
  restart();
  EXPECT_EQ(control().daemon(), daemon);
  EXPECT_TRUE(talk(target(made), {"read 0 4k"})) << said;
  EXPECT_EQ(text(ensure(wanted("a1", raw("v1"))), "target_iqn"), text(made, "target_iqn"));
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_FALSE(talk(target(made), {"read 0 4k"}));
  EXPECT_FALSE(exports->ensure(call(), "iscsi", wanted("a1", raw("v1"))).has_value());
}

TEST_F(Iscsi, what_it_cannot_serve_is_said_with_the_way_out) {
  const auto refused = exports->ensure(call(), "iscsi", wanted("a1", qcow2("q1", "16M")));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, drivers::FailureClass::permanent);
  EXPECT_NE(refused.error().message.find("nbd"), std::string::npos);
  ExportSpec open = wanted("a2", raw("v1"));
  open.chap_secret.clear();
  EXPECT_FALSE(exports->ensure(call(), "iscsi", open).has_value());
  EXPECT_FALSE(exports->throttle(call(), "iscsi", "a1", {.total_iops = 5}).has_value());
}

TEST_F(Iscsi, initiators_may_come_back_without_a_pause) {
  ensure(wanted("a1", raw("v1")));
  const auto all = control().ask({.mode = tgt::Mode::target}, Deadline::in(clock, 5s));
  ASSERT_TRUE(all.has_value());
  const std::int32_t tid = tgt_targets_from(all->text).begin()->second.tid;
  const auto settings = control().ask({.mode = tgt::Mode::target, .tid = tid}, Deadline::in(clock, 5s));
  ASSERT_TRUE(settings.has_value());
  EXPECT_NE(settings->text.find("DefaultTime2Wait=0\n"), std::string::npos) << settings->text;
}

TEST_F(Iscsi, a_daemon_that_takes_no_connection_is_given_up_in_time) {
  const std::string path = folder + "/control";
  const os::Fd stopped(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(stopped.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(stopped.get(), 0), 0);
  const os::Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);  // the queue is full

  const TgtControl control(clock, path);
  const auto answer = control.ask({.mode = tgt::Mode::portal}, Deadline::in(clock, 100ms));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, drivers::FailureClass::transient);
}

TEST(TgtText, targets_are_read_from_what_the_daemon_shows) {
  const auto targets = tgt_targets_from(
      "Target 7: iqn.x:one\n    System information:\n        Driver: iscsi\n        State: offline\n    I_T nexus information:\n"
      "        I_T nexus: 2\n            Initiator: iqn.c alias: x\n    LUN information:\n        LUN: 0\n            Readonly: No\n"
      "            Backing store path: None\n        LUN: 1\n            Readonly: Yes\n            Backing store path: /a b/c\n"
      "    Account information:\n        u1\n    ACL information:\n        iqn.client\nTarget 8: iqn.x:two\n    System information:\n        State: ready\n");
  ASSERT_EQ(targets.size(), 2u);
  const TgtTarget& one = targets.at("iqn.x:one");
  EXPECT_EQ(one.tid, 7);
  EXPECT_EQ(one.state, "offline");
  EXPECT_EQ(one.luns.at(1).path, "/a b/c");
  EXPECT_TRUE(one.luns.at(1).read_only);
  EXPECT_EQ(one.accounts, std::vector<std::string>{"u1"});
  EXPECT_EQ(one.initiators, std::vector<std::string>{"iqn.client"});
  EXPECT_EQ(targets.at("iqn.x:two").state, "ready");
  EXPECT_EQ(tgt_connections_from("Session: 3\n    Connection: 1\n        Initiator: a\nSession: 4\n    Connection: 0\n").at(1).session, 4u);
}

}  // namespace
}  // namespace scoria::exports
