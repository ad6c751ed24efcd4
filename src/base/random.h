#pragma once
#include <array>
#include <cstdint>
#include <mutex>
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

/// The kernel's generator, asked for a few numbers at once; safe from any thread. Not to be used by a child after a fork.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::array<std::uint64_t, 32> ahead_;  // guarded by mutex_; 256 bytes are what the kernel gives without being interrupted
  std::size_t left_ = 0;                 // guarded by mutex_
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
