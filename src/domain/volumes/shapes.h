#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// What operations on volumes carry from the command to their steps, and from step to step. Each shape has a version; a
/// change of a shape is a new version with a reader of the old (domain/shapes.h).
namespace scoria {

struct CreateVolumeInput {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "create_volume_input";
  std::int64_t size_gib = 0;
  std::string source_type;  // "", "snapshot", "volume"
  std::string source_id;
  std::string hints = "{}";  // JSON of the scheduler hints, as they came

  std::string to_json() const;
  static Result<CreateVolumeInput> from_json(std::string_view text);
};

struct ExtendVolumeInput {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "extend_volume_input";
  std::int64_t old_gib = 0, new_gib = 0;
  std::int64_t old_bytes = 0;  // of the object

  std::string to_json() const;
  static Result<ExtendVolumeInput> from_json(std::string_view text);
};

struct RevertVolumeInput {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "revert_volume_input";
  std::string snapshot_id;

  std::string to_json() const;
  static Result<RevertVolumeInput> from_json(std::string_view text);
};

/// Where a new object is being made.
struct Placement {
  static constexpr int version = 1;
  static constexpr std::string_view shape = "placement";
  std::string backend, pool, object;
  std::int64_t bytes = 0;
  std::vector<std::string> refused;  // backend#pool that turned out to be full or broken

  bool placed() const { return !object.empty(); }
  std::string to_json() const;
  /// "{}" is a placement that has not happened.
  static Result<Placement> from_json(std::string_view text);
};

}  // namespace scoria
