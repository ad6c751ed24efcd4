#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/kind.h"

namespace scoria::api {

/// How the operations ended that this node ended lately: whoever waited for one need not ask the database.
class Endings {
 public:
  void note(const engine::Operation& ended);
  std::optional<engine::Ending> find(const std::string& operation_id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, engine::Ending, std::less<>> endings_;  // guarded by mutex_
  std::deque<std::string> order_;                               // guarded by mutex_; oldest first
};

}  // namespace scoria::api
