#include "identity/local_bootstrap.h"

#include <filesystem>

#include "identity/local_directory.h"
#include "identity/local_tokens.h"
#include "identity/password.h"
#include "observe/log.h"

namespace scoria::local {
namespace {

std::string ensure_role(db::Transaction& tx, Random& random, const std::string& name, const std::string& description) {
  const std::vector<Role> found = list_roles(tx, {name, std::nullopt});
  if (!found.empty()) return found.front().id;
  const Role role{new_id(random), name, description};
  insert(tx, role);
  return role.id;
}

std::string ensure_project(db::Transaction& tx, Random& random) {
  const std::vector<Project> found = list_projects(tx, {"admin", std::nullopt});
  if (!found.empty()) return found.front().id;
  const Project project{new_id(random), "admin", "The first project", true};
  insert(tx, project);
  return project.id;
}

/// True when the user has that password now.
bool ensure_user(db::Transaction& tx, Random& random, const std::string& project_id, const std::string& hash, bool reset, std::string& user_id) {
  std::optional<User> user = find_user_by_name(tx, "admin");
  if (!user) {
    user_id = new_id(random);
    insert(tx, User{.id = user_id, .name = "admin", .description = "The first user", .password = hash, .default_project_id = project_id});
    return true;
  }
  user_id = user->id;
  if (!reset && !user->password.empty()) return false;
  user->password = hash;
  user->enabled = true;
  update(tx, *user);
  revoke_all(tx, user->id);
  return true;
}

}  // namespace

bool is_new(db::Database& database) {
  return database.read([](db::Transaction& tx) { return tx.query("SELECT 1 FROM identity_user LIMIT 1").empty(); });
}

bool ensure_admin(db::Database& database, Random& random, const std::string& password, bool generated, bool reset) {
  const std::string hash = hash_password(password, random, generated ? PasswordCost::generated : PasswordCost::chosen);
  const auto work = [&](db::Transaction& tx) {
    const std::string admin = ensure_role(tx, random, "admin", "May do everything");
    ensure_role(tx, random, "member", "Keeps the volumes of a project");
    ensure_role(tx, random, "reader", "Sees the volumes of a project");
    const std::string project_id = ensure_project(tx, random);
    std::string user_id;
    const bool ours = ensure_user(tx, random, project_id, hash, reset, user_id);
    assign(tx, user_id, project_id, admin);
    return ours;
  };
  try {
    return database.write(work);
  } catch (const db::ConstraintError& error) {
    if (!error.unique) throw;
    return database.write(work);  // another node was faster: now its rows are found
  }
}

std::optional<FirstStart> first_start(db::Database& database, Random& random, const CloudAccess& wanted, const std::string& file) {
  if (!is_new(database)) return std::nullopt;
  CloudAccess access = wanted;
  access.password = random.secret(32);
  const Result<CloudsFile> there = ensure_clouds_yaml(file, access);
  if (there) access = there->access;
  else log::warning("identity", {}, "{}; the first user's password is not kept in it", there.error().message);
  const bool generated = !there || there->made;
  if (!ensure_admin(database, random, access.password, generated)) {
    if (there && there->made) std::filesystem::remove(file);  // another node's password counts
    return std::nullopt;
  }
  return FirstStart{std::move(access), there ? file : std::string{}};
}

}  // namespace scoria::local
