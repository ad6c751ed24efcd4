#include "exports/portal_address.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "base/text.h"
#include "json/parse.h"
#include "json/writer.h"
#include "observe/log.h"
#include "os/process.h"

namespace scoria::exports {
namespace {

constexpr Duration command_time = 5s;

/// What raise() did is remembered, so that a keeper or a successor can undo it.
std::string record_path(const std::string& address) { return "portals/" + address; }

bool is_here(const std::string& address) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET, v6.sin6_family = AF_INET6;
  const bool is_v4 = ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) return false;
  const os::Fd fd(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr* where = is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  return fd && ::bind(fd.get(), where, is_v4 ? sizeof v4 : sizeof v6) == 0;
}

DriverResult<> run(Clock& clock, std::vector<std::string> arguments, Deadline deadline) {
  const std::string said = arguments.front() + " " + arguments.at(1);
  const os::Finished done = os::run(clock, {.arguments = std::move(arguments)}, deadline.sooner(Deadline::in(clock, command_time)));
  if (done.ok()) return {};
  return failed(FailureClass::transient, "`{}` failed: {}", said, done.timed_out ? "it takes too long" : std::string(trimmed(done.errors + done.output)));
}

/// Neighbours that remember the address at another machine learn it now, not when their entry grows old. Best effort.
void announce(const PortalAddress& portal) {
  struct Packet {
    ether_header ethernet;
    ether_arp arp;
  } packet{};
  in_addr address{};
  ifreq request{};
  if (portal.interface.size() >= sizeof request.ifr_name || ::inet_pton(AF_INET, portal.address.c_str(), &address) != 1) return;
  std::memcpy(request.ifr_name, portal.interface.data(), portal.interface.size());
  const os::Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  if (!fd || ::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0) return;
  std::memset(packet.ethernet.ether_dhost, 0xff, ETH_ALEN);
  std::memcpy(packet.ethernet.ether_shost, request.ifr_hwaddr.sa_data, ETH_ALEN);
  packet.ethernet.ether_type = htons(ETH_P_ARP);
  packet.arp.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER), .ar_pro = htons(ETH_P_IP), .ar_hln = ETH_ALEN, .ar_pln = 4, .ar_op = htons(ARPOP_REQUEST)};
  std::memcpy(packet.arp.arp_sha, request.ifr_hwaddr.sa_data, ETH_ALEN);
  std::memcpy(packet.arp.arp_spa, &address, 4);
  std::memcpy(packet.arp.arp_tpa, &address, 4);
  if (::ioctl(fd.get(), SIOCGIFINDEX, &request) != 0) return;
  sockaddr_ll to{};
  to.sll_family = AF_PACKET, to.sll_ifindex = request.ifr_ifindex, to.sll_halen = ETH_ALEN;
  std::memset(to.sll_addr, 0xff, ETH_ALEN);
  (void)::sendto(fd.get(), &packet, sizeof packet, MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace

PortalAddress portal_address_from(std::string_view text) {
  const std::size_t at = text.find('@'), slash = text.find('/');
  PortalAddress out{.address = std::string(text.substr(0, std::min(at, slash))), .network = {}, .interface = {}};
  const bool whole = (at == std::string_view::npos) == (slash == std::string_view::npos) && (at == std::string_view::npos || slash < at);
  in6_addr parsed{};
  const bool numeric = ::inet_pton(AF_INET, out.address.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, out.address.c_str(), &parsed) == 1;
  if (!whole || !numeric) return {};
  if (at == std::string_view::npos) return out;
  out.network = text.substr(0, at), out.interface = text.substr(at + 1);
  return out.interface.empty() ? PortalAddress{} : out;
}

DriverResult<> raise(Clock& clock, const State& state, const PortalAddress& portal, const std::string& command, Deadline deadline) {
  state.make_directory("portals");
  json::Writer record;
  record.begin_object().field("network", portal.network).field("interface", portal.interface).field("command", command).end_object();
  if (!command.empty()) {
    state.write(record_path(portal.address), record.text());
    if (const auto up = run(clock, {command, "up", portal.address}, deadline); !up) return up;
  } else if (!portal.interface.empty() && !is_here(portal.address)) {
    state.write(record_path(portal.address), record.text());
    if (const auto up = run(clock, {"ip", "address", "add", portal.network, "dev", portal.interface}, deadline); !up && !is_here(portal.address)) return up;
  }
  if (!is_here(portal.address)) return failed(FailureClass::transient, "the portal's address {} is not on this machine", portal.address);
  if (!portal.interface.empty()) announce(portal);
  return {};
}

DriverResult<> lower(Clock& clock, const State& state, const std::string& address) {
  const std::optional<std::string> text = state.read(record_path(address));
  const Result<json::Value> record = json::parse(text.value_or("{}"));
  if (!text || !record) return {};
  const std::string command = record->text_or("command"), network = record->text_or("network"), interface = record->text_or("interface");
  std::vector<std::string> arguments{command, "down", address};
  if (command.empty()) arguments = {"ip", "address", "del", network, "dev", interface};
  const DriverResult<> down = run(clock, std::move(arguments), Deadline::in(clock, command_time));
  if (!down && is_here(address)) return down;
  state.remove(record_path(address));
  return {};
}

void lower_all(Clock& clock, const State& state) {
  for (const std::string& address : state.names("portals")) (void)lower(clock, state, address);
}

}  // namespace scoria::exports
