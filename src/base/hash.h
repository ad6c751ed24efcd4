#pragma once
#include <cstdint>
#include <string_view>

namespace scoria {

/// FNV-1a of 64 bits: the same everywhere and for ever. For names and fingerprints, not against forgers.
constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  return hash;
}

}  // namespace scoria
