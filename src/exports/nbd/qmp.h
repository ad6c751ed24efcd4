#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "exports/errors.h"
#include "json/value.h"
#include "os/fd.h"
#include "os/process.h"

namespace scoria::exports {

/// A connection to the control socket of a QEMU storage daemon (QMP: one JSON text a line). One thread at a time; the
/// daemon serves one connection after the other.
class Qmp {
 public:
  /// Connects and negotiates. Nothing when nobody listens there; an error when the daemon does not answer in time.
  static DriverResult<std::optional<Qmp>> connect(const Clock& clock, const std::string& socket, Deadline deadline);

  /// `arguments` is the text of a JSON object, or empty. Events that come meanwhile are passed over. What the daemon refuses is permanent with its own words; no
  /// answer is unknown.
  DriverResult<json::Value> execute(std::string_view command, std::string_view arguments, Deadline deadline);
  /// The process that listens.
  std::optional<os::Process> daemon() const;

 private:
  Qmp(const Clock& clock, os::Fd socket) : clock_(&clock), socket_(std::move(socket)) {}
  DriverResult<json::Value> read_message(Deadline deadline);
  DriverResult<> send(std::string_view text, Deadline deadline);

  const Clock* clock_;
  os::Fd socket_;
  std::string buffer_;
};

}  // namespace scoria::exports
