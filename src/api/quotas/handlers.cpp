#include "api/quotas/handlers.h"

#include <cstdlib>

#include "api/listing.h"
#include "commands/quotas/update.h"
#include "store/quotas/sets.h"

namespace scoria::api {
namespace {

using store::quotas::Entry;

/// `id` is left out of the answers to updates.
http::Response reply_with(const ApiRequest& request, std::string_view member, const std::string& id, const std::vector<Entry>& entries) {
  json::Writer out;
  out.begin_object().key(member).begin_object();
  if (!id.empty()) out.field("id", std::string_view{id});
  for (const Entry& entry : entries) out.field(entry.key, entry.limit);
  return request.reply(out.end_object().end_object().take());
}

/// Nothing is ever reserved: usage moves together with its cause.
http::Response reply_with_usage(const ApiRequest& request, const std::string& id, const std::vector<Entry>& entries) {
  json::Writer out;
  out.begin_object().key("quota_set").begin_object().field("id", std::string_view{id});
  for (const Entry& entry : entries)
    out.key(entry.key).begin_object().field("limit", entry.limit).field("in_use", entry.in_use).field("reserved", 0).end_object();
  return request.reply(out.end_object().end_object().take());
}

Result<> authorise(ApiRequest& request) { return request.enforce({{"project_id", request.capture("project_id")}}); }

/// Numbers, or their digits: the schema has looked at them.
commands::QuotaChanges read_changes(const json::Value& object) {
  commands::QuotaChanges out;
  for (const auto& [key, value] : object.object()) {
    if (key == "id" || key == "tenant_id") continue;
    out[key] = value.is_integer() ? value.integer() : std::strtoll(value.string().c_str(), nullptr, 10);
  }
  return out;
}

Answer show(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  const std::string& project = request.capture("project_id");
  const auto entries =
      services.database.read([&](db::Transaction& tx) { return store::quotas::of_project(tx, project, services.commands.options.quotas); });
  const std::string* usage = request.query("usage");
  if (usage != nullptr && read_flag(*usage).value_or(false)) return reply_with_usage(request, project, entries);
  return reply_with(request, "quota_set", project, entries);
}

Answer defaults(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  const auto entries = services.database.read([&](db::Transaction& tx) { return store::quotas::of_nobody(tx, services.commands.options.quotas); });
  return reply_with(request, "quota_set", request.capture("project_id"), entries);
}

Answer update(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  const auto entries = commands::update_quotas(services.commands, request.capture("project_id"), read_changes(request.body["quota_set"]));
  if (!entries) return refuse(entries.error());
  return reply_with(request, "quota_set", {}, *entries);
}

Answer remove(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  commands::reset_quotas(services.commands, request.capture("project_id"));
  return request.reply();
}

Answer show_class(Services& services, ApiRequest& request) {
  const std::string& name = request.capture("class");
  const auto entries = services.database.read([&](db::Transaction& tx) { return store::quotas::of_class(tx, name, services.commands.options.quotas); });
  return reply_with(request, "quota_class_set", name, entries);
}

Answer update_class(Services& services, ApiRequest& request) {
  const auto entries = commands::update_quota_class(services.commands, request.capture("class"), read_changes(request.body["quota_class_set"]));
  if (!entries) return refuse(entries.error());
  return reply_with(request, "quota_class_set", {}, *entries);
}

/// Whose limits: an admin may ask for another project's from 3.39 on.
std::string limits_of(const ApiRequest& request) {
  if (request.since(39) && request.context.is_admin)
    for (const std::string_view name : {"project_id", "tenant_id"})
      if (const std::string* other = request.query(name)) return *other;
  return request.context.project_id;
}

Answer limits(Services& services, ApiRequest& request) {
  struct Shown {
    std::string_view resource, limit, used;
  };
  constexpr Shown shown[] = {{"volumes", "maxTotalVolumes", "totalVolumesUsed"},
                             {"snapshots", "maxTotalSnapshots", "totalSnapshotsUsed"},
                             {"gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed"},
                             {"backups", "maxTotalBackups", "totalBackupsUsed"},
                             {"backup_gigabytes", "maxTotalBackupGigabytes", "totalBackupGigabytesUsed"}};
  const std::string project = limits_of(request);
  const auto entries =
      services.database.read([&](db::Transaction& tx) { return store::quotas::of_project(tx, project, services.commands.options.quotas); });
  const bool used = request.allows("limits_extension:used_limits", {{"project_id", project}});
  json::Writer out;
  out.begin_object().key("limits").begin_object().key("rate").begin_array().end_array().key("absolute").begin_object();
  for (const Entry& entry : entries) {
    if (!entry.scope.empty()) continue;
    for (const Shown& row : shown) {
      if (row.resource != entry.resource) continue;
      out.field(row.limit, entry.limit);
      if (used) out.field(row.used, entry.in_use);
    }
  }
  return request.reply(out.end_object().end_object().end_object().take());
}

}  // namespace

void mount_quotas(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("os-quota-sets.show", show);
  mount("os-quota-sets.defaults", defaults);
  mount("os-quota-sets.update", update);
  mount("os-quota-sets.delete", remove);
  mount("os-quota-class-sets.show", show_class);
  mount("os-quota-class-sets.update", update_class);
  mount("limits.list", limits);
}

}  // namespace scoria::api
