#include "scheduler/request.h"

#include <fmt/core.h>

#include "base/random.h"
#include "json/parse.h"

namespace scoria::scheduler {
namespace {

/// One id, or a list of them.
std::vector<std::string> read_ids(const json::Value& value, std::string_view name, std::string& broken) {
  std::vector<std::string> out;
  const json::Array one = value.is_array() ? json::Array{} : json::Array{value};
  if (value.is_null()) return out;
  for (const json::Value& item : value.is_array() ? value.array() : one) {
    if (!item.is_string() || !is_uuid(item.string())) broken = fmt::format("the hint {} names {}, which is no volume's id", name, json::to_text(item));
    else out.push_back(item.string());
  }
  return out;
}

}  // namespace

Hints Hints::read(const json::Value& object) {
  Hints out;
  out.same_host = read_ids(object["same_host"], "same_host", out.broken);
  out.different_host = read_ids(object["different_host"], "different_host", out.broken);
  if (const json::Value& instance = object["local_to_instance"]; !instance.is_null()) {
    if (instance.is_string() && is_uuid(instance.string())) out.local_to_instance = instance.string();
    else out.broken = fmt::format("the hint local_to_instance names {}, which is no instance's id", json::to_text(instance));
  }
  const json::Value& query = object["query"];
  if (query.is_string()) {
    Result<json::Value> parsed = json::parse(query.string());
    if (parsed) out.query = std::move(*parsed);
    else out.broken = fmt::format("the hint query is not JSON: {}", parsed.error().message);
  } else {
    out.query = query;
  }
  return out;
}

bool PlacementRequest::thick() const {
  const auto found = extra_specs.find("provisioning:type");
  return found != extra_specs.end() && found->second == "thick";
}

}  // namespace scoria::scheduler
