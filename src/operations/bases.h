#pragma once
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "operations/backends.h"

namespace scoria::operations {

/// name → what it hangs on (empty: nothing), as the backend tells it now.
using Bases = std::vector<std::pair<std::string, std::string>>;
drivers::DriverResult<Bases> bases_of(Backend& backend, const drivers::Call& call, std::initializer_list<drivers::ObjectRef> objects);

/// Keeps them in the ledger: a base outlives what hangs on it (storage rule R6). In a step's commit.
void record_bases(db::Transaction& tx, const std::string& backend, const Bases& bases);

}  // namespace scoria::operations
