#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/time.h"

namespace scoria::config {

/// Where a backend's locks are kept: what its backend_url says.
struct LockUrl {
  enum class Provider { process, file, database, etcd };
  Provider provider = Provider::file;
  std::string directory;                   // file
  std::vector<std::string> endpoints;      // etcd: http://host:port, each of them may be asked
  std::string ca_file;                     // etcd over https; empty: the system's authorities
  Duration lease = std::chrono::seconds{10};  // database, etcd: a holder that is silent for so long has lost its locks
};

/// Reads process://, file://PATH, db://, etcd3+http://HOST:PORT[,HOST:PORT…] with the parameters of Cinder's coordination
/// drivers that mean something here. What is not served is told with what to write instead: the text ends the sentence
/// that begins with the option's name and value.
tl::expected<LockUrl, std::string> parse_lock_url(std::string_view text);
/// For Option::checked().
std::string lock_url_problem(const std::string& text);

}  // namespace scoria::config
