#include <fmt/core.h>

#include "base/mutants.h"
#include "db/values.h"
#include "locks/leases.h"

namespace scoria::locks {
namespace {

// Rows stay for a while when they are free: a token begins with the time, so that it also rises when the row was purged.
std::string take_free() {
  return fmt::format("UPDATE lease_lock SET holder = ?, token = {}, until = scoria_now() + ? WHERE name = ? AND ({} OR holder = ?)",
                     MUTANT(token_kept) ? "token" : "{greatest}(token + 1, scoria_now())", MUTANT(lock_stolen) ? "until > 0" : "until < scoria_now()");
}
constexpr std::string_view take_new =
    "INSERT INTO lease_lock (name, holder, token, until) VALUES (?, ?, scoria_now(), scoria_now() + ?) ON CONFLICT (name) DO NOTHING";
constexpr std::string_view renew_sql = "UPDATE lease_lock SET until = scoria_now() + ? WHERE {in:name:?} AND holder = ? AND until >= scoria_now()";
constexpr std::string_view release_sql =
    "UPDATE lease_lock SET holder = '', until = {least}(until, scoria_now() - 1) WHERE {in:name:?} AND holder = ?";

class DatabaseLocks final : public LeasedLocks {
 public:
  DatabaseLocks(Clock& clock, Random& random, db::Database& database, LeaseOptions options)
      : LeasedLocks(clock, random, std::move(options)), database_(database) {}

 private:
  class InDatabase final : public LeaseHeld {
   public:
    using LeaseHeld::LeaseHeld;
    /// The rows are locked until the commit: nobody takes them in between. Time does not matter here, only whose they are.
    void prove(db::Transaction& tx) const override {
      for (const std::string& name : names())
        tx.guard("lock", "UPDATE lease_lock SET until = {greatest}(until, scoria_now()) WHERE name = ? AND token = ? AND holder = ?",
                 {name, token(), lease().holder});
    }
  };

  std::shared_ptr<const Held> hand_out(std::shared_ptr<Kept> kept, std::shared_ptr<Signal> wake) override {
    return std::make_shared<const InDatabase>(std::move(kept), std::move(wake));
  }

  bool take(Lease& lease) override {
    bool taken = false;
    const std::int64_t length = options().lease.count();
    database_.run_transaction([&](db::Transaction& tx) {
      taken = false;
      const std::string sql = take_free();
      for (const std::string& name : lease.names)
        if (tx.change(sql, {lease.holder, length, name, lease.holder}) == 0 && tx.change(take_new, {name, lease.holder, length}) == 0) return false;
      // One token for all of them, the highest: the rows are ours until the commit.
      const db::Value names = db::list_of(lease.names);
      lease.token = tx.query("SELECT max(token) FROM lease_lock WHERE {in:name:?} AND holder = ?", {names, lease.holder}).at(0, 0).integer();
      if (lease.names.size() > 1) tx.run("UPDATE lease_lock SET token = ? WHERE {in:name:?} AND holder = ?", {lease.token, names, lease.holder});
      return taken = true;
    });
    return taken;
  }

  bool renew(const Lease& lease) override {
    return database_.write([&](db::Transaction& tx) { return tx.change(renew_sql, {options().lease.count(), db::list_of(lease.names), lease.holder}); }) ==
           static_cast<std::int64_t>(lease.names.size());
  }

  void release(const Lease& lease) override {
    database_.write([&](db::Transaction& tx) { tx.run(release_sql, {db::list_of(lease.names), lease.holder}); });
  }

  db::Database& database_;
};

}  // namespace

std::unique_ptr<Locks> make_database_locks(Clock& clock, Random& random, db::Database& database, LeaseOptions options) {
  return std::make_unique<DatabaseLocks>(clock, random, database, std::move(options));
}

}  // namespace scoria::locks
