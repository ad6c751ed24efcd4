#pragma once
#include <any>
#include <functional>

#include "api/request.h"
#include "api/services.h"
#include "commands/attachments/attach.h"

namespace scoria::api {

/// Whether the caller may end this attachment, or without one any that the volume has: what a server uses is detached by
/// the compute service, which shows a service token.
Result<> may_cut_off(Services& services, const ApiRequest& request, const VolumeId& volume, const std::string& attachment_id = {});
Result<> may_cut_off(Services& services, const ApiRequest& request, const Attachment& attachment);

/// The connector of a request body as it is stored; refuses an empty one and texts that are none or too long.
Result<ConnectorShape> read_connector(const json::Value& connector);

/// What the client was told; empty (type "") when nothing is exported or the secret cannot be opened.
ConnectionShape open_connection(Services& services, const Attachment& attachment);

/// Parks the answer until `attaching`'s operation has ended well, then asks `done` for it. An operation that failed
/// answers with its sentence; what needs no operation is answered now. `told`: what the operation's last step told, if it ran here.
Answer after(Services& services, ApiRequest& request, const commands::Attaching& attaching, std::function<Answer(ApiRequest&, const std::any& told)> done);

}  // namespace scoria::api
