#pragma once
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace scoria::net {

struct Certificate {
  std::string subject;
  Timestamp not_before, not_after;
};

/// The first certificate of a PEM file. Refuses invalid_input, saying what is wrong, when it or the private key cannot be
/// read or they do not belong together. No key file: the certificate alone.
Result<Certificate> read_certificate(const std::string& certificate_file, const std::string& key_file = {});

}  // namespace scoria::net
