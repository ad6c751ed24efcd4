#pragma once
#include <fmt/core.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace scoria {

/// Why something asked for is refused. Closed: the HTTP status of each code stands in one table (api/errors.cpp).
enum class RefusalCode {
  invalid_input,     // the request itself is wrong
  invalid_state,     // right request, wrong moment: status, attachments, children
  not_found,
  conflict,          // somebody else is at it
  over_quota,
  forbidden,
  unauthorized,
  unsupported,       // this backend, this type or this build cannot do it
  unavailable,       // try again later
  too_large,
  not_acceptable,    // microversion out of range
  precondition_failed,
  media_type,
  timed_out,         // the operation goes on; the message names it
  backend_failed,    // the work was tried and failed; the message says why
};

/// A refusal is a value: the caller asked for something that cannot be. `message` is a sentence for the user, without
/// secrets. Failures (connection lost, disk full) are exceptions; bugs are SCORIA_CHECKs.
struct Refusal {
  RefusalCode code = RefusalCode::invalid_input;
  std::string message;
  std::string detail;  // machine-readable: field, quota name, operation id; empty when there is none
};

template <class T = void>
using Result = tl::expected<T, Refusal>;

template <class... Args>
[[nodiscard]] tl::unexpected<Refusal> refuse(RefusalCode code, fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected<Refusal>(Refusal{code, fmt::format(text, std::forward<Args>(args)...), {}});
}
[[nodiscard]] inline tl::unexpected<Refusal> refuse(Refusal refusal) { return tl::unexpected<Refusal>(std::move(refusal)); }

}  // namespace scoria
