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

void Connection::receive_some(std::string& to) {
  char buffer[64 * 1024];
  while (true) {
    const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (got == 0) throw std::runtime_error("the server closed a connection that was to be kept");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) fail("recv");
    to.append(buffer, static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < sizeof buffer) return;  // epoll tells of more
  }
}

bool Connection::receive() {
  receive_some(input_);
  if (body_at_ == 0 && !read_head()) return false;
  return input_.size() >= body_at_ + length_;
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

LineStream::LineStream(int port, std::string_view request) : connection_(port) { connection_.send(request); }

void LineStream::receive() {
  connection_.receive_some(input_);
  if (begun_ || read_head()) read_chunks();
}

bool LineStream::read_head() {
  const auto end = input_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  if (number_after(input_, " ") != 200) throw std::runtime_error("a watch that was refused: " + input_.substr(0, 500));
  input_.erase(0, end + 4);
  return begun_ = true;
}

void LineStream::read_chunks() {
  std::size_t at = 0;
  while (true) {
    const auto line_end = input_.find("\r\n", at);
    if (line_end == std::string::npos) break;
    const std::size_t length = std::stoul(input_.substr(at, line_end - at), nullptr, 16);
    if (length == 0) throw std::runtime_error("a watch that ended");
    if (input_.size() < line_end + 2 + length + 2) break;
    lines_.append(input_, line_end + 2, length);
    at = line_end + 2 + length + 2;
  }
  input_.erase(0, at);
}

std::optional<std::string> LineStream::next_line() {
  const auto end = lines_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = lines_.substr(0, end);
  lines_.erase(0, end + 1);
  return line;
}

}  // namespace scoria::load
