#include "domain/pool_report.h"

#include "domain/read_shape.h"
#include "json/writer.h"

namespace scoria {

std::string PoolReportShape::to_json() const {
  json::Writer out;
  out.begin_object().field("version", version).field("thin", thin).field("online_extend", online_extend).field("multiattach", multiattach);
  out.field("snapshot_revert", snapshot_revert).field("reserved_percentage", reserved_percentage);
  out.field("max_over_subscription_ratio", max_over_subscription_ratio).field("storage_protocol", std::string_view{storage_protocol});
  return out.key("extra").value(json::Value(extra)).end_object().take();
}

Result<PoolReportShape> PoolReportShape::from_json(std::string_view text) {
  const auto value = read_shape(text, version, shape);
  if (!value) return refuse(value.error());
  PoolReportShape out;
  out.thin = value->flag_or("thin", out.thin), out.online_extend = value->flag_or("online_extend");
  out.multiattach = value->flag_or("multiattach"), out.snapshot_revert = value->flag_or("snapshot_revert");
  out.reserved_percentage = value->integer_or("reserved_percentage");
  if (const json::Value& ratio = (*value)["max_over_subscription_ratio"]; ratio.is_number()) out.max_over_subscription_ratio = ratio.number();
  out.storage_protocol = value->text_or("storage_protocol");
  if (const json::Value& extra = (*value)["extra"]; extra.is_object()) out.extra = extra.object();
  return out;
}

}  // namespace scoria
