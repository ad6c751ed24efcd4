#pragma once
#include <optional>
#include <string>

#include "base/random.h"
#include "db/database.h"
#include "identity/clouds_yaml.h"

namespace scoria::local {

/// True when nobody has ever been set up here: there is no user.
bool is_new(db::Database& database);

/// Makes sure that the roles admin, member and reader, a project `admin` and a user `admin` with all rights in it exist,
/// and gives that user this password when it has none yet, or always with `reset`. Idempotent; nodes may do it at once:
/// the first one's password stays. True when the password is the one given. `generated`: it is long and random.
bool ensure_admin(db::Database& database, Random& random, const std::string& password, bool generated, bool reset = false);

struct FirstStart {
  CloudAccess access;      // with the password
  std::string written_to;  // the file that holds it; empty: it stands nowhere, so it has to be shown now
};

/// Sets up an empty deployment: a random password goes into `file` (ensure_clouds_yaml), then into the database, so that
/// a crash in between loses nothing. Nothing happens, and nothing is returned, when there are users already or another
/// node is faster. A file of the user's that is in the way stays as it is.
std::optional<FirstStart> first_start(db::Database& database, Random& random, const CloudAccess& wanted, const std::string& file);

}  // namespace scoria::local
