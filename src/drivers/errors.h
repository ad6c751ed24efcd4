#pragma once
#include <fmt/core.h>

#include <system_error>

#include "base/failpoint.h"
#include "drivers/driver.h"

/// Making DriverErrors, for those who write drivers.
namespace scoria::drivers {

template <class... Args>
[[nodiscard]] tl::unexpected<DriverError> failed(FailureClass kind, fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected<DriverError>(DriverError{kind, fmt::format(text, std::forward<Args>(args)...)});
}
[[nodiscard]] inline tl::unexpected<DriverError> failed(DriverError error) { return tl::unexpected<DriverError>(std::move(error)); }

/// What an error of the operating system means for the one who called: full disk, permission, passing trouble …
DriverError error_of(const std::system_error& error);
DriverError error_of(const failpoint::Injected& error);

/// The boundary of a driver's public call: failures of the machine and injected ones become DriverErrors; anything else
/// (a simulated kill) passes.
template <class Act>
auto guarded(Act&& act) -> decltype(act()) {
  try {
    return act();
  } catch (const std::system_error& error) {
    return failed(error_of(error));
  } catch (const failpoint::Injected& error) {
    return failed(error_of(error));
  }
}

}  // namespace scoria::drivers
