#include "engine/claim_limits.h"

#include "db/values.h"
#include "engine/kind.h"

namespace scoria::engine {
namespace {

/// How many more of something may run.
class Room {
 public:
  explicit Room(const ClaimLimits& limits) : limits_(limits) {}

  void count(const std::string& project, const std::string& backend, std::int64_t running) {
    projects_[project] += running, backends_[backend] += running;
  }
  /// Takes a place of each if both have one.
  bool take(const std::string& project, const std::string& backend) {
    const auto bound = limits_.backends.find(backend);
    if (limits_.project > 0 && projects_[project] >= limits_.project) return false;
    if (bound != limits_.backends.end() && backends_[backend] >= bound->second) return false;
    count(project, backend, 1);
    return true;
  }
  std::vector<std::string> full_projects() const {
    std::vector<std::string> out;
    for (const auto& [project, running] : projects_)
      if (limits_.project > 0 && running >= limits_.project) out.push_back(project);
    return out;
  }
  std::vector<std::string> full_backends() const {
    std::vector<std::string> out;
    for (const auto& [backend, most] : limits_.backends)
      if (const auto found = backends_.find(backend); found != backends_.end() && found->second >= most) out.push_back(backend);
    return out;
  }

 private:
  const ClaimLimits& limits_;
  std::map<std::string, std::int64_t> projects_, backends_;
};

// Looked at beyond what is wanted: one project's flood must not hide the others.
constexpr std::size_t look_ahead = 8;

}  // namespace

std::vector<std::int64_t> within_limits(db::Transaction& tx, const Kinds& kinds, std::span<const std::string> queues, std::size_t most, const ClaimLimits& limits) {
  // Two that count at once would both find the last place free.
  tx.run("SELECT name FROM turn WHERE name = 'claims'{for_update}");
  Room room(limits);
  const db::Rows running = tx.query("SELECT project_id, COALESCE(backend, ''), COUNT(*) FROM operation WHERE state = 'running' GROUP BY project_id, backend");
  for (std::size_t i = 0; i < running.size(); ++i) room.count(running.at(i, 0).text(), running.at(i, 1).text(), running.at(i, 2).integer());
  const db::Rows ready = tx.query(
      "SELECT seq, project_id, COALESCE(backend, '') FROM operation o WHERE {in:queue:?} AND state = 'ready' AND run_at <= scoria_now() AND " +
          std::string(known_work) + " AND NOT {in:project_id:?} AND (backend IS NULL OR NOT {in:backend:?}) ORDER BY prio DESC, run_at, seq LIMIT ?",
      {db::list_of(std::vector<std::string>(queues.begin(), queues.end())), kinds.known(), db::list_of(room.full_projects()), db::list_of(room.full_backends()),
       static_cast<std::int64_t>(most * look_ahead)});
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < ready.size() && out.size() < most; ++i)
    if (room.take(ready.at(i, 1).text(), ready.at(i, 2).text())) out.push_back(ready.at(i, 0).integer());
  return out;
}

}  // namespace scoria::engine
