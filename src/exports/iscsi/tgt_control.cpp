#include "exports/iscsi/tgt_control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "os/fd.h"

namespace scoria::exports {
namespace {

struct Header {
  std::uint32_t mode, op;
  char driver[64];
  std::uint32_t length;
  std::int32_t tid;
  std::uint64_t session, lun;
  std::uint32_t connection, host, device_type, account_direction, pack, force;
};
static_assert(sizeof(Header) == 120);

struct Reply {
  std::uint32_t error, length;
};

constexpr std::size_t answer_limit = std::size_t{16} << 20;

/// Nothing when nobody listens there, or whoever does takes no connection for `limit`: a daemon that is stopped lets its queue fill.
os::Fd connected(const std::string& path, Duration limit) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) os::fail(ENAMETOOLONG, "connect to", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) os::fail("make", "a socket");
  // Connecting and sending to a Unix socket wait no longer than this (unix(7)).
  const std::int64_t most = std::max<std::int64_t>(limit.count(), 1000);
  const timeval patience{most / 1'000'000, most % 1'000'000};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) os::fail("limit", "a socket's waiting");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return os::Fd();
  return fd;
}

bool readable(const Clock& clock, int fd, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left(clock)).count() + 1;
    pollfd waited{fd, POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) > 0) return true;
    if (deadline.passed(clock)) return false;
  }
}

template <class Number>
Number number_after(std::string_view line, std::string_view key) {
  Number out{};
  line.remove_prefix(key.size());
  std::from_chars(line.data(), line.data() + line.size(), out);
  return out;
}

/// One question and its answer on a connection of its own.
DriverResult<tgt::Answer> exchange(const Clock& clock, const os::Fd& fd, const tgt::Request& request, Deadline deadline) {
  Header header{};
  header.mode = static_cast<std::uint32_t>(request.mode);
  header.op = static_cast<std::uint32_t>(request.op);
  std::strcpy(header.driver, "iscsi");
  header.tid = request.tid;
  header.session = request.session;
  header.lun = request.lun;
  header.connection = request.connection;
  // The text is sent with its terminating zero.
  const std::size_t text_size = request.parameters.empty() ? 0 : request.parameters.size() + 1;
  header.length = static_cast<std::uint32_t>(sizeof header + text_size);
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message.append(request.parameters.c_str(), text_size);
  if (::send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
    return failed(FailureClass::unknown, "the iSCSI daemon takes no command");

  std::string answer;
  Reply reply{};
  while (answer.size() < sizeof reply || answer.size() < reply.length) {
    if (!readable(clock, fd.get(), deadline)) return failed(FailureClass::unknown, "the iSCSI daemon does not answer");
    char chunk[16384];
    const ssize_t got = ::recv(fd.get(), chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed(FailureClass::unknown, "the iSCSI daemon gave no answer");
    answer.append(chunk, static_cast<std::size_t>(got));
    if (answer.size() >= sizeof reply) std::memcpy(&reply, answer.data(), sizeof reply);
    if (reply.length > answer_limit) return failed(FailureClass::unknown, "the iSCSI daemon speaks another protocol");
  }
  // Texts end with a zero.
  return tgt::Answer{reply.error, answer.substr(sizeof reply, answer.find('\0', sizeof reply) - sizeof reply)};
}

}  // namespace

std::optional<os::Process> TgtControl::daemon() const {
  const Deadline deadline = Deadline::in(*clock_, std::chrono::seconds{1});
  const os::Fd fd = connected(socket_, deadline.left(*clock_));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!fd || ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  // tgtd may take the end of a connection on which nothing was asked for one that has nothing to say yet, and look at it for ever.
  (void)exchange(*clock_, fd, {.mode = tgt::Mode::portal}, deadline);
  return os::process_of(peer.pid);
}

DriverResult<tgt::Answer> TgtControl::ask(const tgt::Request& request, Deadline deadline) const {
  const os::Fd fd = connected(socket_, deadline.left(*clock_));
  if (!fd) return failed(FailureClass::transient, "the iSCSI daemon is not up, or takes no connection");
  return exchange(*clock_, fd, request, deadline);
}

std::map<std::string, TgtTarget> tgt_targets_from(std::string_view text) {
  std::map<std::string, TgtTarget> out;
  TgtTarget* target = nullptr;
  TgtTarget::Lun* lun = nullptr;
  std::string section;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view words = trimmed(line);
    const std::size_t depth = line.size() - std::string_view(line).substr(std::min(line.find_first_not_of(' '), line.size())).size();
    if (depth == 0 && words.starts_with("Target ")) {
      const std::size_t colon = words.find(": ");
      if (colon == std::string_view::npos) continue;
      target = &out[std::string(words.substr(colon + 2))];
      target->tid = number_after<std::int32_t>(words, "Target ");
      lun = nullptr;
    } else if (target != nullptr && depth == 4) {
      section = words;
    } else if (target != nullptr && words.starts_with("State: ") && section == "System information:") {
      target->state = words.substr(7);
    } else if (target != nullptr && section == "LUN information:") {
      if (words.starts_with("LUN: ")) lun = &target->luns[number_after<std::uint64_t>(words, "LUN: ")];
      if (lun != nullptr && words == "Readonly: Yes") lun->read_only = true;
      if (lun != nullptr && words.starts_with("Backing store path: ")) lun->path = words.substr(20);
    } else if (target != nullptr && section == "Account information:" && !words.empty()) {
      target->accounts.emplace_back(words);
    } else if (target != nullptr && section == "ACL information:" && !words.empty()) {
      target->initiators.emplace_back(words);
    }
  }
  return out;
}

std::vector<TgtConnection> tgt_connections_from(std::string_view text) {
  std::vector<TgtConnection> out;
  std::uint64_t session = 0;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view words = trimmed(line);
    if (words.starts_with("Session: ")) session = number_after<std::uint64_t>(words, "Session: ");
    if (words.starts_with("Connection: ")) out.push_back({session, number_after<std::uint32_t>(words, "Connection: ")});
  }
  return out;
}

}  // namespace scoria::exports
