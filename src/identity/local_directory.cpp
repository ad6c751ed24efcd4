#include "identity/local_directory.h"

#include <algorithm>

namespace scoria::local {
namespace {

db::Value or_null(const std::optional<std::string>& text) { return text ? db::Value(*text) : db::Value{}; }
db::Value or_null(const std::optional<bool>& flag) { return flag ? db::Value(*flag) : db::Value{}; }

Project read_project(const db::Rows& rows, std::size_t row) {
  return {rows.at(row, 0).text(), rows.at(row, 1).text(), rows.at(row, 2).text(), rows.at(row, 3).flag()};
}

User read_user(const db::Rows& rows, std::size_t row) {
  const auto text = [&](std::size_t column) { return rows.at(row, column).text(); };
  return {text(0), text(1), text(2), text(3), text(4), text(5), rows.at(row, 6).flag()};
}

Role read_role(const db::Rows& rows, std::size_t row) { return {rows.at(row, 0).text(), rows.at(row, 1).text(), rows.at(row, 2).text()}; }

template <class Read>
auto all_of(const db::Rows& rows, Read read) {
  std::vector<decltype(read(rows, std::size_t{0}))> out;
  for (std::size_t row = 0; row < rows.size(); ++row) out.push_back(read(rows, row));
  return out;
}

template <class Read>
auto first_of(const db::Rows& rows, Read read) -> std::optional<decltype(read(rows, std::size_t{0}))> {
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

db::Rows find(db::Transaction& tx, std::string_view sql, std::string_view id, Lock lock) {
  return lock == Lock::yes ? tx.query(std::string(sql) + " {for_update}", {id}) : tx.query(sql, {id});
}

}  // namespace

std::string new_id(Random& random) {
  std::string out = random.uuid();
  out.erase(std::remove(out.begin(), out.end(), '-'), out.end());
  return out;
}

// ---- projects ----

std::optional<Project> find_project(db::Transaction& tx, std::string_view id, Lock lock) {
  return first_of(find(tx, "SELECT id, name, description, enabled FROM identity_project WHERE id = ?", id, lock), read_project);
}

std::vector<Project> list_projects(db::Transaction& tx, const Filter& filter) {
  return all_of(tx.query("SELECT id, name, description, enabled FROM identity_project WHERE name = COALESCE(?, name) AND enabled = COALESCE(?, enabled) "
                         "ORDER BY name",
                         {or_null(filter.name), or_null(filter.enabled)}),
                read_project);
}

std::vector<Project> projects_of(db::Transaction& tx, std::string_view user_id) {
  return all_of(tx.query("SELECT id, name, description, enabled FROM identity_project WHERE enabled = 1 AND EXISTS (SELECT 1 FROM identity_assignment "
                         "WHERE identity_assignment.project_id = identity_project.id AND identity_assignment.user_id = ?) ORDER BY name",
                         {user_id}),
                read_project);
}

void insert(db::Transaction& tx, const Project& project) {
  tx.change("INSERT INTO identity_project (id, name, description, enabled, created_at) VALUES (?, ?, ?, ?, scoria_now())",
            {project.id, project.name, project.description, project.enabled});
}

bool update(db::Transaction& tx, const Project& project) {
  return tx.change("UPDATE identity_project SET name = ?, description = ?, enabled = ? WHERE id = ?",
                   {project.name, project.description, project.enabled, project.id}) == 1;
}

bool remove_project(db::Transaction& tx, std::string_view id) {
  if (tx.change("DELETE FROM identity_project WHERE id = ?", {id}) == 0) return false;
  tx.run("DELETE FROM identity_assignment WHERE project_id = ?", {id});
  tx.run("DELETE FROM identity_token WHERE project_id = ?", {id});
  return true;
}

// ---- users ----

std::optional<User> find_user(db::Transaction& tx, std::string_view id, Lock lock) {
  return first_of(find(tx, "SELECT id, name, description, email, password, default_project_id, enabled FROM identity_user WHERE id = ?", id, lock), read_user);
}

std::optional<User> find_user_by_name(db::Transaction& tx, std::string_view name) {
  return first_of(tx.query("SELECT id, name, description, email, password, default_project_id, enabled FROM identity_user WHERE name = ?", {name}), read_user);
}

std::vector<User> list_users(db::Transaction& tx, const Filter& filter) {
  return all_of(tx.query("SELECT id, name, description, email, password, default_project_id, enabled FROM identity_user "
                         "WHERE name = COALESCE(?, name) AND enabled = COALESCE(?, enabled) ORDER BY name",
                         {or_null(filter.name), or_null(filter.enabled)}),
                read_user);
}

void insert(db::Transaction& tx, const User& user) {
  tx.change("INSERT INTO identity_user (id, name, description, email, password, default_project_id, enabled, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, scoria_now())",
            {user.id, user.name, user.description, user.email, db::or_null(user.password), db::or_null(user.default_project_id), user.enabled});
}

bool update(db::Transaction& tx, const User& user) {
  return tx.change("UPDATE identity_user SET name = ?, description = ?, email = ?, password = ?, default_project_id = ?, enabled = ? WHERE id = ?",
                   {user.name, user.description, user.email, db::or_null(user.password), db::or_null(user.default_project_id), user.enabled, user.id}) == 1;
}

bool remove_user(db::Transaction& tx, std::string_view id) {
  if (tx.change("DELETE FROM identity_user WHERE id = ?", {id}) == 0) return false;
  tx.run("DELETE FROM identity_assignment WHERE user_id = ?", {id});
  tx.run("DELETE FROM identity_token WHERE user_id = ?", {id});
  return true;
}

// ---- roles ----

std::optional<Role> find_role(db::Transaction& tx, std::string_view id, Lock lock) {
  return first_of(find(tx, "SELECT id, name, description FROM identity_role WHERE id = ?", id, lock), read_role);
}

std::vector<Role> list_roles(db::Transaction& tx, const Filter& filter) {
  return all_of(tx.query("SELECT id, name, description FROM identity_role WHERE name = COALESCE(?, name) ORDER BY name", {or_null(filter.name)}), read_role);
}

void insert(db::Transaction& tx, const Role& role) {
  tx.change("INSERT INTO identity_role (id, name, description, created_at) VALUES (?, ?, ?, scoria_now())", {role.id, role.name, role.description});
}

bool update(db::Transaction& tx, const Role& role) {
  return tx.change("UPDATE identity_role SET name = ?, description = ? WHERE id = ?", {role.name, role.description, role.id}) == 1;
}

bool remove_role(db::Transaction& tx, std::string_view id) {
  if (tx.change("DELETE FROM identity_role WHERE id = ?", {id}) == 0) return false;
  tx.run("DELETE FROM identity_assignment WHERE role_id = ?", {id});
  return true;
}

// ---- assignments ----

std::vector<Assignment> list_assignments(db::Transaction& tx, const AssignmentFilter& filter) {
  const db::Rows rows = tx.query(
      "SELECT a.user_id, a.project_id, a.role_id, u.name, p.name, r.name FROM identity_assignment a JOIN identity_user u ON u.id = a.user_id "
      "JOIN identity_project p ON p.id = a.project_id JOIN identity_role r ON r.id = a.role_id "
      "WHERE a.user_id = COALESCE(?, a.user_id) AND a.project_id = COALESCE(?, a.project_id) AND a.role_id = COALESCE(?, a.role_id) "
      "ORDER BY u.name, p.name, r.name",
      {or_null(filter.user_id), or_null(filter.project_id), or_null(filter.role_id)});
  return all_of(rows, [](const db::Rows& all, std::size_t row) {
    const auto text = [&](std::size_t column) { return all.at(row, column).text(); };
    return Assignment{text(0), text(1), text(2), text(3), text(4), text(5)};
  });
}

void assign(db::Transaction& tx, std::string_view user_id, std::string_view project_id, std::string_view role_id) {
  tx.run("INSERT INTO identity_assignment (user_id, project_id, role_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", {user_id, project_id, role_id});
}

bool unassign(db::Transaction& tx, std::string_view user_id, std::string_view project_id, std::string_view role_id) {
  return tx.change("DELETE FROM identity_assignment WHERE user_id = ? AND project_id = ? AND role_id = ?", {user_id, project_id, role_id}) == 1;
}

}  // namespace scoria::local
