#include "identity/noauth.h"

namespace scoria {

Result<> NoAuthenticator::authenticate(const Credentials& credentials, Context& context) {
  if (credentials.token.empty()) return refuse(RefusalCode::unauthorized, "The request you have made requires authentication.");
  const std::size_t colon = credentials.token.find(':');
  const std::string_view user = credentials.token.substr(0, colon);
  const std::string_view project = colon == std::string_view::npos ? std::string_view{} : credentials.token.substr(colon + 1);
  context.user_id = user;
  context.project_id = project.empty() ? user : project;
  context.roles = {"admin"};
  context.is_admin = true;
  return {};
}

}  // namespace scoria
