#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "db/database.h"

namespace scoria::store::outbox {

struct Event {
  std::int64_t seq = 0;  // rises for the events of one resource
  std::string id;        // stable: who has seen it twice knows it by this
  std::string topic;     // "volume.create.start"
  std::string operation;
  std::string body;      // JSON of a versioned payload (domain/events.h)
  Timestamp created_at;
};

/// An event that leaves with its cause: delivered at least once, under a stable `id`. `body` is JSON of a versioned payload.
void add(db::Transaction& tx, std::string_view id, std::string_view topic, std::string_view operation, std::string_view body);

/// The next to deliver, in their order. A later look may give one with a smaller seq: of another resource, committed late.
std::vector<Event> oldest(db::Transaction& tx, std::size_t limit);
/// They have been delivered.
void remove(db::Transaction& tx, const std::vector<Event>& delivered);
/// How many wait (counted up to 100,000), and how long the oldest does.
struct Backlog {
  std::int64_t events = 0;
  Duration lag{};
};
Backlog backlog(db::Transaction& tx);

}  // namespace scoria::store::outbox
