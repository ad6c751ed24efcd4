#pragma once
#include <optional>
#include <span>

#include "engine/kind.h"
#include "operations/services.h"
#include "store/attachments/attachments.h"

namespace scoria::operations {

/// unexport: cuts the host off, then the row ends and the volume's status follows from what remains.
class RemoveAttachment final : public engine::StepKind<RemoveAttachment> {
 public:
  explicit RemoveAttachment(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "attachment.remove"; }
  std::string_view point_of_no_return() const override { return "unexport"; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome unexport(engine::Task& task) const;
  std::optional<store::attachments::Whereabouts> whereabouts(const engine::Operation& operation) const;
  drivers::DriverResult<> nobody_else(engine::Task& task, const VolumeId& volume) const;

  Services& services_;
};

}  // namespace scoria::operations
