#include <charconv>

#include "api/listing.h"
#include "api/services/handlers.h"
#include "commands/services/cleanup.h"

namespace scoria::api {
namespace {

using store::services::Service;

/// True, "on", "1" …; nothing when the member is not there. Its schema let nothing else through.
std::optional<bool> flag_of(const json::Value& body, std::string_view name) {
  const json::Value* value = body.find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return value->is_string() ? read_flag(value->string()) : body.flag_or(name);
}

std::optional<std::int64_t> number_in(const json::Value& body, std::string_view name) {
  const json::Value* value = body.find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_integer()) return body.integer_or(name);
  const std::string text = body.text_or(name);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return text.empty() ? std::nullopt : std::optional(number);
}

void write_services(json::Writer& out, std::string_view name, const std::vector<Service>& services) {
  out.key(name).begin_array();
  for (const Service& service : services) {
    out.begin_object().field("id", commands::number_of(service)).field("host", std::string_view{service.host}).field("binary", std::string_view{service.binary});
    out.key("cluster_name").string_or_null(service.cluster);
    out.end_object();
  }
  out.end_array();
}

Answer clean_up(Services& services, ApiRequest& request) {
  const json::Value& body = request.body;
  const std::string type = body.text_or("resource_type");
  if (!type.empty() && type != "Volume" && type != "Snapshot") return refuse(RefusalCode::invalid_input, "Resource type {} is not one of Volume and Snapshot.", type);
  commands::CleanupRequest wanted;
  wanted.host = body.text_or("host"), wanted.cluster = body.text_or("cluster_name"), wanted.binary = body.text_or("binary");
  wanted.service = number_in(body, "service_id"), wanted.disabled = flag_of(body, "disabled"), wanted.up = flag_of(body, "is_up").value_or(false);
  wanted.resource_id = body.text_or("resource_id");
  const auto done = commands::clean_up(services.commands, wanted);
  if (!done) return refuse(done.error());
  json::Writer out;
  out.begin_object();
  write_services(out, "cleaning", done->cleaning);
  write_services(out, "unavailable", done->unavailable);
  return request.reply(out.end_object().take());
}

}  // namespace

void mount_workers(Handlers& handlers, Services& services) {
  handlers.mount("workers.cleanup", [&services](ApiRequest& request) { return clean_up(services, request); });
}

}  // namespace scoria::api
