#include "notify/relay.h"

#include <algorithm>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "store/chores/chores.h"

namespace scoria::notify {
namespace {

const metrics::Counters delivered{"scoria_outbox_delivered_total", "Events handed to the sink."};
const metrics::Counters failures{"scoria_outbox_failures_total", "Batches of events that the sink refused."};

Duration doubled(Duration first, int times, Duration most) { return std::min(most, first * (std::int64_t{1} << std::min(times, 20))); }

}  // namespace

std::size_t Relay::deliver_batch() {
  const auto events = database_.read([&](db::Transaction& tx) { return store::outbox::oldest(tx, options_.batch); });
  if (events.empty()) return 0;
  if (const auto taken = sink_.deliver(events); !taken) throw std::runtime_error(taken.error().message);
  FAILPOINT("notify.relay.delivered");
  database_.write([&](db::Transaction& tx) { store::outbox::remove(tx, events); });
  delivered.with().add(static_cast<double>(events.size()));
  return events.size();
}

std::size_t Relay::turn() {
  // An idle relay writes nothing.
  if (database_.read_one([](db::Transaction& tx) { return tx.query("SELECT 1 FROM outbox LIMIT 1").empty(); })) return 0;
  std::size_t went = 0;
  store::chores::run_turn(database_, "relay", std::chrono::seconds{30}, [&](const std::string& progress) -> store::chores::Next {
    const int failed = progress.empty() ? 0 : std::atoi(progress.c_str());
    try {
      went = deliver_batch();
      return {Duration::zero(), {}};
    } catch (const std::exception& failure) {
      failures.with().add();
      log::warning("notify", {}, "events are not taken, {} in a row: {}", failed + 1, failure.what());
      return {doubled(options_.first_backoff, failed, options_.last_backoff), std::to_string(failed + 1)};
    }
  });
  return went;
}

}  // namespace scoria::notify
