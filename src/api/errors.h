#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace scoria::api {

/// The one table that turns a refusal into an HTTP status.
int status_of(RefusalCode code);

/// The single key of an error body: "itemNotFound" for 404 …; statuses without a name of their own are "computeFault".
std::string_view fault_key(int status);

/// `{"<key>": {"code": …, "message": …}}`. With `retry_after` the Retry-After header, and for 413 the body's retryAfter,
/// are set. 412 has no body at all.
http::Response fault(int status, std::string_view message, std::string_view retry_after = {});

/// The answer to a refusal: over quota may be tried again at once, unavailable after a second.
http::Response fault(const Refusal& refusal);

/// Missing or bad token: the body and header that Keystone's clients know. `identity_url` may be empty.
http::Response unauthorized(std::string_view message, std::string_view identity_url);

/// A path, or a method on it, that nobody serves: plain text.
http::Response unknown_path();

}  // namespace scoria::api
