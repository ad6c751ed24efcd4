#include "identity/local_keystone.h"
#include "identity/local_views.h"
#include "json/writer.h"

// Users, projects, roles and their assignments, as Keystone's v3 API has them.
namespace scoria::local {
namespace {

tl::unexpected<Refusal> absent(std::string_view kind, std::string_view id) {
  return refuse(RefusalCode::not_found, "Could not find {}: {}.", kind, id);
}

/// Takes members of a create or update body one by one; those that are absent leave what is there.
class Fields {
 public:
  explicit Fields(const json::Value& members) : members_(members) {
    if (!members.is_object()) fail("The body has no such object.");
  }

  Fields& name(std::string& out) {
    text("name", out, 255);
    if (out.empty()) fail("A name is needed.");
    return *this;
  }
  Fields& text(std::string_view key, std::string& out, std::size_t most = 4096) {
    const json::Value* value = members_.find(key);
    if (value == nullptr) return *this;
    if (value->is_null()) {
      out.clear();
    } else if (!value->is_string() || value->string().size() > most || value->string().find('\0') != std::string::npos) {
      fail(fmt::format("'{}' is a text of at most {} bytes.", key, most));
    } else {
      out = value->string();
    }
    return *this;
  }
  Fields& flag(std::string_view key, bool& out) {
    const json::Value* value = members_.find(key);
    if (value == nullptr) return *this;
    if (value->is_bool()) {
      out = value->boolean();
    } else {
      fail(fmt::format("'{}' is true or false.", key));
    }
    return *this;
  }
  Result<> done() const { return wrong_.empty() ? Result<>{} : refuse(RefusalCode::invalid_input, "{}", wrong_); }

 private:
  void fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  const json::Value& members_;
  std::string wrong_;
};

std::optional<std::string> copy(const std::string* text) { return text == nullptr ? std::nullopt : std::optional(*text); }

template <class Item>
KeystoneReply reply_one(int status, std::string_view name, const Item& item, const std::string& root) {
  return {status, {}, view::one(name, item, root)};
}

template <class Item>
KeystoneReply reply_list(std::string_view name, const std::vector<Item>& items, const std::string& root) {
  return {200, {}, view::list(name, items, fmt::format("{}/v3/{}", root, name), [&](json::Writer& out, const Item& item) { view::write(out, item, root); })};
}

}  // namespace

LocalKeystone::Answer LocalKeystone::change(const std::function<Answer(db::Transaction&)>& work) {
  try {
    Answer out = database_.transact(work, [](std::string_view) { return Refusal{RefusalCode::conflict, "Somebody else changed it. Try again.", {}}; });
    tokens_.forget_cached();
    return out;
  } catch (const db::ConstraintError& error) {
    if (!error.unique) throw;
    return refuse(RefusalCode::conflict, "It is not possible to store the entry: that name is taken.");
  }
}

Result<std::string> LocalKeystone::hashed(std::string_view password) {
  if (password.empty() || password.size() > 1024) return refuse(RefusalCode::invalid_input, "A password has 1 to 1024 bytes.");
  const LoginGuard::Place place(guard_);
  if (!place) return refuse(RefusalCode::unavailable, "Too many logins at once. Try again.");
  return hash_password(password, random_, options_.password_cost);
}

namespace {

Filter filter_of(const std::string* name, const std::string* enabled) {
  Filter out;
  out.name = copy(name);
  if (enabled != nullptr) out.enabled = *enabled != "0" && *enabled != "false" && *enabled != "False";
  return out;
}

}  // namespace

// ---- users ----

LocalKeystone::Answer LocalKeystone::list_users(Call& call) {
  const Filter filter = filter_of(call.query("name"), call.query("enabled"));
  return reply_list("users", database_.read([&](db::Transaction& tx) { return local::list_users(tx, filter); }), call.root);
}

LocalKeystone::Answer LocalKeystone::show_user(Call& call) {
  const auto user = database_.read([&](db::Transaction& tx) { return find_user(tx, call.ids[0]); });
  if (!user) return absent("user", call.ids[0]);
  return reply_one(200, "user", *user, call.root);
}

LocalKeystone::Answer LocalKeystone::create_user(Call& call) {
  User user{.id = new_id(random_)};
  std::string password;
  const Result<> good = Fields(call.body["user"]).name(user.name).text("description", user.description).text("email", user.email)
                            .text("default_project_id", user.default_project_id, 64).flag("enabled", user.enabled).text("password", password, 1024).done();
  if (!good) return refuse(good.error());
  if (!password.empty()) {
    Result<std::string> hash = hashed(password);
    if (!hash) return refuse(hash.error());
    user.password = std::move(*hash);
  }
  return change([&](db::Transaction& tx) -> Answer {
    insert(tx, user);
    return reply_one(201, "user", user, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::update_user(Call& call) {
  std::string password;
  if (const Result<> good = Fields(call.body["user"]).text("password", password, 1024).done(); !good) return refuse(good.error());
  Result<std::string> hash = password.empty() ? Result<std::string>(std::string{}) : hashed(password);
  if (!hash) return refuse(hash.error());
  return change([&](db::Transaction& tx) -> Answer {
    auto user = find_user(tx, call.ids[0], Lock::yes);
    if (!user) return absent("user", call.ids[0]);
    const Result<> good = Fields(call.body["user"]).name(user->name).text("description", user->description).text("email", user->email)
                              .text("default_project_id", user->default_project_id, 64).flag("enabled", user->enabled).done();
    if (!good) return refuse(good.error());
    if (!hash->empty()) user->password = *hash;
    if (!update(tx, *user)) return absent("user", call.ids[0]);
    if (!hash->empty() || !user->enabled) revoke_all(tx, user->id);
    return reply_one(200, "user", *user, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::delete_user(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    if (!remove_user(tx, call.ids[0])) return absent("user", call.ids[0]);
    return KeystoneReply{204, {}, {}};
  });
}

LocalKeystone::Answer LocalKeystone::change_password(Call& call) {
  std::string next;
  if (const Result<> good = Fields(call.body["user"]).text("password", next, 1024).done(); !good) return refuse(good.error());
  json::Object proof{{"id", json::Value(call.ids[0])}, {"password", json::Value(call.body["user"].text_or("original_password"))}};
  const Result<Login> login = log_in_by_password(call, json::Value(std::move(proof)));
  if (!login) return refuse(login.error());
  Result<std::string> hash = hashed(next);
  if (!hash) return refuse(hash.error());
  return change([&](db::Transaction& tx) -> Answer {
    auto user = find_user(tx, login->user_id, Lock::yes);
    if (!user) return absent("user", login->user_id);
    user->password = *hash;
    if (!update(tx, *user)) return absent("user", login->user_id);
    revoke_all(tx, user->id);
    return KeystoneReply{204, {}, {}};
  });
}

LocalKeystone::Answer LocalKeystone::user_projects(Call& call) {
  return reply_list("projects", database_.read([&](db::Transaction& tx) { return projects_of(tx, call.ids[0]); }), call.root);
}

// ---- projects ----

LocalKeystone::Answer LocalKeystone::list_projects(Call& call) {
  const Filter filter = filter_of(call.query("name"), call.query("enabled"));
  return reply_list("projects", database_.read([&](db::Transaction& tx) { return local::list_projects(tx, filter); }), call.root);
}

LocalKeystone::Answer LocalKeystone::show_project(Call& call) {
  const bool own = call.caller->project && call.caller->project->id == call.ids[0];
  if (!own && !call.admin()) return refuse(RefusalCode::forbidden, "You are not authorized to perform the requested action: it needs the role admin.");
  const auto project = database_.read([&](db::Transaction& tx) { return find_project(tx, call.ids[0]); });
  if (!project) return absent("project", call.ids[0]);
  return reply_one(200, "project", *project, call.root);
}

LocalKeystone::Answer LocalKeystone::create_project(Call& call) {
  Project project{.id = new_id(random_)};
  const Result<> good = Fields(call.body["project"]).name(project.name).text("description", project.description).flag("enabled", project.enabled).done();
  if (!good) return refuse(good.error());
  return change([&](db::Transaction& tx) -> Answer {
    insert(tx, project);
    return reply_one(201, "project", project, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::update_project(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    auto project = find_project(tx, call.ids[0], Lock::yes);
    if (!project) return absent("project", call.ids[0]);
    const Result<> good = Fields(call.body["project"]).name(project->name).text("description", project->description).flag("enabled", project->enabled).done();
    if (!good) return refuse(good.error());
    if (!update(tx, *project)) return absent("project", call.ids[0]);
    return reply_one(200, "project", *project, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::delete_project(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    if (!remove_project(tx, call.ids[0])) return absent("project", call.ids[0]);
    return KeystoneReply{204, {}, {}};
  });
}

// ---- roles ----

LocalKeystone::Answer LocalKeystone::list_roles(Call& call) {
  const Filter filter = filter_of(call.query("name"), nullptr);
  return reply_list("roles", database_.read([&](db::Transaction& tx) { return local::list_roles(tx, filter); }), call.root);
}

LocalKeystone::Answer LocalKeystone::show_role(Call& call) {
  const auto role = database_.read([&](db::Transaction& tx) { return find_role(tx, call.ids[0]); });
  if (!role) return absent("role", call.ids[0]);
  return reply_one(200, "role", *role, call.root);
}

LocalKeystone::Answer LocalKeystone::create_role(Call& call) {
  Role role{.id = new_id(random_)};
  const Result<> good = Fields(call.body["role"]).name(role.name).text("description", role.description).done();
  if (!good) return refuse(good.error());
  return change([&](db::Transaction& tx) -> Answer {
    insert(tx, role);
    return reply_one(201, "role", role, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::update_role(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    auto role = find_role(tx, call.ids[0], Lock::yes);
    if (!role) return absent("role", call.ids[0]);
    const Result<> good = Fields(call.body["role"]).name(role->name).text("description", role->description).done();
    if (!good) return refuse(good.error());
    if (!update(tx, *role)) return absent("role", call.ids[0]);
    return reply_one(200, "role", *role, call.root);
  });
}

LocalKeystone::Answer LocalKeystone::delete_role(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    if (!remove_role(tx, call.ids[0])) return absent("role", call.ids[0]);
    return KeystoneReply{204, {}, {}};
  });
}

// ---- assignments ----

LocalKeystone::Answer LocalKeystone::list_assignments(Call& call) {
  const AssignmentFilter filter{copy(call.query("user.id")), copy(call.query("scope.project.id")), copy(call.query("role.id"))};
  const std::string* names = call.query("include_names");
  const bool with_names = names != nullptr && *names != "0" && *names != "False" && *names != "false";
  const auto found = database_.read([&](db::Transaction& tx) { return local::list_assignments(tx, filter); });
  return KeystoneReply{200, {}, view::list("role_assignments", found, call.root + "/v3/role_assignments", [&](json::Writer& out, const Assignment& one) {
                         view::write(out, one, call.root, with_names);
                       })};
}

LocalKeystone::Answer LocalKeystone::roles_in_project(Call& call) {
  const auto found = database_.read([&](db::Transaction& tx) { return local::list_assignments(tx, {call.ids[1], call.ids[0], std::nullopt}); });
  std::vector<Role> roles;
  for (const Assignment& one : found) roles.push_back({one.role_id, one.role_name, {}});
  return reply_list("roles", roles, call.root);
}

LocalKeystone::Answer LocalKeystone::grant(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    if (!find_project(tx, call.ids[0])) return absent("project", call.ids[0]);
    if (!find_user(tx, call.ids[1])) return absent("user", call.ids[1]);
    if (!find_role(tx, call.ids[2])) return absent("role", call.ids[2]);
    assign(tx, call.ids[1], call.ids[0], call.ids[2]);
    return KeystoneReply{204, {}, {}};
  });
}

LocalKeystone::Answer LocalKeystone::check_grant(Call& call) {
  const auto found = database_.read([&](db::Transaction& tx) { return local::list_assignments(tx, {call.ids[1], call.ids[0], call.ids[2]}); });
  if (found.empty()) return absent("role assignment with role", call.ids[2]);
  return KeystoneReply{204, {}, {}};
}

LocalKeystone::Answer LocalKeystone::revoke(Call& call) {
  return change([&](db::Transaction& tx) -> Answer {
    if (!unassign(tx, call.ids[1], call.ids[0], call.ids[2])) return absent("role assignment with role", call.ids[2]);
    return KeystoneReply{204, {}, {}};
  });
}

// ---- the domain ----

LocalKeystone::Answer LocalKeystone::list_domains(Call& call) {
  const std::string* name = call.query("name");
  const std::vector<int> found(name == nullptr || *name == domain_name ? 1 : 0);
  return KeystoneReply{200, {}, view::list("domains", found, call.root + "/v3/domains", [&](json::Writer& out, int) { view::write_domain(out, call.root); })};
}

LocalKeystone::Answer LocalKeystone::show_domain(Call& call) {
  if (call.ids[0] != domain_id) return absent("domain", call.ids[0]);
  json::Writer out;
  out.begin_object().key("domain");
  view::write_domain(out, call.root);
  return KeystoneReply{200, {}, out.end_object().take()};
}

}  // namespace scoria::local
