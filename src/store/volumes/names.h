#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/clock.h"
#include "db/database.h"
#include "store/volumes/shown.h"

namespace scoria::store::volumes {

/// The names beside volumes in answers: of their types, and of the services and clusters of their backends. There are few, and they
/// change rarely: kept here, they cost a page no joins, which were a third of its price. Another node's change of a name is seen
/// within `lifetime` and a statement; one of this node at once, if it says forget().
class Names {
 public:
  /// Of `most` names it begins anew.
  explicit Names(Clock& clock, Duration lifetime = std::chrono::seconds{1}, std::size_t most = 10'000) : clock_(clock), lifetime_(lifetime), most_(most) {}

  struct Type {
    std::string name;
    Instant at;  // when it was read
  };
  struct Backend {
    std::string service, cluster;  // empty: has none
    Instant at;
  };
  struct Known {
    std::map<std::string, Type, std::less<>> types;
    std::map<std::string, Backend, std::less<>> backends;
  };
  /// Fills in type_name, service_uuid and cluster of all of them, views that are good as long as what is returned. Reads from the
  /// database only what is not known or too old. Not within a transaction.
  std::shared_ptr<const Known> fill_in(db::Database& database, std::span<Shown> volumes);
  /// Everything is asked for again.
  void forget();
  /// How often that was said.
  std::uint64_t forgotten() const;

 private:
  struct Missing;
  Missing missing(const Known& known, std::span<const Shown> volumes) const;
  std::shared_ptr<const Known> read(db::Database& database, const Known& known, const Missing& missing);

  Clock& clock_;
  const Duration lifetime_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Known> known_ = std::make_shared<Known>();  // guarded by mutex_
  std::uint64_t forgotten_ = 0;                                      // guarded by mutex_: how often
};

}  // namespace scoria::store::volumes
