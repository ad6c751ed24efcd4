#pragma once
#include "domain/attachments/shapes.h"
#include "domain/events.h"
#include "domain/pool_report.h"
#include "domain/volumes/shapes.h"

namespace scoria {

/// Every structure that the database keeps as JSON: visit.operator()<Shape>() for each. A shape has a `version` that
/// stands in its text, a `shape` (its name), to_json() and from_json(). When one changes it gets a new version, and
/// from_json() still reads the old ones: src/domain/goldens holds a text of each version there ever was
/// (CONTRIBUTING.md: a stored shape). What is a plain map of texts (metadata, extra specs) is no shape.
template <class Visit>
void each_stored_shape(Visit&& visit) {
  visit.template operator()<CreateVolumeInput>();
  visit.template operator()<ExtendVolumeInput>();
  visit.template operator()<RevertVolumeInput>();
  visit.template operator()<Placement>();
  visit.template operator()<ConnectorShape>();
  visit.template operator()<ConnectionShape>();
  visit.template operator()<ResourceEvent>();
  visit.template operator()<PoolReportShape>();
}

}  // namespace scoria
