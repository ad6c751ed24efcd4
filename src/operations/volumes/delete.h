#pragma once
#include <span>

#include "domain/ids.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// wait → destroy. Waits, holding X, until the snapshots and attachments it ends and the last reader are gone; then one commit dooms everything the volume has in
/// the ledger (from there on it cannot be cancelled); then what is doomed is removed until a probe says absent.
class DeleteVolume final : public engine::StepKind<DeleteVolume> {
 public:
  explicit DeleteVolume(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "volume.delete"; }
  std::string_view point_of_no_return() const override { return "destroy"; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome wait(engine::Task& task) const;
  engine::Outcome wait_for_rest(const VolumeId& id) const;
  engine::Outcome destroy(engine::Task& task) const;

  Services& services_;
};

}  // namespace scoria::operations
