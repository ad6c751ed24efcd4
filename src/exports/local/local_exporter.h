#pragma once
#include <optional>
#include <string>

#include "exports/exporter.h"
#include "exports/options.h"
#include "exports/state.h"
#include "os/loop.h"

namespace scoria::exports {

/// A block device on this host: a loop device over a raw file, opened past the page cache where the file system can.
/// Every attachment has a device of its own, so that each can be cut off and be read-only by itself; two devices of one
/// volume are as coherent as two hosts would be. The kernel keeps all state: the device's label names the attachment.
class LocalExporter final : public Exporter {
 public:
  LocalExporter(Clock& clock, const Options& options, State& state) : clock_(clock), options_(options), state_(state) {}

  std::string protocol() const override { return "local"; }
  DriverResult<> check(const Call& call) override;
  DriverResult<Connection> ensure(const Call& call, const ExportSpec& spec) override;
  DriverResult<> remove(const Call& call, const std::string& name) override;
  /// True: users of the device see the new size at once.
  DriverResult<bool> grow(const Call& call, const ExportSpec& spec) override;
  /// Refused: the kernel's block cgroups or the hypervisor limit a local device.
  DriverResult<> throttle(const Call& call, const std::string& name, const Throttle& limits) override;
  DriverResult<std::vector<std::string>> list(const Call& call) override;

 private:
  std::string label(const std::string& name) const;
  std::optional<os::LoopDevice> find(const std::string& name) const;

  Clock& clock_;
  const Options& options_;
  State& state_;
};

}  // namespace scoria::exports
