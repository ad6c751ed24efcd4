#pragma once
#include <functional>
#include <string>

#include "operations/services.h"

namespace scoria::reconcile {

/// Makes the exports of this node what the database says: every connected attachment of its backends is exported again
/// (a daemon that died, a host that was restarted); nothing else is touched. Returns how many could not be made. Asks `stop` between them.
std::size_t restore_exports(operations::Services& services, const std::function<bool()>& stop = {});

/// What this node exports against what the database says, while it runs. An export whose attachment is known to have been
/// removed is taken away, one whose attachment the database does not know is a finding of place `host`; connected attachments
/// of backends that this node alone serves are exported again if they are not.
void check_exports(operations::Services& services, const std::string& host);

}  // namespace scoria::reconcile
