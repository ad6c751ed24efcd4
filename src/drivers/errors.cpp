#include "drivers/errors.h"

#include <cerrno>

namespace scoria::drivers {
namespace {

FailureClass class_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return FailureClass::no_space;
    case EACCES:
    case EPERM:
    case EROFS:
    case EFBIG:
    case EINVAL:
    case ELOOP:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EOPNOTSUPP:
      return FailureClass::permanent;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return FailureClass::busy;
    default:
      return FailureClass::transient;
  }
}

}  // namespace

DriverError error_of(const std::system_error& error) { return {.kind = class_of(error.code().value()), .message = error.what()}; }

DriverError error_of(const failpoint::Injected& error) {
  return {.kind = error.reply_lost ? FailureClass::unknown : FailureClass::transient, .message = error.what()};
}

}  // namespace scoria::drivers
