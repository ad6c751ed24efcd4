#pragma once
#include <span>

#include "domain/volumes/shapes.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// place → provision → fill; the end publishes. What a successor finds: in `place` nothing; in `provision` perhaps the
/// object under the recorded name, which the driver adopts; in `fill` a copy that goes on where its bytes are.
class CreateVolume final : public engine::StepKind<CreateVolume> {
 public:
  explicit CreateVolume(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "volume.create"; }
  Shapes shapes() const override { return {CreateVolumeInput::shape, Placement::shape}; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome place(engine::Task& task) const;
  engine::Outcome provision(engine::Task& task) const;
  engine::Outcome fill(engine::Task& task) const;
  engine::Outcome elsewhere(const engine::Operation& operation, const Placement& placement, std::vector<std::string> refused) const;

  Services& services_;
};

}  // namespace scoria::operations
