#pragma once
#include <string>
#include <utility>

namespace scoria::config {

/// A password or key. Cannot be formatted, printed or compared by accident: only reveal() gives it out.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

/// A URL without its password and without what stands after a question mark.
std::string masked_url(const std::string& url);

}  // namespace scoria::config
