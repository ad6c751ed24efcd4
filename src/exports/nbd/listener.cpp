#include "exports/nbd/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/files.h"

namespace scoria::exports {
namespace {

constexpr int backlog = 128;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> numeric(const std::string& text, int port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.size = sizeof v6;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

void set(const os::Fd& fd, int level, int option, int value) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof value) != 0) os::fail("prepare", "a listening socket");
}

}  // namespace

os::Fd listen_unix(const std::string& path, unsigned mode) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = path.substr(0, slash), mark = path.substr(slash + 1) + ".";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) os::fail("make", "a socket");
  std::string own;
  while (true) {
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) os::fail("name", "a socket");
    own = fmt::format("{}/{}{:x}", folder, mark, number % 0x100000);
    if (own.size() >= sizeof address.sun_path) os::fail(ENAMETOOLONG, "listen at", own);
    std::memcpy(address.sun_path, own.c_str(), own.size() + 1);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) break;
    if (errno != EADDRINUSE) os::fail("listen at", own);
  }
  if (::chmod(own.c_str(), mode) != 0) os::fail("protect", own);
  if (::listen(fd.get(), backlog) != 0) os::fail("listen at", own);
  const std::string next = path + "~";
  ::unlink(next.c_str());
  if (::link(own.c_str(), next.c_str()) != 0 || ::rename(next.c_str(), path.c_str()) != 0) os::fail("listen at", path);
  for (const std::string& name : os::names_in(os::open_directory(folder)))
    if (name.starts_with(mark) && folder + "/" + name != own) ::unlink((folder + "/" + name).c_str());
  return fd;
}

bool has_name(const os::Fd& listener) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.sun_family != AF_UNIX) return true;
  return ::access(address.sun_path, F_OK) == 0;
}

std::optional<os::Fd> listen_tcp(const std::string& address, int port) {
  const std::optional<Address> where = numeric(address, port);
  if (!where) os::fail(EINVAL, "listen at", address);
  os::Fd fd(::socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) os::fail("make", "a socket");
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // Accepted sockets inherit all of these.
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where->storage), where->size) != 0 || ::listen(fd.get(), backlog) != 0) {
    if (errno == EADDRINUSE) return std::nullopt;
    os::fail("listen at", address);
  }
  return fd;
}

std::optional<os::Fd> listener_of(int pid, int number) {
  const os::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  if (!process) return std::nullopt;
  os::Fd fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0U)));
  int listening = 0;
  socklen_t size = sizeof listening;
  if (!fd || ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) return std::nullopt;
  return fd;
}

}  // namespace scoria::exports
