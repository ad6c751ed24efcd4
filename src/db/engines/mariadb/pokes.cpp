#include "db/engines/mariadb/pokes.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "db/database.h"

namespace scoria::db::mariadb {
namespace {

constexpr std::size_t seal_bytes = 16;
constexpr std::size_t most_bytes = 512;

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// "1.2.3.4:5" or "fd00::1:5": the port stands behind the last colon.
Endpoint endpoint_of(std::string_view text) {
  Endpoint out;
  const std::size_t colon = text.rfind(':');
  const std::string host(text.substr(0, colon));
  unsigned short port = 0;
  if (colon != text.npos) std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  auto* four = reinterpret_cast<sockaddr_in*>(&out.address);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.address);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    out.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    out.size = sizeof *six;
  }
  return out;
}

}  // namespace

Pokes::Pokes(const std::string& address, std::string secret) : secret_(std::move(secret)) {
  Endpoint local = endpoint_of(address + ":0");
  socket_ = ::socket(local.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0 || ::bind(socket_, reinterpret_cast<sockaddr*>(&local.address), local.size) != 0 ||
      ::getsockname(socket_, reinterpret_cast<sockaddr*>(&local.address), &local.size) != 0) {
    const std::string why = std::strerror(errno);
    if (socket_ >= 0) ::close(socket_);
    throw Error(fmt::format("cannot listen for datagrams at {}: {}", address, why));
  }
  const bool six = local.address.ss_family == AF_INET6;
  own_ = fmt::format("{}:{}", address, ntohs(six ? reinterpret_cast<sockaddr_in6*>(&local.address)->sin6_port : reinterpret_cast<sockaddr_in*>(&local.address)->sin_port));
}

Pokes::~Pokes() { ::close(socket_); }

std::string Pokes::sealed(std::string_view queue) const {
  unsigned char seal[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), reinterpret_cast<const unsigned char*>(queue.data()), queue.size(), seal, &size);
  return std::string(reinterpret_cast<const char*>(seal), seal_bytes).append(queue);
}

void Pokes::send(std::string_view queue) const {
  const std::string datagram = sealed(queue);
  for (const std::string& other : others_) {
    const Endpoint to = endpoint_of(other);
    if (to.size > 0) ::sendto(socket_, datagram.data(), datagram.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to.address), to.size);
  }
}

void Pokes::hear(const std::function<void(std::string_view)>& listener) const {
  char buffer[most_bytes];
  while (true) {
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) return;
    const std::string_view datagram(buffer, static_cast<std::size_t>(got));
    if (datagram.size() < seal_bytes) continue;
    const std::string expected = sealed(datagram.substr(seal_bytes));
    if (expected.size() == datagram.size() && CRYPTO_memcmp(expected.data(), datagram.data(), seal_bytes) == 0) listener(datagram.substr(seal_bytes));
  }
}

}  // namespace scoria::db::mariadb
