#pragma once
#include "db/database.h"
#include "notify/sink.h"

namespace scoria::notify {

struct RelayOptions {
  std::size_t batch = 200;
  Duration first_backoff = std::chrono::seconds{1};  // after a failure; doubles up to
  Duration last_backoff = std::chrono::minutes{1};
};

/// Carries events from the outbox to a sink: each at least once, those of one resource in their order, at most a batch at
/// a time, on one node at a time. A sink that fails is asked again later, with the same events: none is passed over.
class Relay {
 public:
  Relay(db::Database& database, Sink& sink, RelayOptions options = {}) : database_(database), sink_(sink), options_(options) {}
  /// Delivers the next batch, if there is one, it is this node's turn, and no backoff runs. Returns how many went.
  std::size_t turn();

 private:
  std::size_t deliver_batch();

  db::Database& database_;
  Sink& sink_;
  const RelayOptions options_;
};

}  // namespace scoria::notify
