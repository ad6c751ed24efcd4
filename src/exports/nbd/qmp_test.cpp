#include "exports/nbd/qmp.h"

#include <sys/socket.h>

#include "exports/nbd/listener.h"
#include "exports/testing.h"

namespace scoria::exports {
namespace {

class QmpTest : public ExportsTest {
 protected:
  /// A daemon that says these lines to its first client, each after one from it but the first.
  void serve(std::vector<std::string> lines) {
    listener = listen_unix(folder + "/q", 0600);
    clock.spawn("fake daemon", [this, lines = std::move(lines)] {
      const os::Fd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char byte = 0;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        while (i > 0 && ::read(peer.get(), &byte, 1) == 1 && byte != '\n') {}
        os::write_all(peer, lines[i] + "\n");
      }
    });
  }
  DriverResult<std::optional<Qmp>> connect(Duration time = 5s) { return Qmp::connect(clock, folder + "/q", Deadline::in(clock, time)); }

  os::Fd listener;
};

TEST_F(QmpTest, nobody_there_is_no_error) {
  const auto qmp = connect();
  ASSERT_TRUE(qmp.has_value());
  EXPECT_FALSE(qmp->has_value());
}

TEST_F(QmpTest, silence_ends_at_the_deadline_and_is_unknown) {
  listener = listen_unix(folder + "/q", 0600);
  const auto qmp = connect(30ms);
  ASSERT_FALSE(qmp.has_value());
  EXPECT_EQ(qmp.error().kind, drivers::FailureClass::unknown);
}

TEST_F(QmpTest, events_are_passed_over_and_refusals_are_permanent) {
  serve({R"({"QMP":{}})", R"({"return":{}})", "{\"event\":\"A\",\"data\":{\"n\":1}}\n{\"return\":{\"x\":7}}", R"({"error":{"desc":"no such thing"}})"});
  auto qmp = connect();
  ASSERT_TRUE(qmp && *qmp);
  const auto answer = (*qmp)->execute("one", R"({"a":1})", Deadline::in(clock, 5s));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->integer_or("x"), 7);
  const auto refused = (*qmp)->execute("two", {}, Deadline::in(clock, 5s));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, drivers::FailureClass::permanent);
  EXPECT_NE(refused.error().message.find("no such thing"), std::string::npos);
  const auto gone = (*qmp)->execute("three", {}, Deadline::in(clock, 5s));
  EXPECT_EQ(gone.error().kind, drivers::FailureClass::unknown);
}

TEST_F(QmpTest, what_is_no_json_is_no_answer) {
  serve({"hello"});
  EXPECT_EQ(connect().error().kind, drivers::FailureClass::unknown);
}

}  // namespace
}  // namespace scoria::exports
