#include "exports/exports.h"

#include <fcntl.h>

#include "base/text.h"
#include "exports/errors.h"
#include "exports/iscsi/iscsi_exporter.h"
#include "exports/local/local_exporter.h"
#include "exports/nbd/nbd_exporter.h"
#include "observe/log.h"
#include "os/files.h"
#include "os/loop.h"
#include "os/process.h"

namespace scoria::exports {
namespace {

constexpr std::size_t state_path_limit = 80;  // socket paths below it must fit into 107 characters
constexpr Duration remember_removed = std::chrono::hours{48};

}  // namespace

Exports::Exports(Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)), state_(clock, options_.state_directory), leash_(clock, state_, options_.keeper), supervisor_(clock) {
  exporters_.push_back(std::make_unique<LocalExporter>(clock_, options_, state_));
  auto nbd = std::make_unique<NbdExporter>(clock_, options_, state_, supervisor_, leash_);
  nbd_ = nbd.get();
  exporters_.push_back(std::move(nbd));
  auto iscsi = std::make_unique<IscsiExporter>(clock_, options_, state_, supervisor_, leash_);
  iscsi_ = iscsi.get();
  exporters_.push_back(std::move(iscsi));
}

Exports::~Exports() = default;

DriverResult<> Exports::start() {
  if (options_.state_directory.empty() || options_.state_directory.size() > state_path_limit || options_.state_directory.front() != '/')
    return failed(FailureClass::permanent, "the exports' state directory '{}' must be an absolute path of at most {} characters",
                  options_.state_directory, state_path_limit);
  if (options_.nbd_last_port < options_.nbd_first_port)
    return failed(FailureClass::permanent, "nbd_last_port ({}) is below nbd_first_port ({})", options_.nbd_last_port, options_.nbd_first_port);
  const DriverResult<> opened = guarded([&]() -> DriverResult<> {
    state_.open();
    leash_.open();
    nbd_->end_lost();
    iscsi_->end_lost();
    return {};
  });
  supervisor_.on_tick([this] { forget_removed(); });
  if (opened) supervisor_.start();
  return opened;
}

void Exports::stop() { supervisor_.stop(); }

void Exports::forget_removed() {
  if (clock_.now() < next_forgetting_) return;
  next_forgetting_ = clock_.now() + 1h;
  state_.forget_removed(remember_removed);
}

Result<std::string> Exports::choose(const Connector& connector, std::string_view preferred) const {
  std::string wish = lower_case(connector.transport.empty() ? preferred : std::string_view(connector.transport));
  if (wish.empty()) wish = connector.initiator.empty() ? "local" : "iscsi";
  if (wish == "nbd+unix") wish = "nbd";
  if (!exporter(wish)) return refuse(RefusalCode::unsupported, "Volumes are not exported over '{}' here; there are local, nbd, nbd+unix and iscsi.", wish);
  if (wish == "iscsi" && connector.initiator.empty())
    return refuse(RefusalCode::invalid_input, "An attachment over iSCSI needs the initiator's name in its connector.");
  if (wish == "iscsi" && connector.initiator.find_first_of(", \t\r\n") != std::string::npos)
    return refuse(RefusalCode::invalid_input, "The name of an iSCSI initiator has neither commas nor blanks.");
  return wish;
}

DriverResult<Exporter*> Exports::exporter(std::string_view protocol) const {
  for (const std::unique_ptr<Exporter>& item : exporters_)
    if (item->protocol() == protocol) return item.get();
  return failed(FailureClass::permanent, "there is no export protocol '{}'", protocol);
}

DriverResult<Connection> Exports::ensure(const Call& call, std::string_view protocol, const ExportSpec& spec) {
  if (FakeExports::serves(spec.location)) return fake_.ensure(spec);
  const DriverResult<Exporter*> found = exporter(protocol);
  if (!found) return tl::unexpected(found.error());
  return (*found)->ensure(call, spec);
}

DriverResult<> Exports::remove(const Call& call, const std::string& name) {
  if (fake_.remove(name)) return {};
  for (const std::unique_ptr<Exporter>& item : exporters_)
    if (const DriverResult<> removed = item->remove(call, name); !removed) return removed;
  return {};
}

DriverResult<bool> Exports::grow(const Call& call, std::string_view protocol, const ExportSpec& spec) {
  if (FakeExports::serves(spec.location)) return true;
  const DriverResult<Exporter*> found = exporter(protocol);
  if (!found) return tl::unexpected(found.error());
  return (*found)->grow(call, spec);
}

DriverResult<> Exports::throttle(const Call& call, std::string_view protocol, const std::string& name, const Throttle& limits) {
  const DriverResult<Exporter*> found = exporter(protocol);
  if (!found) return tl::unexpected(found.error());
  return (*found)->throttle(call, name, limits);
}

DriverResult<std::vector<Exports::Listed>> Exports::list(const Call& call) {
  std::vector<Listed> out;
  for (const std::unique_ptr<Exporter>& item : exporters_) {
    DriverResult<std::vector<std::string>> names = item->list(call);
    if (!names) return tl::unexpected(names.error());
    for (std::string& name : *names) out.push_back({item->protocol(), std::move(name)});
  }
  return out;
}

DriverResult<> Exports::exclusive(const drivers::Location& at) {
  return guarded([&]() -> DriverResult<> {
    const std::optional<os::Fd> file = os::open_if_there(at.path, O_RDONLY);
    if (!file || nbd_->serves(at)) return {};
    const struct stat status = os::status_of(*file);
    if (iscsi_->serves(status.st_dev, status.st_ino)) return {};
    for (const os::LoopDevice& device : os::loops_on(*file))
      if (const std::size_t slash = device.label.rfind('/'); slash != std::string::npos && state_.exists("local/" + device.label.substr(slash + 1))) return {};
    if (os::written_elsewhere(at.path)) return failed(FailureClass::busy, "{} is still open for writing by another machine's daemon or another program", at.path);
    return {};
  });
}

/// Several processes that share a state directory are one machine: the first gives it its name.
std::string Exports::home() {
  if (const std::optional<std::string> known = state_.read("home")) return *known;
  const auto alone = state_.lock("home", Deadline::in(clock_, 10s));
  if (!state_.exists("home")) state_.write("home", options_.host);
  return *state_.read("home");
}

DriverResult<> Exports::raise(const Call& call, const std::string& address) {
  for (const PortalAddress& portal : options_.portals)
    if (portal.address == address) return guarded([&] { return exports::raise(clock_, state_, portal, options_.portal_command, call.deadline); });
  return failed(FailureClass::permanent, "portal {} is not among this node's [exports] portals", address);
}

DriverResult<> Exports::abandon(const Call& call, const std::set<std::string>& portals) {
  if (const auto left = nbd_->abandon(call, portals); !left) return left;
  if (const auto left = iscsi_->abandon(call, portals); !left) return left;
  return guarded([&]() -> DriverResult<> {
    for (const std::string& address : state_.names("portals"))
      if (!portals.contains(address))
        if (const auto lowered = lower(clock_, state_, address); !lowered) return lowered;
    return {};
  });
}

DriverResult<> Exports::fence(const Call& call, const std::string& host) {
  if (options_.portal_command.empty()) return failed(FailureClass::permanent, "no portal_command says how to fence {}", host);
  return guarded([&]() -> DriverResult<> {
    const os::Finished done = os::run(clock_, {.arguments = {options_.portal_command, "fence", host}}, call.deadline);
    if (done.ok()) return {};
    return failed(FailureClass::transient, "`{} fence {}` failed: {}", options_.portal_command, host, trimmed(done.errors + done.output));
  });
}

std::vector<Exports::Report> Exports::reports(const Call& call) {
  std::vector<Report> out;
  for (const std::unique_ptr<Exporter>& item : exporters_) {
    const std::string protocol = item->protocol();
    const DriverResult<> checked = item->check(call);
    out.push_back({.protocol = protocol, .usable = checked.has_value(), .trouble = checked ? std::string() : checked.error().message,
                   .raw_only = needs_raw(protocol), .grows_online = protocol == "local", .limits = protocol == "nbd"});
  }
  return out;
}

DriverResult<> Exports::movable(const drivers::Location& at) {
  return guarded([&]() -> DriverResult<> {
    constexpr std::string_view way_out =
        "the volume is attached over {}, which cannot take a snapshot or clone on a file system that shares no blocks: detach it first, or attach it over nbd";
    const std::optional<os::Fd> file = os::open_if_there(at.path, O_RDONLY);
    if (!file) return {};
    if (!os::loops_on(*file).empty()) return failed(FailureClass::permanent, way_out, "local");
    const struct stat status = os::status_of(*file);
    if (iscsi_->serves(status.st_dev, status.st_ino)) return failed(FailureClass::permanent, way_out, "iscsi");
    return {};
  });
}

DriverResult<bool> Exports::redirect(const Call& call, const drivers::Location& from, const drivers::Location& to) {
  return guarded([&] {
    return nbd_->redirect(call, from, to, [this](const std::string& base) { return movable({.protocol = "file", .path = base, .format = "raw"}); });
  });
}

bool Exports::serves(const drivers::Location& at) { return nbd_->serves(at); }

DriverResult<> Exports::rebase(const Call& call, const drivers::Location& at, const drivers::Location& base) {
  return guarded([&] { return nbd_->rebase(call, at, base); });
}

DriverResult<bool> Exports::resize(const Call& call, const drivers::Location& at, Bytes size) {
  return guarded([&] { return nbd_->resize(call, at, size); });
}

}  // namespace scoria::exports
