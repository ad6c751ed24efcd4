#pragma once
#include <span>

#include "domain/volumes/shapes.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// wait → name → fill. The volume's present bytes stay intact until the last commit: a new object is filled from the
/// snapshot, then the volume flips to it and the old object is doomed. A failure leaves everything as it was.
class RevertVolume final : public engine::StepKind<RevertVolume> {
 public:
  explicit RevertVolume(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "volume.revert"; }
  Shapes shapes() const override { return {RevertVolumeInput::shape, Placement::shape}; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome wait(engine::Task& task) const;
  engine::Outcome choose_name(engine::Task& task) const;
  engine::Outcome fill(engine::Task& task) const;

  Services& services_;
};

}  // namespace scoria::operations
