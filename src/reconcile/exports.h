#pragma once
#include "operations/services.h"

namespace scoria::reconcile {

/// Makes the exports of this node what the database says: every connected attachment of its backends is exported again
/// (a daemon that died, a host that was restarted); nothing else is touched. Returns how many could not be made.
std::size_t restore_exports(operations::Services& services);

}  // namespace scoria::reconcile
