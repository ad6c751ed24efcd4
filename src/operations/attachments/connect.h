#pragma once
#include <optional>
#include <span>
#include <string>

#include "engine/kind.h"
#include "operations/attachments/export_spec.h"
#include "operations/services.h"

namespace scoria::operations {

/// export: makes the volume reachable for one connector. Holds X on the attachment; the volume may be worked on
/// meanwhile: if its row changed under the export, the step runs again.
class ConnectAttachment final : public engine::StepKind<ConnectAttachment> {
 public:
  explicit ConnectAttachment(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "attachment.connect"; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome make_export(engine::Task& task) const;
  std::optional<engine::Outcome> settle_place(engine::Task& task, const Backend& backend, const ExportSource& source, const std::string& protocol) const;

  Services& services_;
};

}  // namespace scoria::operations
