#pragma once
#include <string_view>

#include "base/result.h"

namespace scoria::commands {

inline tl::unexpected<Refusal> no_such_type(std::string_view id) { return refuse(RefusalCode::not_found, "Volume type {} could not be found.", id); }
inline tl::unexpected<Refusal> no_such_spec(std::string_view type, std::string_view key) {
  return refuse(RefusalCode::not_found, "Volume type {} has no extra specs with key {}.", type, key);
}

}  // namespace scoria::commands
