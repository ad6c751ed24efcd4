#pragma once
#include <span>

#include "domain/volumes/shapes.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// name → take. Holds S on the volume, which may be in use: a crash-consistent point in time, taken by the driver.
class CreateSnapshot final : public engine::StepKind<CreateSnapshot> {
 public:
  explicit CreateSnapshot(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "snapshot.create"; }
  Shapes shapes() const override { return {{}, Placement::shape}; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome choose_name(engine::Task& task) const;
  engine::Outcome take(engine::Task& task) const;

  Services& services_;
};

}  // namespace scoria::operations
