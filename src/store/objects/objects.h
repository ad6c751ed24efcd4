#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// The ledger of what exists on backends under our names: intended before it is made, doomed before it is destroyed,
/// never forgotten (names are counted from it, a doomed name is never used again).
namespace scoria::store::objects {

struct Object {
  std::string backend, name, pool;
  std::string owner_type, owner_id;
  std::string base;  // name of what it hangs on; empty: none
  std::string operation;
  std::int64_t epoch = 0;
  std::string state;  // intended, published, doomed, gone, released
  std::int64_t size_bytes = 0;
};

/// Every object that may be there, `gone` ones too, with what an inventory compares it by.
struct Listed : Object {
  bool owner_busy = false;      // an operation holds its volume or snapshot
  std::int64_t owner_rev = -1;  // of the row that shows it as its own; -1: none does
  bool old = false;             // unchanged for the time asked for
};

/// The next name of a resource: `<type>-<id>`, then `<type>-<id>.r2` …, counted over all its rows.
std::string next_name(db::Transaction& tx, std::string_view type, std::string_view id);
/// The same for a resource that never had an object.
std::string first_name(std::string_view type, std::string_view id);
/// Records that an object will be made. The same operation may repeat it.
void intend(db::Transaction& tx, const Object& object);
void publish(db::Transaction& tx, const std::string& backend, const std::string& name);
void resize(db::Transaction& tx, const std::string& backend, const std::string& name, std::int64_t size_bytes);
/// What it hangs on now, empty: nothing.
void set_base(db::Transaction& tx, const std::string& backend, const std::string& name, const std::string& base);
/// Nobody will use it again: from now on, and only now, it may be destroyed.
void doom(db::Transaction& tx, const std::string& backend, const std::string& name);
void doom_all_of(db::Transaction& tx, std::string_view owner_id);
/// Probed absent after being doomed. Looked at again later: a paused process may still make it.
void gone(db::Transaction& tx, const std::string& backend, const std::string& name);

bool is_published(db::Transaction& tx, const std::string& backend, const std::string& name);
std::vector<Object> of_owner(db::Transaction& tx, std::string_view owner_id);
/// Doomed ones of a backend that nothing living hangs on, oldest first.
std::vector<Object> destroyable(db::Transaction& tx, const std::string& backend, std::size_t limit);
/// Doomed ones of one owner that nothing living hangs on.
std::vector<Object> destroyable_of(db::Transaction& tx, std::string_view owner_id);
/// Living ones that hang on a doomed base.
std::vector<Object> children_of_doomed(db::Transaction& tx, const std::string& backend, std::size_t limit);
/// Gone ones that are to be probed once more.
std::vector<Object> to_recheck(db::Transaction& tx, const std::string& backend, std::size_t limit);
void rechecked(db::Transaction& tx, const std::string& backend, const std::string& name, bool present);

/// The ledger of a pool by name, after `after` up to `last` (empty: to the end), and the rows of `names` wherever they
/// are. `old` says which have not changed for `settled`.
std::vector<Listed> of_pool(db::Transaction& tx, const std::string& backend, const std::string& pool, const std::string& after, const std::string& last,
                            const std::vector<std::string>& names, Duration settled);
/// The next published objects of volumes of a backend, by name, after `after`.
std::vector<Object> published_volumes(db::Transaction& tx, const std::string& backend, const std::string& after, std::size_t limit);
/// Gives an object that the ledger does not know a row, doomed. True if our own history says that it is dead: the resource
/// of that name is gone, and an operation on it has ended and none lives. Else nothing changes.
bool adopt_dead(db::Transaction& tx, const Object& object);

}  // namespace scoria::store::objects
