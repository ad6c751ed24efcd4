#pragma once
#include <string>
#include <string_view>

#include "base/random.h"

namespace scoria {

/// How hard a stored password is to guess.
enum class PasswordCost {
  chosen,     // by a person: scrypt N=2^14 r=8 p=5, some 0.2 s and 16 MiB for each try
  generated,  // a long random text, which nobody guesses: scrypt N=2^10 r=8 p=1, some ms
};

/// `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`.
std::string hash_password(std::string_view password, Random& random, PasswordCost cost = PasswordCost::chosen);
/// A hash that no password opens, as slow to try as a real one.
std::string closed_hash(PasswordCost cost = PasswordCost::chosen);
/// False for a wrong password and for a text that is no hash. Takes as long for both outcomes.
bool verify_password(std::string_view password, std::string_view hash);

}  // namespace scoria
