#pragma once
#include <string>

#include "base/seal.h"
#include "exports/door.h"
#include "simulation/sim_array.h"

namespace scoria::simulation {

/// A node's way to the array's own exports: the array, not the node, serves the hosts.
class SimDoor final : public exports::Door {
 public:
  SimDoor(Baton& baton, SimArray& array) : driver_(baton, array), array_(array) {}
  Result<std::string> choose(const exports::Connector&, std::string_view) const override { return std::string("simulated"); }
  drivers::DriverResult<exports::Connection> ensure(const drivers::Call& call, std::string_view protocol, const exports::ExportSpec& spec) override;
  drivers::DriverResult<> remove(const drivers::Call& call, const std::string& name) override;
  drivers::DriverResult<bool> grow(const drivers::Call& call, std::string_view protocol, const exports::ExportSpec& spec) override;

 private:
  SimDriver driver_;
  SimArray& array_;
};

/// Seals by writing the owner in front: enough to notice a secret that moved to another row.
class SimSealer final : public Sealer {
 public:
  std::string seal(std::string_view secret, std::string_view owner) override { return std::string(owner) + "|" + std::string(secret); }
  Result<std::string> open(std::string_view sealed, std::string_view owner) const override;
};

}  // namespace scoria::simulation
