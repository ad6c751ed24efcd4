#include "exports/leash.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <exception>

#include "exports/iscsi/iscsi_exporter.h"
#include "exports/nbd/record.h"
#include "exports/portal_address.h"
#include "exports/strays.h"
#include "observe/log.h"
#include "os/files.h"
#include "os/process.h"

namespace scoria::exports {
namespace {

constexpr Duration turn = 100ms, stale = 1s, grace = 2s, unused = std::chrono::minutes{10};
constexpr std::string_view file_name = "leash", lock_name = "keeper";

Leash::Shared* map(const State& state) {
  const os::Fd file = os::open_file(state.path(file_name), O_RDWR | O_CREAT);
  if (::ftruncate(file.get(), sizeof(Leash::Shared)) != 0) os::fail("size", state.path(file_name));
  void* place = ::mmap(nullptr, sizeof(Leash::Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (place == MAP_FAILED) os::fail("map", state.path(file_name));
  return static_cast<Leash::Shared*>(place);
}

std::int64_t micros(Instant at) { return at.since_boot.count(); }

/// Does the daemon that works in that folder serve a portal? One whose record is gone or new to us is taken for one that does.
bool moves(const State& state, const std::string& folder) {
  const std::optional<std::string> text = state.read("nbd/" + folder + "/record");
  const std::optional<NbdVolume> record = text ? nbd_volume_from(*text) : std::nullopt;
  return !record || !record->portal.empty();
}

bool targets_move(const State& state) {
  for (const std::string& file : state.names("iscsi")) {
    if (!file.ends_with(".target")) continue;
    const std::optional<std::string> text = state.read("iscsi/" + file);
    const std::optional<IscsiTarget> target = text ? iscsi_target_from(*text) : std::nullopt;
    if (text && (!target || !target->portal.empty())) return true;
  }
  return false;
}

/// How many were killed.
int kill_all(const State& state) {
  int killed = 0;
  const std::string begin = state.path("nbd") + "/";
  for (const os::Process& process : processes_with("qemu-storage-daemon", "path=" + begin)) {
    const std::string arguments = arguments_of(process.pid);
    const std::size_t at = arguments.find(begin);
    if (at != std::string::npos && moves(state, arguments.substr(at + begin.size(), 16)) && os::send_signal(process, SIGKILL)) ++killed;
  }
  if (targets_move(state))
    for (const os::Process& process : processes_with("tgtd", "TGT_IPC_SOCKET=" + state.path("iscsi/control")))
      if (os::send_signal(process, SIGKILL)) ++killed;
  return killed;
}

}  // namespace

Leash::Leash(Clock& clock, const State& state, std::vector<std::string> keeper) : clock_(clock), state_(state), keeper_(std::move(keeper)) {}

Leash::~Leash() {
  if (shared_ != nullptr) ::munmap(shared_, sizeof(Shared));
}

void Leash::open() {
  if (used() && shared_ == nullptr) shared_ = map(state_);
}

bool Leash::holds() const { return !used() || (shared_ != nullptr && micros(clock_.now()) < shared_->until.load()); }

bool Leash::keeper_lives() {
  const std::int64_t now = micros(clock_.now());
  if (now - shared_->keeper_beat.load() < Duration{stale}.count()) return true;
  // Stopped or gone: it, too, must not be what everything hangs on.
  if (now - started_.load() < Duration{grace}.count()) return false;
  started_ = now;
  for (const os::Process& old : processes_with(keeper_.front(), state_.path(""))) {
    if (arguments_of(old.pid).find(keeper_.at(1)) == std::string::npos) continue;
    os::send_signal(old, SIGKILL);
    os::wait_gone(clock_, old, Deadline::in(clock_, 1s));
  }
  std::vector<std::string> command = keeper_;
  command.push_back(state_.path(""));
  os::start_daemon({.arguments = std::move(command)}, {});
  return false;
}

bool Leash::extend(Instant until) {
  if (!used()) return true;
  if (!keeper_lives()) return false;
  std::int64_t before = shared_->until.load();
  while (before < micros(until) && !shared_->until.compare_exchange_weak(before, micros(until))) {}
  return true;
}

void keep(Clock& clock, const std::string& state_directory) {
  const State state(clock, state_directory.ends_with('/') ? state_directory.substr(0, state_directory.size() - 1) : state_directory);
  const os::Fd alone = os::open_file(state.path(lock_name), O_RDWR | O_CREAT);
  if (!os::try_lock(alone)) return;
  ::setpriority(PRIO_PROCESS, 0, -20);  // where we may; a late keeper is what the lock on the image is for
  Leash::Shared* shared = map(state);
  Instant idle_since = clock.now();
  while (state.exists(file_name)) {
    const Instant now = clock.now();
    shared->keeper_beat = micros(now);
    const std::int64_t left = shared->until.load() - micros(now);
    if (left > 0) {
      idle_since = now;
      clock.sleep(std::min(Duration{turn}, Duration{left}));
      continue;
    }
    if (now - idle_since > unused) return;
    try {
      if (kill_all(state) > 0) idle_since = now;
      lower_all(clock, state);
    } catch (const std::exception&) {
      // What cannot be looked at now is looked at in the next turn.
    }
    clock.sleep(now - idle_since > 10s ? 1s : turn);
  }
}

}  // namespace scoria::exports
