#include "api/watch.h"

#include "api/operations/view.h"
#include "db/values.h"
#include "engine/operations.h"
#include "observe/log.h"

namespace scoria::api {
namespace {

constexpr std::size_t most_watchers = 256;
constexpr std::int64_t most_at_once = 200;  // operations read for one watch in one look

std::vector<engine::Operation> read_all(const db::Rows& rows) {
  std::vector<engine::Operation> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(engine::read_operation(rows, i));
  return out;
}

void append(std::vector<engine::Operation>& to, std::vector<engine::Operation> more) { std::move(more.begin(), more.end(), std::back_inserter(to)); }

}  // namespace

bool Watches::add(const std::string& operation, const std::string& project, Duration time, std::shared_ptr<http::Responder> to, http::Response head) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || count_ >= most_watchers) return false;
    ++count_;
  }
  const bool begun = to->begin_stream(std::move(head));
  const std::lock_guard lock(mutex_);
  if (!begun) return --count_, true;  // the client left: nobody to refuse
  arrivals_.push_back({operation, project, clock_.now() + time, std::move(to)});
  changed_.raise();
  return true;
}

std::size_t Watches::watching() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void Watches::start() {
  threads_.spawn("watches", [this] { loop(); });
}

void Watches::stop() {
  stopping_ = true;
  changed_.raise();
  threads_.wait();
}

void Watches::loop() {
  while (!stopping_) {
    try {
      look();
    } catch (const std::exception& failure) {
      log::warning("api", {}, "watched operations: {}", failure.what());
    }
    clock_.wait(changed_, watching() > 0 ? Duration{250'000} : Duration{std::chrono::seconds{10}});
  }
  for (Watcher& one : watchers_) one.to->end_stream();
  watchers_.clear();
}

/// What a watcher is told at once: its operation, or all that are under way.
void Watches::begin(db::Transaction& tx, Watcher& watcher) {
  if (!watcher.operation.empty()) {
    if (auto found = engine::find_operation(tx, watcher.operation)) watcher.seen.push_back(std::move(*found));
    return;
  }
  const db::Rows newest = tx.query("SELECT coalesce(max(seq), 0) FROM operation");
  watcher.newest = newest.at(0, 0).integer();
  using enum engine::State;
  append(watcher.seen, engine::list_operations(tx, {.project_id = watcher.project_id, .states = {ready, running, waiting}, .limit = most_at_once}));
}

void Watches::look() {
  {
    const std::lock_guard lock(mutex_);
    watchers_.splice(watchers_.end(), arrivals_);
  }
  if (watchers_.empty()) return;
  database_.read([&](db::Transaction& tx) {
    std::vector<std::string> live;
    for (Watcher& one : watchers_) {
      one.seen.clear();  // this function may run again
      if (one.last_seq < 0) {
        begin(tx, one);
      } else if (one.operation.empty()) {
        const std::string sql = fmt::format("SELECT {} FROM operation WHERE {} AND seq > ? ORDER BY seq LIMIT ?", engine::operation_columns,
                                            one.project_id.empty() ? "?= ''" : "project_id = ?");
        append(one.seen, read_all(tx.query(sql, {one.project_id, one.last_seq, most_at_once})));
      }
      for (const auto& [id, told] : one.told) live.push_back(id);
    }
    if (live.empty()) return;
    std::sort(live.begin(), live.end());
    live.erase(std::unique(live.begin(), live.end()), live.end());
    const auto changed = read_all(tx.query(fmt::format("SELECT {} FROM operation WHERE {{in:id:?}} ORDER BY seq", engine::operation_columns), {db::list_of(live)}));
    for (Watcher& one : watchers_)
      for (const engine::Operation& operation : changed)
        if (one.told.contains(operation.id)) one.seen.push_back(operation);
  });
  for (Watcher& one : watchers_) {
    if (one.last_seq < 0) one.last_seq = one.newest;
    for (const engine::Operation& operation : one.seen) tell(one, operation);
    const bool ended = !one.operation.empty() && one.told.empty();
    one.over = one.over || ended || one.to->gone() || clock_.now() >= one.until;
    if (one.over) one.to->end_stream();
  }
  const std::size_t before = watchers_.size();
  watchers_.remove_if([](const Watcher& one) { return one.over; });
  const std::lock_guard lock(mutex_);
  count_ -= before - watchers_.size();
}

void Watches::tell(Watcher& watcher, const engine::Operation& operation) {
  watcher.last_seq = std::max(watcher.last_seq, operation.seq);
  std::string line = operation_line(operation);
  const auto before = watcher.told.find(operation.id);
  if (before != watcher.told.end() && before->second == line) return;
  if (!watcher.to->write_stream(line + "\n")) watcher.over = true;
  if (engine::is_end(operation.state))
    watcher.told.erase(operation.id);
  else
    watcher.told[operation.id] = std::move(line);
}

}  // namespace scoria::api
