#include "config/secret.h"

namespace scoria::config {

std::string masked_url(const std::string& url) {
  std::string out = url;
  if (const auto query = out.find('?'); query != std::string::npos && query + 1 < out.size()) out = out.substr(0, query) + "?***";
  const auto scheme = out.find("://");
  if (scheme == std::string::npos) return out.empty() ? out : "***";
  const auto at = out.rfind('@');  // the last: a password may hold one
  const auto colon = out.find(':', scheme + 3);
  if (at == std::string::npos || at < scheme || colon > at) return out;
  return out.substr(0, colon) + ":***" + out.substr(at);
}

}  // namespace scoria::config
