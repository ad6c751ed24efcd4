#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "db/database.h"

/// Scoria's own users, projects and roles, one function for each thing a caller may do with them. All take part in the
/// caller's transaction; names are unique (ConstraintError).
namespace scoria::local {

/// The one domain, as Keystone's clients want to see one.
inline constexpr std::string_view domain_id = "default";
inline constexpr std::string_view domain_name = "Default";

struct Project {
  std::string id, name, description;
  bool enabled = true;
};

struct User {
  std::string id, name, description, email;
  std::string password;  // as hash_password() made it; empty: cannot log in
  std::string default_project_id;
  bool enabled = true;
};

struct Role {
  std::string id, name, description;
};

/// A role of a user in a project, with the names that go with the ids.
struct Assignment {
  std::string user_id, project_id, role_id;
  std::string user_name, project_name, role_name;
};

/// Every member that is set must match.
struct Filter {
  std::optional<std::string> name;
  std::optional<bool> enabled;
};
struct AssignmentFilter {
  std::optional<std::string> user_id, project_id, role_id;
};

/// 32 hexadecimal digits.
std::string new_id(Random& random);

/// Whether a row that is read to be changed is locked until the commit.
enum class Lock { no, yes };

std::optional<Project> find_project(db::Transaction& tx, std::string_view id, Lock lock = Lock::no);
std::vector<Project> list_projects(db::Transaction& tx, const Filter& filter);  // by name
/// Enabled projects in which the user has a role, by name.
std::vector<Project> projects_of(db::Transaction& tx, std::string_view user_id);
void insert(db::Transaction& tx, const Project& project);
/// Writes every member of a row that was read with Lock::yes; false when it is gone.
bool update(db::Transaction& tx, const Project& project);
/// With its assignments and tokens; false when there was none.
bool remove_project(db::Transaction& tx, std::string_view id);

std::optional<User> find_user(db::Transaction& tx, std::string_view id, Lock lock = Lock::no);
std::optional<User> find_user_by_name(db::Transaction& tx, std::string_view name);
std::vector<User> list_users(db::Transaction& tx, const Filter& filter);
void insert(db::Transaction& tx, const User& user);
bool update(db::Transaction& tx, const User& user);
bool remove_user(db::Transaction& tx, std::string_view id);

std::optional<Role> find_role(db::Transaction& tx, std::string_view id, Lock lock = Lock::no);
std::vector<Role> list_roles(db::Transaction& tx, const Filter& filter);
void insert(db::Transaction& tx, const Role& role);
bool update(db::Transaction& tx, const Role& role);
bool remove_role(db::Transaction& tx, std::string_view id);

/// By user, project and role name.
std::vector<Assignment> list_assignments(db::Transaction& tx, const AssignmentFilter& filter);
/// Idempotent. The three must exist; asked in the same transaction.
void assign(db::Transaction& tx, std::string_view user_id, std::string_view project_id, std::string_view role_id);
bool unassign(db::Transaction& tx, std::string_view user_id, std::string_view project_id, std::string_view role_id);

}  // namespace scoria::local
