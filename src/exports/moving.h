#pragma once
#include <set>
#include <string>

#include "base/clock.h"
#include "drivers/driver.h"

namespace scoria::exports {

/// What moves exports between machines asks of this one. Thread-safe.
class Moving {
 public:
  virtual ~Moving() = default;
  /// The name of this machine (its state directory) among the others; the same for all processes that share it.
  virtual std::string home() = 0;
  /// What portals serve here may go on until then. False: nobody is there to stop it in time, so it must not; ask again.
  virtual bool extend_leash(Instant until) = 0;
  virtual bool leash_holds() const = 0;
  /// The portal's address is this machine's. Idempotent.
  virtual drivers::DriverResult<> raise(const drivers::Call& call, const std::string& address) = 0;
  /// Nothing is served at other portals than these, and their addresses are not this machine's. Idempotent.
  virtual drivers::DriverResult<> abandon(const drivers::Call& call, const std::set<std::string>& portals) = 0;
  /// Makes sure, by the operator's command, that a machine which does not answer writes nothing more. `permanent`: there is no command.
  virtual drivers::DriverResult<> fence(const drivers::Call& call, const std::string& host) = 0;
};

}  // namespace scoria::exports
