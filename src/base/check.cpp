#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace scoria {
void check_failed(const char* expression, const char* file, int line, const char* why) {
  std::fprintf(stderr, "scoria: bug: %s (%s) at %s:%d\n", why, expression, file, line);
  std::fflush(stderr);
  std::abort();
}
}  // namespace scoria
