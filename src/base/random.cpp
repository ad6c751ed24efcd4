#include "base/random.h"

#include <sys/random.h>

#include <utility>

#include "base/check.h"

namespace scoria {

std::string Random::uuid() {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t high = (next() & ~std::uint64_t{0xf000}) | 0x4000;
  std::uint64_t low = (next() & ~(std::uint64_t{0xc} << 60)) | (std::uint64_t{0x8} << 60);
  std::string out(36, '-');
  std::size_t at = 0;
  for (int i = 0; i < 16; ++i, high <<= 4) {
    if (i == 8 || i == 12) ++at;
    out[at++] = digits[high >> 60];
  }
  ++at;
  for (int i = 0; i < 16; ++i, low <<= 4) {
    if (i == 4) ++at;
    out[at++] = digits[low >> 60];
  }
  return out;
}

std::string Random::secret(std::size_t count) {
  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string out;
  while (out.size() < count) {
    // Six bits at a time; values past the alphabet are dropped, so every letter is equally likely.
    const std::uint64_t six = next() >> 58;
    if (six < letters.size()) out += letters[six];
  }
  return out;
}

std::uint64_t SystemRandom::next() {
  const std::lock_guard lock(mutex_);
  if (left_ == 0) {
    SCORIA_CHECK(::getrandom(ahead_.data(), sizeof ahead_, 0) == sizeof ahead_, "the kernel gives no random numbers");
    left_ = ahead_.size();
  }
  return std::exchange(ahead_[--left_], 0);  // what was handed out, a secret perhaps, is not kept
}

std::uint64_t SeededRandom::next() {
  state_ += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace scoria
