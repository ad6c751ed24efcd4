#include "identity/local_views.h"

namespace scoria::local::view {
namespace {

void write_self(json::Writer& out, std::string_view root, std::string_view collection, std::string_view id) {
  out.key("links").begin_object().field("self", fmt::format("{}/v3/{}/{}", root, collection, id)).end_object();
}

void write_ref(json::Writer& out, std::string_view name, std::string_view id, std::string_view shown) {
  out.key(name).begin_object().field("id", id);
  if (!shown.empty()) out.field("name", shown);
  out.end_object();
}

void write_endpoint(json::Writer& out, const Service& service, std::string_view interface, std::string_view region) {
  out.begin_object();
  out.field("id", fmt::format("{}-{}", service.id, interface)).field("interface", interface);
  out.field("region", region).field("region_id", region).field("url", service.url);
  out.end_object();
}

}  // namespace

void write_domain(json::Writer& out, std::string_view root) {
  out.begin_object().field("id", domain_id).field("name", domain_name).field("description", "The one domain").field("enabled", true);
  write_self(out, root, "domains", domain_id);
  out.end_object();
}

void write(json::Writer& out, const User& user, std::string_view root) {
  out.begin_object().field("id", user.id).field("name", user.name).field("domain_id", domain_id).field("enabled", user.enabled);
  if (!user.description.empty()) out.field("description", user.description);
  if (!user.email.empty()) out.field("email", user.email);
  if (!user.default_project_id.empty()) out.field("default_project_id", user.default_project_id);
  out.key("options").begin_object().end_object().key("password_expires_at").null();
  write_self(out, root, "users", user.id);
  out.end_object();
}

void write(json::Writer& out, const Project& project, std::string_view root) {
  out.begin_object().field("id", project.id).field("name", project.name).field("domain_id", domain_id).field("parent_id", domain_id);
  out.field("description", project.description).field("enabled", project.enabled).field("is_domain", false);
  out.key("options").begin_object().end_object().key("tags").begin_array().end_array();
  write_self(out, root, "projects", project.id);
  out.end_object();
}

void write(json::Writer& out, const Role& role, std::string_view root) {
  out.begin_object().field("id", role.id).field("name", role.name).key("domain_id").null();
  out.key("description").string_or_null(role.description).key("options").begin_object().end_object();
  write_self(out, root, "roles", role.id);
  out.end_object();
}

void write(json::Writer& out, const Assignment& assignment, std::string_view root, bool names) {
  const auto shown = [&](const std::string& name) { return names ? std::string_view(name) : std::string_view{}; };
  const auto with_domain = [&](std::string_view key, std::string_view id, std::string_view name) {
    out.key(key).begin_object().field("id", id);
    if (names) {
      out.field("name", name);
      write_ref(out, "domain", domain_id, domain_name);
    }
    out.end_object();
  };
  out.begin_object();
  write_ref(out, "role", assignment.role_id, shown(assignment.role_name));
  with_domain("user", assignment.user_id, assignment.user_name);
  out.key("scope").begin_object();
  with_domain("project", assignment.project_id, assignment.project_name);
  out.end_object();
  const std::string self = fmt::format("{}/v3/projects/{}/users/{}/roles/{}", root, assignment.project_id, assignment.user_id, assignment.role_id);
  out.key("links").begin_object().field("assignment", self).end_object();
  out.end_object();
}

void write_version(json::Writer& out, std::string_view root) {
  out.begin_object().field("id", "v3.14").field("status", "stable").field("updated", "2020-04-07T00:00:00Z");
  out.key("links").begin_array().begin_object().field("rel", "self").field("href", fmt::format("{}/v3/", root)).end_object().end_array();
  out.key("media-types").begin_array().begin_object();
  out.field("base", "application/json").field("type", "application/vnd.openstack.identity-v3+json");
  out.end_object().end_array().end_object();
}

void write_catalog(json::Writer& out, const std::vector<Service>& services, std::string_view region) {
  out.begin_array();
  for (const Service& service : services) {
    out.begin_object().field("id", service.id).field("type", service.type).field("name", service.name).key("endpoints").begin_array();
    for (const char* interface : {"public", "internal", "admin"}) write_endpoint(out, service, interface, region);
    out.end_array().end_object();
  }
  out.end_array();
}

void write_token(json::Writer& out, const TokenRecord& token, std::string_view method, const std::vector<Service>& services, std::string_view region) {
  out.begin_object().key("token").begin_object();
  out.key("methods").begin_array().string(method).end_array();
  out.key("user").begin_object().field("id", token.user.id).field("name", token.user.name);
  write_ref(out, "domain", domain_id, domain_name);
  out.key("password_expires_at").null().end_object();
  out.key("audit_ids").begin_array().string(token.audit_id).end_array();
  out.field("issued_at", to_iso(token.issued_at) + "Z").field("expires_at", to_iso(token.expires_at) + "Z");
  if (token.project) {
    out.key("project").begin_object().field("id", token.project->id).field("name", token.project->name);
    write_ref(out, "domain", domain_id, domain_name);
    out.end_object().field("is_domain", false);
    out.key("roles").begin_array();
    for (const Role& role : token.roles) out.begin_object().field("id", role.id).field("name", role.name).end_object();
    out.end_array().key("catalog");
    write_catalog(out, services, region);
  }
  out.end_object().end_object();
}

}  // namespace scoria::local::view
