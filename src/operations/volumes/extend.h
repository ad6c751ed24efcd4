#pragma once
#include <span>

#include "domain/volumes/shapes.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// reserve → grow → show. Holds L: copies of the volume go on. Quota was taken with the request; the pool's share is the first
/// step. Before it fails it looks once more: grown after all is a
/// success. Then those who use it are shown its new size; one that cannot be keeps nobody: the new size stands.
class ExtendVolume final : public engine::StepKind<ExtendVolume> {
 public:
  explicit ExtendVolume(Services& services) : services_(services) {}
  static std::span<const Step> table();
  std::string_view name() const override { return "volume.extend"; }
  Shapes shapes() const override { return {ExtendVolumeInput::shape, Placement::shape}; }
  std::string_view point_of_no_return() const override { return "grow"; }
  void settle(db::Transaction& tx, const engine::Operation& operation, const engine::Ending& ending) const override;

 private:
  engine::Outcome reserve(engine::Task& task) const;
  engine::Outcome grow(engine::Task& task) const;
  engine::Outcome show(engine::Task& task) const;

  Services& services_;
};

}  // namespace scoria::operations
