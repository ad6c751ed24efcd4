#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exports/errors.h"
#include "os/process.h"

namespace scoria::exports {

/// The management protocol of tgtd over its control socket: what tgtadm speaks, without a process per command and
/// without secrets in argument lists. One fixed header each way (native byte order), then text.
namespace tgt {

enum class Mode : std::uint32_t { system, target, device, portal, lld, session, connection, account };
enum class Op : std::uint32_t { make, remove, show, bind, unbind, update };

/// Error numbers of tgtd's answers that are told apart here.
namespace error {
inline constexpr std::uint32_t none = 0, no_target = 4, no_lun = 5, no_session = 6, no_connection = 7, target_exists = 9, lun_exists = 10, acl_exists = 12,
                               user_exists = 14, no_user = 15, target_active = 19, lun_active = 20;
}

struct Request {
  Mode mode = Mode::system;
  Op op = Op::show;
  std::int32_t tid = -1;
  std::uint64_t session = 0;
  std::uint64_t lun = 0;
  std::uint32_t connection = 0;
  std::string parameters = {};  // name=value, separated by commas
};

struct Answer {
  std::uint32_t error = 0;
  std::string text;
};

}  // namespace tgt

class TgtControl {
 public:
  TgtControl(const Clock& clock, std::string socket) : clock_(&clock), socket_(std::move(socket)) {}

  /// The daemon that listens there; nothing when none does.
  std::optional<os::Process> daemon() const;
  /// Its answer, also when that is a refusal. No answer at all: transient before the request was sent, unknown after.
  DriverResult<tgt::Answer> ask(const tgt::Request& request, Deadline deadline) const;

 private:
  const Clock* clock_;
  std::string socket_;
};

/// One target as `show` describes it.
struct TgtTarget {
  std::int32_t tid = 0;
  std::string state;
  struct Lun {
    std::string path;
    bool read_only = false;
  };
  std::map<std::uint64_t, Lun> luns;
  std::vector<std::string> accounts, initiators;
};

/// By target name.
std::map<std::string, TgtTarget> tgt_targets_from(std::string_view text);

struct TgtConnection {
  std::uint64_t session = 0;
  std::uint32_t connection = 0;
};
std::vector<TgtConnection> tgt_connections_from(std::string_view text);

}  // namespace scoria::exports
