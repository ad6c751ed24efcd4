#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/thread_group.h"
#include "db/database.h"
#include "engine/operation.h"
#include "http/message.h"

namespace scoria::api {

/// Tells clients how operations go on: a line of JSON for each change, until the operation has ended, the client is gone,
/// or the time is over. One thread and one look at the database, of three statements, serve all of them; without watchers it
/// sleeps. It looks when this node ends an operation, else four times a second.
class Watches {
 public:
  Watches(db::Database& database, Clock& clock) : database_(database), clock_(clock), threads_(clock) {}

  /// Begins the answer with `head`. `operation` empty: all of the project, those that begin later too; `project` empty: all
  /// projects. False: there are as many watchers as there may be.
  bool add(const std::string& operation, const std::string& project, Duration time, std::shared_ptr<http::Responder> to, http::Response head);
  /// Something has changed here.
  void poke() { changed_.raise(); }
  void start();
  /// Ends every watch and returns when nothing runs any more.
  void stop();
  std::size_t watching() const;

 private:
  struct Watcher {
    std::string operation, project_id;
    Instant until;
    std::shared_ptr<http::Responder> to;
    bool begun = false;
    std::map<std::string, std::string> told;   // live operations: what was last told
    std::set<std::string> looked_at;           // in this look
    bool over = false;
  };
  /// Which operations have been seen. Their numbers are given before their rows can be seen: one that is missing may come.
  struct Seen {
    std::int64_t last = -1;  // -1: nothing yet
    std::map<std::int64_t, Instant> missing;  // below `last`, with the moment when that was noticed
  };
  struct Newcomer {
    std::string id, project_id;
  };
  void loop();
  void look();
  void tell(Watcher& watcher, const engine::Operation& operation);
  static void begin(db::Transaction& tx, Watcher& watcher);
  std::vector<Newcomer> newcomers(db::Transaction& tx, Seen& seen) const;
  void note(Seen& seen, std::int64_t number) const;

  db::Database& database_;
  Clock& clock_;
  Signal changed_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::list<Watcher> arrivals_;  // guarded by mutex_: not yet the thread's
  std::size_t count_ = 0;        // guarded by mutex_: of all
  std::list<Watcher> watchers_;  // the thread's
  Seen seen_;                    // the thread's
  ThreadGroup threads_;
};

}  // namespace scoria::api
