#pragma once
#include <string>

#include "exports/nbd/record.h"

/// The storage daemon's objects for a volume, as JSON texts for its command line and its control socket:
/// file → image (raw or qcow2) → one throttle per attachment → one export each.
namespace scoria::exports::graph {

std::string image_node(int image);
/// What an image got as its base while it was open.
std::string base_node(int image);
std::string throttle_node(const NbdExport& item);
std::string group_id(const NbdExport& item);
std::string export_id(const NbdExport& item);

struct ImageOptions {
  bool direct = true;      // O_DIRECT, where the file system has it
  bool io_uring = true;    // else a pool of threads
  bool no_backing = false;  // its base comes from the running graph, not from the file's header
  std::string backing = {};  // its base is that node
  bool read_only = false;
};
/// The image with its file, as node `node`; writable unless said otherwise, locked against other users of qemu's locks.
std::string image(const drivers::Location& location, const std::string& node, const ImageOptions& options);
std::string limits(const Throttle& throttle);
std::string group(const NbdExport& item);
std::string throttle(const NbdExport& item, int image);
std::string nbd_export(const NbdExport& item);

}  // namespace scoria::exports::graph
