#include "api/watch.h"

#include "api/operations/view.h"
#include "db/values.h"
#include "engine/operations.h"
#include "observe/log.h"

namespace scoria::api {
namespace {

constexpr std::size_t most_watchers = 256;
constexpr std::int64_t most_at_once = 200;  // live operations that a watch begins with
constexpr std::int64_t most_new = 1000;     // operations that begin between two looks; the rest in the next one
constexpr std::int64_t first_window = 200;  // numbers before the first look that may still come
constexpr std::size_t most_missing = 500;
constexpr Duration missing_time = std::chrono::seconds{60};  // no transaction lasts longer

std::vector<engine::Operation> read_all(const db::Rows& rows) {
  std::vector<engine::Operation> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(engine::read_operation(rows, i));
  return out;
}

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
    watcher.looked_at.insert(watcher.operation);
    return;
  }
  using enum engine::State;
  for (const engine::Operation& one : engine::list_operations(tx, {.project_id = watcher.project_id, .states = {ready, running, waiting}, .limit = most_at_once}))
    watcher.looked_at.insert(one.id);
}

/// `number` can be seen; those between it and the last one cannot yet, or belong to what was rolled back.
void Watches::note(Seen& seen, std::int64_t number) const {
  if (seen.missing.erase(number) > 0) return;
  const Instant now = clock_.now();
  for (std::int64_t one = std::max(seen.last + 1, number - static_cast<std::int64_t>(most_missing)); one < number; ++one) seen.missing.emplace(one, now);
  while (seen.missing.size() > most_missing) seen.missing.erase(seen.missing.begin());
  seen.last = number;
}

/// The operations that can be seen for the first time.
std::vector<Watches::Newcomer> Watches::newcomers(db::Transaction& tx, Seen& seen) const {
  const bool first = seen.last < 0;
  if (first) seen.last = std::max<std::int64_t>(0, tx.query("SELECT coalesce(max(seq), 0) FROM operation").at(0, 0).integer() - first_window);
  std::erase_if(seen.missing, [&](const auto& one) { return clock_.now() - one.second > missing_time; });
  std::vector<Newcomer> out;
  const auto take = [&](const db::Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      note(seen, rows.at(i, 0).integer());
      out.push_back({rows.at(i, 1).text(), rows.at(i, 2).text()});
    }
  };
  if (!seen.missing.empty()) {
    std::vector<std::int64_t> missing;
    for (const auto& [number, noticed] : seen.missing) missing.push_back(number);
    take(tx.query("SELECT seq, id, project_id FROM operation WHERE {in_numbers:seq:?} ORDER BY seq", {db::list_of(missing)}));
  }
  take(tx.query("SELECT seq, id, project_id FROM operation WHERE seq > ? ORDER BY seq LIMIT ?", {seen.last, most_new}));
  if (first) out.clear();
  return out;
}

void Watches::look() {
  {
    const std::lock_guard lock(mutex_);
    watchers_.splice(watchers_.end(), arrivals_);
  }
  if (watchers_.empty()) {
    seen_ = {};
    return;
  }
  Seen seen;
  std::vector<engine::Operation> found;
  database_.read([&](db::Transaction& tx) {  // may run again
    seen = seen_;
    found.clear();
    const std::vector<Newcomer> fresh = newcomers(tx, seen);
    std::set<std::string> all;
    for (Watcher& one : watchers_) {
      one.looked_at.clear();
      for (const auto& [id, line] : one.told) one.looked_at.insert(id);
      if (!one.begun) begin(tx, one);
      for (const Newcomer& operation : fresh)
        if (one.begun && one.operation.empty() && (one.project_id.empty() || one.project_id == operation.project_id)) one.looked_at.insert(operation.id);
      all.insert(one.looked_at.begin(), one.looked_at.end());
    }
    if (all.empty()) return;
    found = read_all(tx.query(fmt::format("SELECT {} FROM operation WHERE {{in:id:?}} ORDER BY seq", engine::operation_columns),
                              {db::list_of(std::vector<std::string>(all.begin(), all.end()))}));
  });
  seen_ = std::move(seen);
  for (Watcher& one : watchers_) {
    one.begun = true;
    for (const engine::Operation& operation : found)
      if (one.looked_at.contains(operation.id)) tell(one, operation);
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
