#pragma once
#include <span>

#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// wait → destroy, as DeleteVolume: waits holding X until the last copy from it is done, dooms, removes. What volumes
/// still hang on stays doomed on the backend, out of sight, until they are flattened or gone.
class DeleteSnapshot final : public engine::StepKind<DeleteSnapshot> {
 public:
  explicit DeleteSnapshot(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "snapshot.delete"; }
  std::string_view point_of_no_return() const override { return "destroy"; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome wait(engine::Task& task) const;
  engine::Outcome destroy(engine::Task& task) const;

  Services& services_;
};

}  // namespace scoria::operations
