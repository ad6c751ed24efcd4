#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace scoria {

/// All randomness comes through here: ids, jitter, secrets. A simulation hands in a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  /// A random (version 4) UUID as lower-case text of 36 characters.
  std::string uuid();
  /// `count` characters of [a-zA-Z0-9], for passwords and secrets.
  std::string secret(std::size_t count);
};

/// The kernel's generator; safe from any thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

/// Reproducible (splitmix64); one thread at a time.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

/// True for 8-4-4-4-12 hexadecimal text, either case.
bool is_uuid(std::string_view text);

}  // namespace scoria
