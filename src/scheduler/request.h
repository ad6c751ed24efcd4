#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "json/value.h"

namespace scoria::scheduler {

/// Scheduler hints, as a caller gave them. Nothing is refused here: a hint that means nothing shuts every pool out, and
/// the explanation says so.
struct Hints {
  std::vector<std::string> same_host, different_host;  // ids of volumes
  std::string local_to_instance;
  json::Value query;                 // null: none
  std::string broken;                // what is wrong with them; empty: nothing

  /// Reads the object of OS-SCH-HNT:scheduler_hints. Keys that nobody knows are ignored.
  static Hints read(const json::Value& object);
};

/// What a place is looked for.
struct PlacementRequest {
  Bytes size;                                   // of the volume; 0: something that exists already (manage)
  std::vector<std::string> zones;               // any of them will do; empty: everywhere
  std::map<std::string, std::string, std::less<>> extra_specs;  // of the volume type
  std::map<std::string, std::string, std::less<>> qos_specs;    // of its QoS, if it has one
  std::map<std::string, json::Value, std::less<>> volume;       // what expressions may ask about: name, metadata …
  Hints hints;
  std::map<std::string, std::string, std::less<>> hosts_of_volumes;  // "backend#pool" of the volumes that hints name
  std::optional<std::string> instance_host;     // where the hinted instance runs; nothing: nobody to ask
  std::vector<std::string> tried;               // "backend#pool" that refused already
  std::string pinned;                           // "backend#pool" of a source that is copied in place; empty: none

  /// `provisioning:type` = thick
  bool thick() const;
};

}  // namespace scoria::scheduler
