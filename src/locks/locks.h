#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "config/lock_url.h"
#include "db/database.h"

/// Locks around sections of a backend that must not run twice at once. Scoria's own state needs none: claims and
/// conditional updates keep it right. A lock that is a lease can be lost by who was paused; what makes that harmless is its
/// token, which goes with the guarded call and into the commit. docs/decisions/0008-locks.md.
namespace scoria::locks {

/// What one acquire took. Given back when this dies: at once in memory, at the provider by its manager soon after.
class Held {
 public:
  virtual ~Held() = default;
  const std::vector<std::string>& names() const { return names_; }
  /// Higher than of everybody who had one of these names before. 0: such a lock cannot be lost while its holder lives, so
  /// there is nothing to tell apart.
  std::int64_t token() const { return token_; }
  /// False: it may be another's. True says nothing of the next moment; that is what the token is for. Never waits.
  virtual bool valid() const = 0;
  /// In the commit of what was done under the lock: guard "lock" if it may be another's. Where the lock is a row of that
  /// database, the row stays as it is until the commit.
  virtual void prove(db::Transaction& tx) const;

 protected:
  Held(std::vector<std::string> names, std::int64_t token) : names_(std::move(names)), token_(token) {}

 private:
  const std::vector<std::string> names_;
  const std::int64_t token_;
};

/// Who is kept out.
enum class Reach { process, host, cluster };

class Locks {
 public:
  virtual ~Locks() = default;
  virtual Reach reach() const = 0;
  /// All of `names` or none of them, whatever their order: two who want the same cannot wait for each other. Waits until
  /// the deadline at most, and tries once at least. Refuses `conflict` while others have one of them, `unavailable` when the
  /// provider does not answer.
  Result<std::shared_ptr<const Held>> acquire(std::vector<std::string> names, Deadline deadline);
  Clock& clock() const { return clock_; }
  /// Gives back what was let go. Nothing may be acquired any more.
  virtual void stop() {}

 protected:
  Locks(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  /// Once; nullptr while another has one. `names` are sorted, each once. Refuses `unavailable` only.
  virtual Result<std::shared_ptr<const Held>> try_acquire(const std::vector<std::string>& names) = 0;

  Clock& clock_;
  Random& random_;
};

/// Among the threads of one process. Copies share nothing: one manager for all who are to exclude each other.
std::unique_ptr<Locks> make_process_locks(Clock& clock, Random& random);

/// Among the processes of one machine: a lock of the kernel on a byte of one file in `directory`, which is made and never
/// removed. A killed holder loses it at once, a paused one keeps it.
std::unique_ptr<Locks> make_host_locks(Clock& clock, Random& random, std::string directory);

struct LeaseOptions {
  Duration lease = std::chrono::seconds{10};  // silent for so long, a holder has lost its locks; renewed at a quarter of it
  std::string scope = {};                     // keeps deployments apart that share an etcd: begins every key
};

/// Among all nodes of one database: leases in its lease_lock, on its clock.
std::unique_ptr<Locks> make_database_locks(Clock& clock, Random& random, db::Database& database, LeaseOptions options);

/// Among all nodes of one etcd: leases of version 3; the token is the revision that made the keys. Any of the endpoints is
/// asked. `ca_file` may be empty.
std::unique_ptr<Locks> make_etcd_locks(Clock& clock, Random& random, std::vector<std::string> endpoints, const std::string& ca_file, LeaseOptions options);

/// Those that a backend's backend_url names; `scope` as in LeaseOptions.
std::unique_ptr<Locks> make_locks(const config::LockUrl& url, const std::string& scope, Clock& clock, Random& random, db::Database& database);

}  // namespace scoria::locks
