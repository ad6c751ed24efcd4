#include "api/identity.h"

#include "api/links.h"
#include "observe/log.h"

namespace scoria::api {
namespace {

std::string header(const http::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string{} : *value;
}

http::Response rendered(local::KeystoneReply reply) {
  http::Response response;
  response.status = reply.status;
  response.body = std::move(reply.body);
  for (const auto& [name, value] : reply.headers) response.headers.set(name, value);
  return response;
}

}  // namespace

IdentityDoor::IdentityDoor(local::LocalKeystone& keystone, std::string mount, std::string public_endpoint)
    : keystone_(keystone), mount_(std::move(mount)), public_endpoint_(std::move(public_endpoint)) {}

bool IdentityDoor::serves(std::string_view path) const {
  return path.starts_with(mount_) && (path.size() == mount_.size() || path[mount_.size()] == '/');
}

http::Response IdentityDoor::answer(const http::Request& request) {
  local::KeystoneRequest asked;
  asked.method = request.method;
  asked.path = request.path.substr(mount_.size());
  asked.query = request.query;
  asked.token = header(request, "X-Auth-Token");
  asked.subject_token = header(request, "X-Subject-Token");
  asked.body = request.body;
  asked.base_url = base_url(request, public_endpoint_);
  asked.peer = request.peer;
  try {
    return rendered(keystone_.answer(asked));
  } catch (const db::Error& error) {
    log::warning("identity", {}, "{} {}: the database cannot serve: {}", request.method, request.path, error.what());
    return rendered(local::keystone_error(503, "Service Unavailable", "The database cannot be asked now; try again."));
  } catch (const std::exception& error) {
    log::error("identity", {}, "{} {} failed: {}", request.method, request.path, error.what());
    return rendered(local::keystone_error(500, "Internal Server Error", "The service failed to answer this request; its log says why."));
  }
}

}  // namespace scoria::api
