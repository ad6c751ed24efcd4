#include "connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace scoria::load {
namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int number_after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return -1;
  int number = -1;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Connection::Connection(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::fcntl(descriptor_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
}

Connection::~Connection() { ::close(descriptor_); }

void Connection::send(std::string_view request) {
  input_.clear();
  body_at_ = 0;
  if (::send(descriptor_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) fail("send");
}

bool Connection::receive() {
  char buffer[64 * 1024];
  while (true) {
    const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (got == 0) throw std::runtime_error("the server closed a connection that was to be kept");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0) fail("recv");
    input_.append(buffer, static_cast<std::size_t>(got));
    if (body_at_ == 0 && !read_head()) continue;
    if (input_.size() >= body_at_ + length_) return true;
  }
}

bool Connection::read_head() {
  const auto end = input_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string_view head = std::string_view(input_).substr(0, end);
  status_ = number_after(head, " ");
  const int length = number_after(head, "\r\nContent-Length: ");
  if (length < 0 && status_ != 204) throw std::runtime_error("an answer without Content-Length");
  body_at_ = end + 4;
  length_ = length < 0 ? 0 : static_cast<std::size_t>(length);
  return true;
}

}  // namespace scoria::load
