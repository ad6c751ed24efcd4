#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/check.h"
#include "db/engines/postgres/testing.h"

namespace scoria::db::postgres {
namespace {

class PostgresHosts : public WithThings {};
INSTANTIATE_TEST_SUITE_P(On, PostgresHosts, ::testing::Values(db::testing::Kind::postgres), db::testing::name_of);

/// A listener that may pass on what it hears to a port, both ways, until it falls silent. Whoever comes then is not let in.
class Relay {
 public:
  Relay() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in at = place(0);
    socklen_t size = sizeof at;
    auto* const name = reinterpret_cast<sockaddr*>(&at);
    SCORIA_CHECK((::bind(listener_, name, size) | ::listen(listener_, 8) | ::getsockname(listener_, name, &size)) == 0, "a listener");
    port_ = ntohs(at.sin_port);
  }
  ~Relay() {
    fall_silent();
    for (const int one : sockets_) ::close(one);
    ::close(listener_);
  }
  int port() const { return port_; }
  void pass_on_to(int port) { threads_.spawn("relay", [this, port] { while (!silent_) turn(port); }); }
  void fall_silent() { silent_ = true, threads_.join_all(); }
  /// Connections, once it is silent.
  std::size_t passed_on() const { return sockets_.size() / 2; }
  int waiting() {
    int count = 0;
    for (int one = 0; (one = ::accept(listener_, nullptr, nullptr)) >= 0; ++count) sockets_.push_back(one);
    return count;
  }

 private:
  static sockaddr_in place(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET, at.sin_addr.s_addr = htonl(INADDR_LOOPBACK), at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
  }
  void turn(int port) {
    std::vector<pollfd> waits{{listener_, POLLIN, 0}};
    for (const int one : sockets_) waits.push_back({one, POLLIN, 0});
    if (::poll(waits.data(), waits.size(), 10) <= 0) return;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {  // pairs
      std::array<char, 4096> data{};
      if (waits[i + 1].revents == 0) continue;
      const auto got = ::recv(sockets_[i], data.data(), data.size(), MSG_DONTWAIT);
      if (got > 0) SCORIA_CHECK(::send(sockets_[i ^ 1], data.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got, "room for what is passed on");
    }
    const int near = ::accept(listener_, nullptr, nullptr);
    if (near < 0) return;
    const sockaddr_in server = place(port);
    const int far = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(far, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0) {
      sockets_.push_back(near), sockets_.push_back(far);
    } else {
      ::close(near), ::close(far);
    }
  }

  const int listener_;
  int port_ = 0;
  std::vector<int> sockets_;
  std::atomic<bool> silent_{false};
  SystemClock threads_;
};

/// The server, behind a relay that comes first.
std::string behind(const Relay& relay, std::string connection) {
  connection.insert(connection.find("port=") + 5, std::to_string(relay.port()) + ",");
  return connection.insert(connection.find("host=") + 5, "127.0.0.1,");
}

TEST_P(PostgresHosts, a_host_that_says_nothing_is_asked_once_and_not_by_every_connection) {
  Relay silent;
  const auto database = open_postgres(clock(), random_, {.connection = behind(silent, address())});
  const Instant begun = clock().now();
  for (int i = 0; i < 3; ++i) terminate(*open(), database->write([](Transaction& tx) { return tx.guard("g", add_one, {"a"}), pid(tx); }));
  EXPECT_LT(clock().now() - begun, 4s) << "two seconds, once";
  EXPECT_EQ(silent.waiting(), 1);
}

TEST_P(PostgresHosts, a_relay_whose_server_is_dead_does_not_keep_the_next_host_away) {
  Relay relay;
  relay.pass_on_to(1);  // it lets everybody in and ends it at once
  EXPECT_EQ(count(*open_postgres(clock(), random_, {.connection = behind(relay, address()), .attempts = 1})), 2);
}

TEST_P(PostgresHosts, a_host_that_falls_silent_is_left_for_one_that_serves) {
  Relay relay;
  const std::string direct = address();
  relay.pass_on_to(std::stoi(direct.substr(direct.find("port=") + 5)));
  const auto database = open_postgres(clock(), random_, {.connection = behind(relay, direct), .doubt_after = 200ms});
  database->hold_beacon(7);  // over the session's own connection
  const auto add = [&] { database->write([](Transaction& tx) { tx.guard("g", add_one, {"a"}); }); };
  add();
  relay.fall_silent();
  EXPECT_EQ(relay.passed_on(), 2u) << "both came through it";
  const Instant begun = clock().now();
  EXPECT_EQ(count(*database), 2);
  EXPECT_LT(clock().now() - begun, 1500ms) << "neither by a limit of time nor by TCP's";
  for (int i = 0; i < 3; ++i) add();
  EXPECT_LT(clock().now() - begun, 1700ms) << "who comes later does not wait again";
}

TEST_P(PostgresHosts, a_server_that_can_be_written_is_found_among_several_hosts) {
  std::string several = address();
  const auto port_at = several.find("port=") + 5, end = several.find(' ', port_at);
  const std::string port = several.substr(port_at, end - port_at);
  several = fmt::format("host=127.0.0.1,127.0.0.1 port=1,{}{} target_session_attrs=read-write", port, several.substr(end));
  const auto database = open_postgres(clock(), random_, {.connection = several});
  database->write([](Transaction& tx) { tx.run(add_one, {"a"}); });
  EXPECT_EQ(count(*database), 2);
}

}  // namespace
}  // namespace scoria::db::postgres
