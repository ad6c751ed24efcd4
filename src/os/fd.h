#pragma once
#include <string_view>
#include <utility>

namespace scoria::os {

/// Owns one file descriptor and closes it. Everything here opens with close-on-exec. Closing tells nothing about the
/// data: who needs it on disk calls sync() first.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.number_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void reset(int number = -1);

 private:
  int number_ = -1;
};

/// Throws std::system_error of the current errno: "cannot <doing> <what>: <reason>".
[[noreturn]] void fail(std::string_view doing, std::string_view what);
/// The same for a known error number.
[[noreturn]] void fail(int error, std::string_view doing, std::string_view what);

}  // namespace scoria::os
