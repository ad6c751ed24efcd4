#include "os/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "os/fd.h"

namespace scoria::os {

bool is_own_address(const std::string& address) {
  const std::string bare = address.starts_with('[') && address.ends_with(']') ? address.substr(1, address.size() - 2) : address;
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET, six.sin6_family = AF_INET6;
  const bool is_four = ::inet_pton(AF_INET, bare.c_str(), &four.sin_addr) == 1;
  if (!is_four && ::inet_pton(AF_INET6, bare.c_str(), &six.sin6_addr) != 1) return false;
  const Fd socket(::socket(is_four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return false;
  // The one question that the kernel answers without a list of interfaces.
  const auto* name = is_four ? reinterpret_cast<const sockaddr*>(&four) : reinterpret_cast<const sockaddr*>(&six);
  return ::bind(socket.get(), name, is_four ? sizeof four : sizeof six) == 0;
}

}  // namespace scoria::os
