#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "exports/errors.h"
#include "exports/state.h"

/// Addresses that move between machines.
namespace scoria::exports {

/// As an operator writes one: `10.0.0.9/24@eth0`, or `10.0.0.9` alone where something else brings it here.
struct PortalAddress {
  std::string address;
  std::string network;    // 10.0.0.9/24; empty: not ours to configure
  std::string interface;
};
/// Empty address: not understood.
PortalAddress portal_address_from(std::string_view text);

/// Makes the address this machine's: it is there already, or `ip address add` puts it there and the network is told (gratuitous ARP).
/// With `command`, that is run instead: `command up ADDRESS`. Idempotent.
DriverResult<> raise(Clock& clock, const State& state, const PortalAddress& portal, const std::string& command, Deadline deadline);
/// Takes away what raise() put here. Absent is success; after a failure it may still be here, and is remembered.
DriverResult<> lower(Clock& clock, const State& state, const std::string& address);
/// As many as can be; the others are remembered.
void lower_all(Clock& clock, const State& state);

}  // namespace scoria::exports
