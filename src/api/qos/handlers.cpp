#include "api/qos/handlers.h"

#include "api/listing.h"
#include "base/text.h"
#include "commands/qos/specs.h"
#include "json/parse.h"
#include "store/qos/qos.h"

namespace scoria::api {
namespace {

void write_specs(json::Writer& out, const QosSpecs& specs) {
  out.begin_object().field("id", std::string_view{specs.id}).field("name", std::string_view{specs.name}).field("consumer", std::string_view{specs.consumer});
  out.key("specs").begin_object();
  for (const auto& [key, value] : specs.specs) out.field(key, std::string_view{value});
  out.end_object().end_object();
}

Answer reply_with(const ApiRequest& request, const QosSpecs& specs) {
  json::Writer out;
  out.begin_object().key("qos_specs");
  write_specs(out, specs);
  request.links.write(out, "qos-specs", specs.id);
  return request.reply(out.end_object().take());
}

Result<QosSpecs> load(Services& services, const ApiRequest& request) {
  const std::string& id = request.capture("qos_id");
  auto found = services.database.read([&](db::Transaction& tx) { return store::qos::find(tx, id); });
  if (!found) return refuse(RefusalCode::not_found, "No such qos_specs {}.", id);
  return std::move(*found);
}

/// A value as it is kept: text.
Result<std::string> spec_text(std::string_view key, const json::Value& value) {
  std::string text;
  if (value.is_string())
    text = value.string();
  else if (value.is_object() || value.is_array())
    return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. It must be a text.", key);
  else if (!value.is_null())
    text = json::to_text(value);
  if (key.empty() || key.size() > 255 || text.size() > 255)
    return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. Keys have 1 to 255 characters, values at most 255.", key);
  return text;
}

Answer create(Services& services, ApiRequest& request) {
  Specs specs;
  std::string name, consumer = "back-end";
  for (const auto& [key, value] : request.body["qos_specs"].object()) {
    const auto text = spec_text(key, value);
    if (!text) return refuse(text.error());
    if (key == "name")
      name = std::string(trimmed(*text));
    else if (key == "consumer")
      consumer = *text;
    else
      specs[key] = *text;
  }
  const auto made = commands::create_qos(services.commands, request.context, name, specs, consumer);
  if (!made) return refuse(made.error());
  return reply_with(request, *made);
}

Answer show(Services& services, ApiRequest& request) {
  const auto specs = load(services, request);
  if (!specs) return refuse(specs.error());
  return reply_with(request, *specs);
}

/// Answers what was sent.
Answer update(Services& services, ApiRequest& request) {
  Specs changes;
  for (const auto& [key, value] : request.body["qos_specs"].object()) {
    const auto text = spec_text(key, value);
    if (!text) return refuse(text.error());
    changes[key] = *text;
  }
  if (const auto done = commands::update_qos(services.commands, request.capture("qos_id"), changes); !done) return refuse(done.error());
  json::Writer out;
  out.begin_object().key("qos_specs").raw(json::to_text(request.body["qos_specs"]));
  return request.reply(out.end_object().take());
}

Result<> remove(Services& services, ApiRequest& request) {
  const std::string* force = request.query("force");
  const auto flag = force == nullptr ? std::optional(false) : read_flag(*force);
  if (!flag) return refuse(RefusalCode::invalid_input, "Invalid value '{}' for the query parameter force.", *force);
  return commands::delete_qos(services.commands, request.capture("qos_id"), *flag);
}

Result<> delete_keys(Services& services, ApiRequest& request) {
  std::vector<std::string> keys;
  for (const json::Value& key : request.body["keys"].array()) keys.push_back(key.string());
  return commands::remove_qos_keys(services.commands, request.capture("qos_id"), keys);
}

Result<std::string> type_asked(const ApiRequest& request) {
  const std::string* type = request.query("vol_type_id");
  if (type == nullptr || type->empty()) return refuse(RefusalCode::invalid_input, "Volume Type id must not be None.");
  return *type;
}

Result<> associate(Services& services, ApiRequest& request) {
  const auto type = type_asked(request);
  if (!type) return refuse(type.error());
  return commands::associate_qos(services.commands, request.capture("qos_id"), *type);
}

Result<> disassociate(Services& services, ApiRequest& request) {
  const auto type = type_asked(request);
  if (!type) return refuse(type.error());
  return commands::disassociate_qos(services.commands, request.capture("qos_id"), *type);
}

Result<> disassociate_all(Services& services, ApiRequest& request) { return commands::disassociate_qos_all(services.commands, request.capture("qos_id")); }

Answer associations(Services& services, ApiRequest& request) {
  const auto specs = load(services, request);
  if (!specs) return refuse(specs.error());
  json::Writer out;
  out.begin_object().key("qos_associations").begin_array();
  for (const VolumeType& type : services.database.read([&](db::Transaction& tx) { return store::qos::types_of(tx, specs->id); }))
    out.begin_object().field("association_type", "volume_type").field("name", std::string_view{type.name}).field("id", std::string_view{type.id.text}).end_object();
  return request.reply(out.end_array().end_object().take());
}

Answer list(Services& services, ApiRequest& request) {
  auto query = read_list(request, qos_list, services.lists);
  if (!query) return refuse(query.error());
  query->project_id.clear();
  const auto listed = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, store::qos::list_table, *query); });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  std::string last;
  out.begin_object().key("qos_specs").begin_array();
  for (std::size_t i = 0; i < listed->rows.size(); ++i) {
    const QosSpecs specs = store::qos::read(listed->rows, i);
    write_specs(out, specs);
    last = specs.id;
  }
  out.end_array();
  write_next_link(out, request, qos_list, *query, listed->rows.size(), last);
  return request.reply(out.end_object().take());
}

}  // namespace

void mount_qos(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  const auto mount_change = [&](std::string_view name, Result<> (*change)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, change](ApiRequest& request) -> Answer {
      if (const auto done = change(services, request); !done) return refuse(done.error());
      return request.reply();
    });
  };
  mount("qos-specs.list", list);
  mount("qos-specs.create", create);
  mount("qos-specs.show", show);
  mount("qos-specs.update", update);
  mount("qos-specs.associations", associations);
  mount_change("qos-specs.delete", remove);
  mount_change("qos-specs.delete_keys", delete_keys);
  mount_change("qos-specs.associate", associate);
  mount_change("qos-specs.disassociate", disassociate);
  mount_change("qos-specs.disassociate_all", disassociate_all);
}

}  // namespace scoria::api
