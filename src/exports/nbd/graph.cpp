#include "exports/nbd/graph.h"

#include "json/writer.h"

namespace scoria::exports::graph {

std::string image_node(int image) { return fmt::format("image{}", image); }
std::string base_node(int image) { return fmt::format("base{}", image); }
std::string file_node(const std::string& node) { return node + "-file"; }
std::string throttle_node(const NbdExport& item) { return fmt::format("throttle{}", item.slot); }
std::string group_id(const NbdExport& item) { return fmt::format("group{}", item.slot); }
std::string export_id(const NbdExport& item) { return fmt::format("export{}", item.slot); }

std::string file(const drivers::Location& location, const std::string& node, const ImageOptions& options) {
  json::Writer out;
  out.begin_object().field("driver", "file").field("node-name", file_node(node)).field("filename", location.path).field("discard", "unmap");
  out.field("locking", "on").field("read-only", options.read_only).field("aio", options.io_uring ? "io_uring" : "threads");
  out.key("cache").begin_object().field("direct", options.direct).end_object().end_object();
  return out.take();
}

std::string image(const drivers::Location& location, const std::string& node, const ImageOptions& options) {
  json::Writer out;
  out.begin_object().field("driver", location.format).field("node-name", node).field("discard", "unmap").field("read-only", options.read_only);
  if (options.no_backing) out.key("backing").null();
  if (!options.backing.empty()) out.field("backing", options.backing);
  out.key("cache").begin_object().field("direct", options.direct).end_object();
  out.field("file", file_node(node)).end_object();
  return out.take();
}

std::string limits(const Throttle& throttle) {
  json::Writer out;
  out.begin_object().field("iops-total", throttle.total_iops).field("iops-read", throttle.read_iops).field("iops-write", throttle.write_iops);
  out.field("bps-total", throttle.total_bytes).field("bps-read", throttle.read_bytes).field("bps-write", throttle.write_bytes).end_object();
  return out.take();
}

std::string group(const NbdExport& item) {
  json::Writer out;
  out.begin_object().field("qom-type", "throttle-group").field("id", group_id(item)).key("limits").raw(limits(item.throttle)).end_object();
  return out.take();
}

std::string throttle(const NbdExport& item, int image) {
  json::Writer out;
  out.begin_object().field("driver", "throttle").field("node-name", throttle_node(item)).field("throttle-group", group_id(item));
  out.field("discard", "unmap").field("file", image_node(image)).end_object();
  return out.take();
}

std::string nbd_export(const NbdExport& item) {
  json::Writer out;
  out.begin_object().field("type", "nbd").field("id", export_id(item)).field("node-name", throttle_node(item)).field("name", item.name);
  out.field("writable", !item.read_only).field("writethrough", item.write_through).end_object();
  return out.take();
}

}  // namespace scoria::exports::graph
