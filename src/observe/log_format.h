#pragma once
#include <string>

#include "observe/log.h"

namespace scoria::log {

/// One line for people: time, level, area, what it is about, text. Control characters are escaped, so that no text of a
/// caller can forge a line or drive a terminal. Ends with a newline; texts over 16 KiB are cut.
std::string as_text(const Line& line);
/// The same as one JSON object; bytes that are no UTF-8 become U+FFFD.
std::string as_json(const Line& line);

}  // namespace scoria::log
