#include "exports/nbd/qmp.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "json/parse.h"

namespace scoria::exports {
namespace {

constexpr std::size_t message_limit = std::size_t{16} << 20;

bool wait_for(const Clock& clock, int fd, short events, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left(clock)).count() + 1;
    pollfd waited{fd, events, 0};
    const int count = ::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) os::fail("wait for", "a storage daemon");
    if (deadline.passed(clock)) return false;
  }
}

}  // namespace

DriverResult<std::optional<Qmp>> Qmp::connect(const Clock& clock, const std::string& socket, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return failed(FailureClass::permanent, "the socket path {} is too long", socket);
  std::memcpy(address.sun_path, socket.data(), socket.size());
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) os::fail("make", "a socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
    if (errno == EAGAIN) return failed(FailureClass::transient, "the storage daemon behind {} accepts no connection", socket);
    os::fail("connect to", socket);
  }
  Qmp qmp(clock, std::move(fd));
  const DriverResult<json::Value> greeting = qmp.read_message(deadline);
  if (!greeting) return tl::unexpected(greeting.error());
  if (const auto agreed = qmp.execute("qmp_capabilities", {}, deadline); !agreed) return tl::unexpected(agreed.error());
  return std::optional<Qmp>(std::move(qmp));
}

std::optional<os::Process> Qmp::daemon() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return os::process_of(peer.pid);
}

DriverResult<> Qmp::send(std::string_view text, Deadline deadline) {
  while (!text.empty()) {
    const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      if (!wait_for(*clock_, socket_.get(), POLLOUT, deadline)) return failed(FailureClass::unknown, "the storage daemon takes no command");
    } else if (errno != EINTR) {
      return failed(FailureClass::unknown, "the storage daemon has gone: {}", std::strerror(errno));
    }
  }
  return {};
}

DriverResult<json::Value> Qmp::read_message(Deadline deadline) {
  while (true) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      Result<json::Value> message = json::parse(std::string_view(buffer_).substr(0, end));
      buffer_.erase(0, end + 1);
      if (!message) return failed(FailureClass::unknown, "the storage daemon sent no JSON: {}", message.error().message);
      return std::move(*message);
    }
    if (buffer_.size() > message_limit) return failed(FailureClass::unknown, "the storage daemon sent an endless line");
    if (!wait_for(*clock_, socket_.get(), POLLIN, deadline)) return failed(FailureClass::unknown, "the storage daemon does not answer");
    char chunk[16384];
    const ssize_t got = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (got > 0) buffer_.append(chunk, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return failed(FailureClass::unknown, "the storage daemon has gone");
  }
}

DriverResult<json::Value> Qmp::execute(std::string_view command, std::string_view arguments, Deadline deadline) {
  std::string text = fmt::format(R"({{"execute":"{}")", command);
  if (!arguments.empty()) text += fmt::format(R"(,"arguments":{})", arguments);
  text += "}\n";
  if (const auto sent = send(text, deadline); !sent) return tl::unexpected(sent.error());
  while (true) {
    DriverResult<json::Value> message = read_message(deadline);
    if (!message) return message;
    if (message->find("event") != nullptr) continue;
    if (const json::Value* error = message->find("error")) return failed(FailureClass::permanent, "{}: {}", command, error->text_or("desc", "refused"));
    return (*message)["return"];
  }
}

}  // namespace scoria::exports
