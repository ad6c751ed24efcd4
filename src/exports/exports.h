#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "drivers/live.h"
#include "exports/door.h"
#include "exports/fake/fake_exports.h"
#include "exports/leash.h"
#include "exports/moving.h"
#include "exports/options.h"
#include "exports/state.h"
#include "exports/supervisor.h"

namespace scoria::exports {

class IscsiExporter;
class NbdExporter;

/// All protocols of this node behind one door; also what drivers ask to move or grow a volume in use. Thread-safe.
class Exports final : public Door, public Moving, public drivers::LiveUse {
 public:
  Exports(Clock& clock, Options options);
  ~Exports() override;

  /// Opens the state directory, takes over what a predecessor left running and supervises from then on.
  DriverResult<> start();
  /// Ends supervision. The exports go on serving.
  void stop();

  Result<std::string> choose(const Connector& connector, std::string_view preferred) const override;
  DriverResult<Connection> ensure(const Call& call, std::string_view protocol, const ExportSpec& spec) override;
  DriverResult<> remove(const Call& call, const std::string& name) override;
  DriverResult<bool> grow(const Call& call, std::string_view protocol, const ExportSpec& spec) override;
  DriverResult<> throttle(const Call& call, std::string_view protocol, const std::string& name, const Throttle& limits) override;

  DriverResult<std::vector<Listed>> list(const Call& call) override;
  DriverResult<> exclusive(const drivers::Location& at) override;

  // Moving.
  bool extend_leash(Instant until) override { return leash_.extend(until); }
  bool leash_holds() const override { return leash_.holds(); }
  std::string home() override;
  DriverResult<> raise(const Call& call, const std::string& address) override;
  DriverResult<> abandon(const Call& call, const std::set<std::string>& portals) override;
  DriverResult<> fence(const Call& call, const std::string& host) override;

  /// What can be said to operators and schedulers about a protocol on this node, now.
  struct Report {
    std::string protocol;
    bool usable = false;
    std::string trouble;        // why not, and what to do
    bool raw_only = false;
    bool grows_online = false;  // clients see a new size without reconnecting
    bool limits = false;        // QoS is applied by Scoria, live
  };
  std::vector<Report> reports(const Call& call);

  // LiveUse. Only NBD can move a volume under its clients; `busy` names the protocol that cannot.
  DriverResult<> movable(const drivers::Location& at) override;
  DriverResult<bool> redirect(const Call& call, const drivers::Location& from, const drivers::Location& to) override;
  bool serves(const drivers::Location& at) override;
  DriverResult<> rebase(const Call& call, const drivers::Location& at, const drivers::Location& base) override;
  DriverResult<bool> resize(const Call& call, const drivers::Location& at, Bytes size) override;

 private:
  DriverResult<Exporter*> exporter(std::string_view protocol) const;
  void forget_removed();

  Clock& clock_;
  const Options options_;
  State state_;
  Leash leash_;
  Supervisor supervisor_;
  Instant next_forgetting_;  // of the supervisor's thread
  std::vector<std::unique_ptr<Exporter>> exporters_;
  NbdExporter* nbd_ = nullptr;
  IscsiExporter* iscsi_ = nullptr;
  FakeExports fake_;
};

}  // namespace scoria::exports
