#pragma once
#include <memory>
#include <string>

#include "base/random.h"
#include "base/seal.h"

namespace scoria {

/// AES-256-GCM with the keys of a file outside the database: one a line, 64 hexadecimal digits; the first seals, all
/// open, so a new first line begins a change of keys. The file is made (mode 0600) when it is not there. Every node of
/// one database needs the same file. Throws std::system_error when it cannot be read or made, std::runtime_error when it
/// is open to others or holds no key.
std::unique_ptr<Sealer> open_sealer(const std::string& key_file, Random& random);

/// A name for the sealing key that tells nothing about it: nodes compare it before they share a database.
std::string key_id(std::string_view key);

}  // namespace scoria
