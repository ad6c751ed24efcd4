#include "exports/nbd/record.h"

#include <algorithm>

#include "json/parse.h"
#include "json/writer.h"

namespace scoria::exports {
namespace {

constexpr std::int64_t version = 1;

void write(json::Writer& out, std::string_view key, const drivers::Location& location) {
  out.key(key).begin_object().field("protocol", location.protocol).field("path", location.path).field("format", location.format)
      .field("write_through", location.write_through).end_object();
}

drivers::Location location_from(const json::Value& value) {
  return {.protocol = value.text_or("protocol"), .path = value.text_or("path"), .format = value.text_or("format"),
          .write_through = value.flag_or("write_through")};
}

void write(json::Writer& out, const NbdExport& item) {
  const Throttle& limits = item.throttle;
  out.begin_object().field("slot", item.slot).field("name", item.name).field("read_only", item.read_only)
      .field("write_through", item.write_through);
  out.field("total_iops", limits.total_iops).field("read_iops", limits.read_iops).field("write_iops", limits.write_iops);
  out.field("total_bytes", limits.total_bytes).field("read_bytes", limits.read_bytes).field("write_bytes", limits.write_bytes);
  out.end_object();
}

NbdExport export_from(const json::Value& value) {
  NbdExport item{.slot = static_cast<int>(value.integer_or("slot")), .name = value.text_or("name"), .read_only = value.flag_or("read_only"),
                 .write_through = value.flag_or("write_through")};
  item.throttle = {.total_iops = value.integer_or("total_iops"), .read_iops = value.integer_or("read_iops"),
                   .write_iops = value.integer_or("write_iops"), .total_bytes = value.integer_or("total_bytes"),
                   .read_bytes = value.integer_or("read_bytes"), .write_bytes = value.integer_or("write_bytes")};
  return item;
}

}  // namespace

NbdExport* NbdVolume::find(std::string_view name) {
  const auto it = std::find_if(exports.begin(), exports.end(), [&](const NbdExport& item) { return item.name == name; });
  return it == exports.end() ? nullptr : &*it;
}

const NbdExport* NbdVolume::find(std::string_view name) const { return const_cast<NbdVolume*>(this)->find(name); }

std::string to_text(const NbdVolume& volume) {
  json::Writer out;
  out.begin_object().field("version", version).field("volume", volume.volume).field("birth", volume.birth);
  write(out, "location", volume.location);
  write(out, "next", volume.next);
  out.field("image", volume.image).field("portal", volume.portal).field("tcp", volume.tcp).field("address", volume.address).field("port", volume.port);
  out.field("next_slot", volume.next_slot).key("exports").begin_array();
  for (const NbdExport& item : volume.exports) write(out, item);
  out.end_array().end_object();
  return out.take();
}

std::optional<NbdVolume> nbd_volume_from(std::string_view text) {
  const Result<json::Value> value = json::parse(text);
  if (!value || value->integer_or("version") != version) return std::nullopt;
  NbdVolume volume{.volume = value->text_or("volume"), .birth = value->text_or("birth"), .location = location_from((*value)["location"]),
                   .image = static_cast<int>(value->integer_or("image")), .next = location_from((*value)["next"]), .portal = value->text_or("portal"),
                   .tcp = value->flag_or("tcp"), .address = value->text_or("address"), .port = static_cast<int>(value->integer_or("port")),
                   .next_slot = static_cast<int>(value->integer_or("next_slot", 1))};
  const json::Value& items = (*value)["exports"];
  if (!items.is_array()) return std::nullopt;
  for (const json::Value& item : items.array()) volume.exports.push_back(export_from(item));
  return volume;
}

}  // namespace scoria::exports
