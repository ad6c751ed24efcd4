#include <gtest/gtest.h>

#include <csignal>

#include "http/server.h"
#include "http/test_certificate.h"
#include "http/test_client.h"

namespace scoria::http {
namespace {

using testing::Certificate;
using testing::Client;
using testing::ClientResponse;

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }  // the client's OpenSSL writes with write()
  void TearDown() override {
    server.reset();
    clock.join_all();
    ::SSL_CTX_free(context);
  }

  std::uint16_t start() {
    options.tls_certificate_file = certificate.certificate_file();
    options.tls_key_file = certificate.key_file();
    server = std::make_unique<Server>(
        clock, options,
        [](const Request& request, const std::shared_ptr<Responder>& responder) {
          if (request.path == "/stream") {
            responder->begin_stream({.body = "first"});
            responder->write_stream("second");
            return responder->end_stream();
          }
          std::string body = request.tls ? "secure " : "plain ";
          body += request.path == "/big" ? std::string(1 << 20, 'x') : request.body;
          responder->send({.status = 200, .headers = {}, .body = std::move(body), .content_type = "text/plain"});
        },
        nullptr);
    server->start();
    return server->port();
  }

  Certificate certificate;
  SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
  ServerOptions options{.workers = 1};
  SystemClock clock;
  std::unique_ptr<Server> server;
};

TEST_F(TlsTest, requests_and_answers_travel_encrypted) {
  Client client(start());
  ASSERT_TRUE(client.start_tls(context));
  EXPECT_GE(::SSL_version(client.tls()), TLS1_2_VERSION);
  client.post("/", "hello");
  EXPECT_EQ(client.read().body, "secure hello");
  client.post("/", std::string(100000, 'y'));
  EXPECT_EQ(client.read().body.size(), 100007U);
  client.get("/big");
  EXPECT_EQ(client.read().body.size(), (1U << 20) + 7);
  client.get("/stream");
  EXPECT_EQ(client.read().body, "firstsecond");
  client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(::SSL_get_shutdown(client.tls()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN) << "the end is told, not cut";
}

TEST_F(TlsTest, versions_before_1_2_are_refused) {
  ::SSL_CTX_set_security_level(context, 0);
  ::SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  ::SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  Client client(start());
  EXPECT_FALSE(client.start_tls(context));
}

TEST_F(TlsTest, a_client_that_speaks_plain_http_is_cut) {
  Client client(start());
  client.get("/");
  EXPECT_EQ(client.read().status, 0);
}

TEST_F(TlsTest, a_client_that_does_not_shake_hands_is_cut) {
  options.header_timeout = 60ms;
  Client client(start());
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsTest, a_refusal_reaches_a_client_that_still_sends) {
  options.max_body_bytes = 1000;
  options.linger_timeout = 500ms;
  Client client(start());
  ASSERT_TRUE(client.start_tls(context));
  client.post("/", std::string(1 << 20, 'x'));
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(TlsTest, a_half_closed_client_gets_its_answer) {
  Client client(start());
  ASSERT_TRUE(client.start_tls(context));
  client.post("/", "hello");
  ::SSL_shutdown(client.tls());
  client.half_close();
  EXPECT_EQ(client.read().body, "secure hello");
}

TEST_F(TlsTest, a_drain_ends_idle_connections) {
  Client client(start());
  ASSERT_TRUE(client.start_tls(context));
  client.get("/");
  EXPECT_EQ(client.read().status, 200);
  server->drain(1s);
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsTest, files_that_do_not_fit_are_named) {
  Certificate other;
  const auto failure = [this](std::string certificate_file, std::string key_file) -> std::string {
    try {
      Server bad(clock, {.tls_certificate_file = std::move(certificate_file), .tls_key_file = std::move(key_file)}, [](const Request&, const auto&) {}, nullptr);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(failure("/nonexistent", certificate.key_file()).find("/nonexistent"), std::string::npos);
  EXPECT_NE(failure(certificate.certificate_file(), "/nonexistent").find("/nonexistent"), std::string::npos);
  EXPECT_NE(failure(certificate.certificate_file(), other.key_file()).find(other.key_file()), std::string::npos);
  EXPECT_NE(failure(certificate.certificate_file(), "").find("TLS key"), std::string::npos);
  EXPECT_NE(failure("", certificate.key_file()).find("TLS certificate"), std::string::npos);
}

}  // namespace
}  // namespace scoria::http
