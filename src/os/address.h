#pragma once
#include <string>

namespace scoria::os {

/// An IPv4 or IPv6 address (brackets are fine) that something on this machine can listen on now. False for names.
bool is_own_address(const std::string& address);

}  // namespace scoria::os
