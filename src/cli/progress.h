#pragma once
#include "cli/verbs.h"

namespace scoria::cli {

/// While this lives, Ctrl-C is noticed instead of ending the program.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  static bool happened();
};

/// Follows an operation to its end, with a line of progress on a terminal; `lines`: each change is a line of standard output
/// instead (JSON with -o json). A service that is away for a while is waited for. Refuses when the operation failed or was
/// cancelled, and when Ctrl-C left it running (detail "interrupted").
Result<json::Value> follow(Session& session, const std::string& id, bool lines = false);
/// Every operation that a request started.
Result<> follow_request(Session& session, const std::string& request_id);

/// One line about an operation: what, how far, how long, and why it does not go on.
std::string progress_line(const json::Value& operation, bool unicode);
/// "running, 52 %, 12 s left"
std::string state_text(const json::Value& operation);
/// 75 → "1 min 15 s"
std::string seconds_text(std::int64_t seconds);

}  // namespace scoria::cli
