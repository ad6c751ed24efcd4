#pragma once

namespace scoria {
/// Prints the broken expectation and aborts. Stays on in every build: a bug must not go on with wrong data.
[[noreturn]] void check_failed(const char* expression, const char* file, int line, const char* why);
}  // namespace scoria

#define SCORIA_CHECK(expression, why) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::scoria::check_failed(#expression, __FILE__, __LINE__, why))
