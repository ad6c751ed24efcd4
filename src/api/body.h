#pragma once
#include "api/routes.h"
#include "base/result.h"
#include "http/message.h"
#include "json/value.h"

namespace scoria::api {

/// The JSON body of a request; null when it has none: empty, without Content-Type, or of a GET. Refuses media_type for
/// anything but JSON, invalid_input for what cannot be parsed.
Result<json::Value> read_body(const http::Request& request);

/// The route an endpoint means: for action paths that of the body's single key. Refuses invalid_input when the body has
/// not exactly one, or an unknown one.
Result<const Route*> choose_route(const Endpoint& endpoint, const json::Value& body);

}  // namespace scoria::api
