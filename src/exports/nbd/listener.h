#pragma once
#include <optional>
#include <string>

#include "os/fd.h"

/// Listening sockets for storage daemons. We make them because the daemon sets no TCP_NODELAY (measured: 40 to 70 times
/// slower at depth 32) and because a socket that we hold too keeps clients waiting, not refused, while a daemon restarts.
namespace scoria::exports {

/// Listens under a name of its own beside `path`, and puts that in the place of `path`. Sockets made so before lose their names:
/// whoever holds one (another process of this machine, which tried to serve the same) must not serve by it any more.
os::Fd listen_unix(const std::string& path, unsigned mode);
/// Does a socket of listen_unix() still have its name? True of others.
bool has_name(const os::Fd& listener);
/// Nothing when the port is taken. `address` is numeric, IPv4 or IPv6.
std::optional<os::Fd> listen_tcp(const std::string& address, int port);
/// The descriptor `number` of that process, if it is a listening socket and we may have it.
std::optional<os::Fd> listener_of(int pid, int number);

}  // namespace scoria::exports
