#include "exports/fake/fake_exports.h"

namespace scoria::exports {

Connection FakeExports::ensure(const ExportSpec& spec) {
  const std::lock_guard lock(mutex_);
  names_.insert(spec.name);
  Connection out{.type = "fake"};
  out.text = {{"path", spec.location.path}};
  return out;
}

bool FakeExports::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return names_.erase(name) > 0;
}

}  // namespace scoria::exports
