#pragma once
#include <string_view>

namespace scoria::config {

/// What to tell about an option or section of cinder.conf that Scoria knows and does not have: what it does instead, or
/// that it is still to come. Empty if the name means nothing. `section` is as in cinder.conf, or config::backend.
std::string_view unserved_option(std::string_view section, std::string_view key);
std::string_view unserved_section(std::string_view section);

}  // namespace scoria::config
