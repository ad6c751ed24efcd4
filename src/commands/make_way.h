#pragma once
#include <string>

#include "commands/services.h"

namespace scoria::commands {

/// What became of a row's holder when a deletion wants the row.
enum class MakeWay {
  waits,    // the deletion may queue behind it: it was asked to stop, or is past that and ends by itself
  deletes,  // it deletes already: nothing is left to do
  ended,    // it is gone; the row has changed: look again
};
/// Asks the operation that holds a row to stop, in the transaction that queues the deletion behind it.
MakeWay make_way(db::Transaction& tx, const Services& services, const std::string& holder);

}  // namespace scoria::commands
