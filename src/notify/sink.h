#pragma once
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "store/events/outbox.h"

namespace scoria::notify {

using Event = store::outbox::Event;

/// Where events go. Takes them in their order; what it refuses comes again, all of it, so it may see an event twice.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Success: every one of them is where it will survive this process. Refused or thrown: come again later.
  virtual Result<> deliver(std::span<const Event> events) = 0;
};

/// One line of the log (area "event") for each.
std::unique_ptr<Sink> log_sink();
/// One JSON object a line, appended and flushed to a file; it is opened anew for each batch, so it may be rotated.
std::unique_ptr<Sink> file_sink(std::string path);

/// What file_sink() writes of one event, without the end of the line.
std::string to_line(const Event& event);

}  // namespace scoria::notify
