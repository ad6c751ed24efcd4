#pragma once
#include <string>

#include "exports/nbd/record.h"

/// The storage daemon's objects for a volume, as JSON texts for its command line and its control socket:
/// file → image (raw or qcow2) → one throttle per attachment → one export each.
namespace scoria::exports::graph {

std::string image_node(int image);
/// What an image got as its base while it was open.
std::string base_node(int image);
/// The file of such a node.
std::string file_node(const std::string& node);
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
/// The file of the image that is to be node `node`; writable unless said otherwise, locked against other users of qemu's locks.
/// A node of its own: a file that is part of its image is opened anew, by its name, when the image gets another base, and the old
/// descriptor is closed under requests that still need it (QEMU 7.2).
std::string file(const drivers::Location& location, const std::string& node, const ImageOptions& options);
/// The image on its file.
std::string image(const drivers::Location& location, const std::string& node, const ImageOptions& options);
std::string limits(const Throttle& throttle);
std::string group(const NbdExport& item);
std::string throttle(const NbdExport& item, int image);
std::string nbd_export(const NbdExport& item);

}  // namespace scoria::exports::graph
