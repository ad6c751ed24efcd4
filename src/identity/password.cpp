#include "identity/password.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <charconv>
#include <stdexcept>

#include "base/text.h"
#include "identity/digest.h"

namespace scoria {
namespace {

struct Scrypt {
  unsigned log_n = 14, r = 8, p = 5;
};

std::string derive(std::string_view password, std::string_view salt, Scrypt how) {
  std::string out(32, '\0');
  constexpr std::uint64_t memory_limit = std::uint64_t{256} << 20U;
  const int good = EVP_PBE_scrypt(password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                                  std::uint64_t{1} << how.log_n, how.r, how.p, memory_limit, reinterpret_cast<unsigned char*>(out.data()), out.size());
  if (good != 1) throw std::runtime_error("scrypt does not run: no memory, or parameters beyond the limit");
  return out;
}

Scrypt parameters_of(PasswordCost cost) { return cost == PasswordCost::chosen ? Scrypt{14, 8, 5} : Scrypt{10, 8, 1}; }

std::string stored(Scrypt how, std::string_view salt, std::string_view hash) {
  return fmt::format("scrypt${}${}${}${}${}", how.log_n, how.r, how.p, salt, base64(hash));
}

bool read_number(std::string_view text, unsigned most, unsigned& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 1 && out <= most;
}

}  // namespace

std::string hash_password(std::string_view password, Random& random, PasswordCost cost) {
  const Scrypt how = parameters_of(cost);
  const std::string salt = random.secret(22);
  return stored(how, salt, derive(password, salt, how));
}

std::string closed_hash(PasswordCost cost) { return stored(parameters_of(cost), std::string(22, 'x'), std::string(32, '\0')); }

bool verify_password(std::string_view password, std::string_view hash) {
  const auto parts = split(hash, '$');
  Scrypt how;
  const bool known = parts.size() == 6 && parts[0] == "scrypt" && read_number(parts[1], 17, how.log_n) && read_number(parts[2], 16, how.r) &&
                     read_number(parts[3], 16, how.p);
  return known && equal_in_constant_time(base64(derive(password, parts[4], how)), parts[5]);
}

}  // namespace scoria
