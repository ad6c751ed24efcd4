#pragma once
#include <string>

#include "engine/operation.h"
#include "json/writer.h"

namespace scoria::api {

/// An operation as /scoria/v1 shows it; with `detail` also who runs it, what it holds and its steps.
void write_operation(json::Writer& out, const engine::Operation& operation, bool detail);
/// The same as one line, as watchers get it.
std::string operation_line(const engine::Operation& operation);

}  // namespace scoria::api
