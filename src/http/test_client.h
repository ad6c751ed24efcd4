#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/message.h"

namespace scoria::http::testing {

struct ClientResponse {
  int status = 0;  // 0: the connection ended before a whole answer
  Headers headers;
  std::string body;
};

/// A blocking client for tests that sends any bytes and reads answers strictly. Every wait ends after 5 s.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (port != 0) connect(port);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }

  /// Speaks TLS from now on; false when the handshake fails.
  bool start_tls(SSL_CTX* context) {
    tls_ = ::SSL_new(context);
    ::SSL_set_fd(tls_, socket_);
    return ::SSL_connect(tls_) == 1;
  }
  SSL* tls() const { return tls_; }

  /// False when the server stopped reading for good.
  bool send(std::string_view text) {
    while (!text.empty()) {
      ssize_t count = 0;
      if (tls_ != nullptr) {
        count = ::SSL_write(tls_, text.data(), static_cast<int>(text.size()));
      } else {
        count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      }
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  bool get(std::string_view target, std::string_view more_headers = {}) {
    return send(fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n{}\r\n", target, more_headers));
  }
  bool post(std::string_view target, std::string_view body, std::string_view more_headers = {}) {
    return send(fmt::format("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n{}\r\n{}", target, body.size(), more_headers, body));
  }

  void half_close() { ::shutdown(socket_, SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (tls_ != nullptr) ::SSL_free(tls_);
    tls_ = nullptr;
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  /// The next answer; without_body for HEAD.
  ClientResponse read(bool without_body = false) {
    ClientResponse out;
    const std::optional<std::string> head = take_until("\r\n\r\n");
    if (!head) return out;
    parse_head(*head, out);
    if (without_body || out.status < 200 || out.status == 204 || out.status == 304) return out;
    if (const std::string* length = out.headers.find("Content-Length")) {
      const auto body = take(std::strtoul(length->c_str(), nullptr, 10));
      if (!body) return {};
      out.body = *body;
    } else if (out.headers.find("Transfer-Encoding") != nullptr) {
      while (const std::optional<std::string> chunk = read_chunk()) {
        if (chunk->empty()) return out;
        out.body += *chunk;
      }
      return {};  // cut
    } else {
      while (fill()) {
      }
      out.body = std::exchange(input_, {});
    }
    return out;
  }

  /// Status line and headers only, as the start of a stream.
  ClientResponse read_head() { return read(true); }
  /// One chunk of a stream; empty: the last one; nothing: cut.
  std::optional<std::string> read_chunk() {
    const std::optional<std::string> size = take_until("\r\n");
    if (!size) return std::nullopt;
    std::optional<std::string> chunk = take(std::strtoul(size->c_str(), nullptr, 16) + 2);
    if (chunk) chunk->resize(chunk->size() - 2);
    return chunk;
  }

  /// True when the server ends the connection without another byte.
  bool closed() { return input_.empty() && !fill() && !timed_out_; }

 private:
  static void parse_head(const std::string& head, ClientResponse& out) {
    out.status = std::atoi(head.c_str() + std::string_view("HTTP/1.1 ").size());
    std::size_t at = head.find("\r\n") + 2;
    while (at < head.size() - 2) {
      const std::size_t end = head.find("\r\n", at);
      const std::size_t colon = head.find(": ", at);
      out.headers.add(head.substr(at, colon - at), head.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
  }

  std::optional<std::string> take(std::size_t count) {
    while (input_.size() < count) {
      if (!fill()) return std::nullopt;
    }
    std::string out = input_.substr(0, count);
    input_.erase(0, count);
    return out;
  }
  std::optional<std::string> take_until(std::string_view mark) {
    while (true) {
      if (const std::size_t at = input_.find(mark); at != std::string::npos) return take(at + mark.size());
      if (!fill()) return std::nullopt;
    }
  }
  bool fill() {
    char buffer[16384];
    if (tls_ == nullptr || ::SSL_pending(tls_) == 0) {
      pollfd wait{socket_, POLLIN, 0};
      timed_out_ = ::poll(&wait, 1, 5000) == 0;
      if (timed_out_) return false;
    }
    const ssize_t count = tls_ != nullptr ? ::SSL_read(tls_, buffer, sizeof buffer) : ::recv(socket_, buffer, sizeof buffer, 0);
    if (count > 0) input_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  int socket_ = -1;
  SSL* tls_ = nullptr;
  std::string input_;
  bool connected_ = false;
  bool timed_out_ = false;
};

}  // namespace scoria::http::testing
