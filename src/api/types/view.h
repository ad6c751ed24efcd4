#pragma once
#include <string>

#include "api/request.h"
#include "api/services.h"
#include "domain/types/volume_type.h"
#include "json/writer.h"

namespace scoria::api {

/// What the caller may see of types, asked once per request.
struct TypeSight {
  bool extra_specs = false, sensitive = false, qos = false, access = false;
  explicit TypeSight(const ApiRequest& request);
  /// Callers without the sensitive rule see only what volumes' users must know.
  bool sees(std::string_view key) const;
  void write(json::Writer& out, const ExtraSpecs& specs) const;
};

enum class TypeForm { created, updated, shown, by_default };
void write_type(json::Writer& out, const TypeSight& sight, const VolumeType& type, TypeForm form);

/// The type of the path, if the caller may see it.
Result<VolumeType> load_type(Services& services, const ApiRequest& request);
/// An object of texts, already checked against its schema; null is the empty text.
ExtraSpecs read_extra_specs(const json::Value& object);

}  // namespace scoria::api
