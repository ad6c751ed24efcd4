#include "net/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace scoria::net {
namespace {

using namespace std::chrono_literals;

/// A certificate for 127.0.0.1 that signs itself, made for one test.
struct Certificate {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* x509 = X509_new();
  std::string file;

  Certificate() {
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_version(x509, 2);
    X509_set_pubkey(x509, key);
    X509_NAME* name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("scoria test"), -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x509, key, EVP_sha256());
    char path[] = "/tmp/scoria_ca_XXXXXX";
    FILE* out = ::fdopen(::mkstemp(path), "w");
    PEM_write_X509(out, x509);
    std::fclose(out);
    file = path;
  }
  ~Certificate() {
    X509_free(x509);
    EVP_PKEY_free(key);
    std::filesystem::remove(file);
  }
};

/// Serves one connection after the other: reads a whole request, answers what the test says, byte for byte.
class TinyServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit TinyServer(Answer answer, const Certificate* certificate = nullptr) : answer_(std::move(answer)) {
    if (certificate != nullptr) {
      tls_ = SSL_CTX_new(TLS_server_method());
      SSL_CTX_use_certificate(tls_, certificate->x509);
      SSL_CTX_use_PrivateKey(tls_, certificate->key);
    }
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }

  ~TinyServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    const int client = client_;
    if (client >= 0) ::shutdown(client, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(tls_);
  }

  std::string url(std::string_view path = "/") const { return fmt::format("{}://127.0.0.1:{}{}", tls_ == nullptr ? "http" : "https", port_, path); }
  int connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      client_ = client;
      ++connections_;
      SSL* ssl = nullptr;
      bool ready = true;
      if (tls_ != nullptr) {
        ssl = SSL_new(tls_);
        SSL_set_fd(ssl, client);
        ready = SSL_accept(ssl) == 1;
      }
      while (ready && serve(client, ssl)) {
      }
      SSL_free(ssl);
      client_ = -1;
      ::close(client);
    }
  }

  bool serve(int client, SSL* ssl) {
    std::string request;
    char buffer[4096];
    std::size_t whole = std::string::npos;
    while (request.size() < whole) {
      const auto got = ssl != nullptr ? SSL_read(ssl, buffer, sizeof buffer) : static_cast<int>(::recv(client, buffer, sizeof buffer, 0));
      if (got <= 0) return false;
      request.append(buffer, static_cast<std::size_t>(got));
      const std::size_t head = request.find("\r\n\r\n");
      if (whole != std::string::npos || head == std::string::npos) continue;
      const std::size_t length = request.find("Content-Length: ");
      whole = head + 4 + (length < head ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0);
    }
    const std::string answer = answer_(request);
    if (answer.empty()) return false;
    if (ssl != nullptr) return SSL_write(ssl, answer.data(), static_cast<int>(answer.size())) > 0;
    return ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
  }

  Answer answer_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> client_{-1};
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::string answer(int status, std::string_view body, std::string_view more = "") {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more, body);
}

struct HttpClientTest : testing::Test {
  SystemClock clock;
  std::unique_ptr<HttpClient> client = make_http_client(clock, {});
  Deadline soon() const { return Deadline::in(clock, 10s); }
};

TEST_F(HttpClientTest, sends_what_it_is_told_and_gives_the_whole_answer) {
  std::string seen;
  TinyServer server([&](const std::string& request) {
    seen = request;
    return answer(201, "{\"a\":1}", "X-Subject-Token: secret\r\nx-two:  b \r\n");
  });
  const auto got = client->send({"POST", server.url("/v3/auth/tokens?nocatalog"), {{"X-Auth-Token", "t1"}, {"Content-Type", "application/json"}}, "{}"}, soon());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 201);
  EXPECT_EQ(got->body, "{\"a\":1}");
  ASSERT_NE(got->find("x-subject-token"), nullptr);
  EXPECT_EQ(*got->find("x-subject-token"), "secret");
  EXPECT_EQ(*got->find("X-Two"), "b");
  EXPECT_EQ(got->find("absent"), nullptr);
  EXPECT_TRUE(seen.starts_with("POST /v3/auth/tokens?nocatalog HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("X-Auth-Token: t1\r\n"), std::string::npos);
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("urlencoded"), std::string::npos);
  EXPECT_EQ(seen.find("Expect"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{}"));
}

TEST_F(HttpClientTest, every_method_leaves_as_itself_and_connections_are_reused) {
  std::vector<std::string> methods;
  TinyServer server([&](const std::string& request) {
    methods.push_back(request.substr(0, request.find(' ')));
    return methods.back() == "HEAD" ? std::string("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n") : answer(200, "ok");
  });
  for (const char* method : {"GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "GET"}) {
    const auto got = client->send({method, server.url(), {}, {}}, soon());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->status, 200);
  }
  EXPECT_EQ(methods, (std::vector<std::string>{"GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "GET"}));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientTest, redirects_and_errors_are_answers) {
  TinyServer server([](const std::string&) { return answer(302, "", "Location: http://127.0.0.1:1/\r\n"); });
  const auto got = client->send({"GET", server.url(), {}, {}}, soon());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 302);
}

TEST_F(HttpClientTest, a_silent_server_costs_no_more_than_the_deadline) {
  TinyServer server([](const std::string&) {
    std::this_thread::sleep_for(400ms);
    return std::string{};
  });
  const Instant start = clock.now();
  const auto got = client->send({"GET", server.url("/v3?token=hidden"), {}, {}}, Deadline::in(clock, 100ms));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, RefusalCode::unavailable);
  EXPECT_EQ(got.error().detail, "timeout");
  EXPECT_EQ(got.error().message.find("hidden"), std::string::npos);
  EXPECT_LT(clock.now() - start, 390ms);
  EXPECT_EQ(client->send({"GET", server.url(), {}, {}}, Deadline{clock.now()}).error().detail, "timeout");
}

TEST_F(HttpClientTest, nobody_there_and_a_lost_connection_differ) {
  std::string gone;
  {
    TinyServer server([](const std::string&) { return std::string{}; });
    gone = server.url();
    const auto lost = client->send({"POST", gone, {}, "x"}, soon());
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().detail, "lost") << lost.error().message;
  }
  const auto got = client->send({"GET", gone, {}, {}}, soon());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, RefusalCode::unavailable);
  EXPECT_EQ(got.error().detail, "connect");
}

TEST_F(HttpClientTest, an_answer_beyond_the_limit_is_refused) {
  client = make_http_client(clock, {.max_response_bytes = 1000});
  TinyServer server([](const std::string& request) { return answer(200, std::string(request.starts_with("GET /big") ? 1001 : 1000, 'x')); });
  const auto big = client->send({"GET", server.url("/big"), {}, {}}, soon());
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, RefusalCode::too_large);
  EXPECT_TRUE(client->send({"GET", server.url("/"), {}, {}}, soon()));
}

TEST_F(HttpClientTest, what_is_no_http_url_and_headers_that_break_lines_are_refused) {
  EXPECT_EQ(client->send({"GET", "file:///etc/passwd", {}, {}}, soon()).error().code, RefusalCode::invalid_input);
  EXPECT_EQ(client->send({"GET", "", {}, {}}, soon()).error().code, RefusalCode::invalid_input);
  EXPECT_EQ(client->send({"GET", "http://127.0.0.1:1/", {{"A", "b\r\nC: d"}}, {}}, soon()).error().code, RefusalCode::invalid_input);
}

TEST_F(HttpClientTest, a_certificate_is_trusted_by_its_authority_or_by_order_only) {
  const Certificate certificate;
  TinyServer server([](const std::string&) { return answer(200, "ok"); }, &certificate);
  const auto refused = client->send({"GET", server.url(), {}, {}}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "tls") << refused.error().message;
  client = make_http_client(clock, {.ca_file = certificate.file});
  EXPECT_TRUE(client->send({"GET", server.url(), {}, {}}, soon()));
  client = make_http_client(clock, {.insecure = true});
  EXPECT_TRUE(client->send({"GET", server.url(), {}, {}}, soon()));
}

}  // namespace
}  // namespace scoria::net
