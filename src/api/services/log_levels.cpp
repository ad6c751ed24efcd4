#include "api/services/handlers.h"
#include "commands/services/log_level.h"
#include "json/parse.h"
#include "observe/log.h"
#include "store/services/log_levels.h"

namespace scoria::api {
namespace {

using store::log_levels::Published;

/// The services that a body means: `binary` empty or "*" is all of them, `server` empty all hosts.
std::vector<Published> chosen(Services& services, const ApiRequest& request) {
  const std::string binary = request.body.text_or("binary"), server = request.body.text_or("server");
  std::vector<Published> out = services.database.read([](db::Transaction& tx) { return store::log_levels::published(tx); });
  std::erase_if(out, [&](const Published& one) {
    const bool other_binary = !binary.empty() && binary != "*" && binary != one.binary;
    return other_binary || (!server.empty() && server != one.host && !one.host.starts_with(server + "@"));
  });
  return out;
}

Answer get(Services& services, ApiRequest& request) {
  const std::string prefix = request.body.text_or("prefix");
  json::Writer out;
  out.begin_object().key("log_levels").begin_array();
  for (const Published& one : chosen(services, request)) {
    out.begin_object().field("binary", std::string_view{one.binary}).field("host", std::string_view{one.host}).key("levels").begin_object();
    if (const auto levels = json::parse(one.levels); levels && levels->is_object())
      for (const auto& [area, level] : levels->object())
        if (area.starts_with(prefix) && level.is_string()) out.field(area, std::string_view{level.string()});
    out.end_object().end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

Answer set(Services& services, ApiRequest& request) {
  const auto level = log::parse_level(request.body.text_or("level"));
  if (!level) return refuse(RefusalCode::invalid_input, "level must be one of DEBUG, INFO, WARNING and ERROR.");
  std::vector<std::string> hosts;
  for (const Published& one : chosen(services, request)) hosts.push_back(one.host);
  if (hosts.empty()) return refuse(RefusalCode::not_found, "No service matches '{}' on '{}'.", request.body.text_or("binary"), request.body.text_or("server"));
  commands::set_log_level(services.commands, hosts, request.body.text_or("prefix"), std::string(log::name(*level)));
  return request.reply();
}

}  // namespace

void mount_log_levels(Handlers& handlers, Services& services) {
  handlers.mount("os-services.get-log", [&services](ApiRequest& request) { return get(services, request); });
  handlers.mount("os-services.set-log", [&services](ApiRequest& request) { return set(services, request); });
}

}  // namespace scoria::api
