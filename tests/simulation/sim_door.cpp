#include "simulation/sim_door.h"

namespace scoria::simulation {

using drivers::DriverError;
using drivers::DriverResult;
using drivers::FailureClass;

DriverResult<exports::Connection> SimDoor::ensure(const drivers::Call& call, std::string_view, const exports::ExportSpec& spec) {
  const auto made = driver_.act(call, "export", spec.name, [&array = array_, spec]() -> DriverResult<> {
    // An export is named by its attachment and never comes back: what a ghost asks for after the removal is refused.
    if (array.unexported.contains(spec.name)) return tl::unexpected(DriverError{FailureClass::permanent, "simulated: that export was removed"});
    if (!array.objects.contains(spec.location.path)) return tl::unexpected(DriverError{FailureClass::permanent, "simulated: nothing to export"});
    array.exports[spec.name] = spec.location.path;
    return {};
  });
  if (!made) return tl::unexpected(made.error());
  return exports::Connection{"simulated", {{"target", spec.name}}, {}, {}};
}

DriverResult<> SimDoor::remove(const drivers::Call& call, const std::string& name) {
  return driver_.act(call, "unexport", name, [&array = array_, name]() -> DriverResult<> {
    array.exports.erase(name);
    array.unexported.insert(name);
    return {};
  });
}

DriverResult<bool> SimDoor::grow(const drivers::Call& call, std::string_view, const exports::ExportSpec& spec) {
  const auto grown = driver_.act(call, "grow export", spec.name, []() -> DriverResult<> { return {}; });
  if (!grown) return tl::unexpected(grown.error());
  return true;
}

Result<std::string> SimSealer::open(std::string_view sealed, std::string_view owner) const {
  if (!sealed.starts_with(std::string(owner) + "|")) return refuse(RefusalCode::invalid_state, "sealed for another owner than {}", owner);
  return std::string(sealed.substr(owner.size() + 1));
}

}  // namespace scoria::simulation
