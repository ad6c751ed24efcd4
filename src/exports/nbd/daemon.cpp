#include "exports/nbd/daemon.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "exports/strays.h"
#include "json/writer.h"
#include "observe/log.h"
#include "os/files.h"

namespace scoria::exports {
namespace {

constexpr Duration command_time = 10s;  // a healthy daemon answers in milliseconds
/// One that is alive and not ready waits for the machine, not for us: to kill it and start another makes a busy machine busier.
constexpr Duration ready_time = 60s;
constexpr Duration quit_time = 3s;

bool have_io_uring() {
  io_uring_params params{};
  const os::Fd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1U, &params)));
  return static_cast<bool>(ring);
}

/// An option value of QEMU's key=value syntax.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out.append(c == ',' ? 2 : 1, c);
  return out;
}

std::string last_line(const std::string& log) {
  const std::size_t end = log.find_last_not_of('\n');
  if (end == std::string::npos) return "no message";
  const std::size_t begin = log.rfind('\n', end);
  return log.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

}  // namespace

StorageDaemons::StorageDaemons(Clock& clock, const Options& options, const State& state)
    : clock_(clock), options_(options), state_(state), io_uring_(have_io_uring()) {}

DriverResult<> StorageDaemons::check() const {
  if (os::find_program("qemu-storage-daemon")) return {};
  return failed(FailureClass::permanent, "qemu-storage-daemon is not there (package qemu-system-common)");
}

DriverResult<std::optional<Qmp>> StorageDaemons::connect(const std::string& volume, Deadline deadline) const {
  return Qmp::connect(clock_, state_.path(folder(volume) + "/qmp"), deadline.sooner(Deadline::in(clock_, command_time)));
}

graph::ImageOptions StorageDaemons::options_for(const drivers::Location& location, graph::ImageOptions options) const {
  options.direct = os::takes_direct_io(location.path);
  options.io_uring = io_uring_;
  return options;
}

std::string StorageDaemons::image_text(const drivers::Location& location, const std::string& node, const graph::ImageOptions& options) const {
  return graph::image(location, node, options_for(location, options));
}

DriverResult<> StorageDaemons::add_image(Qmp& qmp, const drivers::Location& location, const std::string& node, const graph::ImageOptions& options,
                                         Deadline deadline) const {
  drop_image(qmp, node, deadline);  // what a predecessor left half done
  const auto opened = qmp.execute("blockdev-add", graph::file(location, node, options_for(location, options)), deadline);
  if (!opened) return tl::unexpected(opened.error());
  const auto added = qmp.execute("blockdev-add", image_text(location, node, options), deadline);
  if (added) return {};
  drop_image(qmp, node, deadline);
  return tl::unexpected(added.error());
}

void StorageDaemons::drop_image(Qmp& qmp, const std::string& node, Deadline deadline) {
  for (const std::string& name : {node, graph::file_node(node)})
    (void)qmp.execute("blockdev-del", fmt::format(R"({{"node-name":"{}"}})", name), deadline);
}

std::string StorageDaemons::tls_object() const {
  json::Writer out;
  const std::string& directory = options_.nbd_tls_directory;
  const bool psk = ::access((directory + "/keys.psk").c_str(), F_OK) == 0;
  out.begin_object().field("qom-type", psk ? "tls-creds-psk" : "tls-creds-x509").field("id", "tls").field("endpoint", "server").field("dir", directory);
  if (!psk) out.field("verify-peer", options_.nbd_tls_verify_peer);
  return out.end_object().take();
}

std::vector<std::string> StorageDaemons::arguments(const NbdVolume& volume) const {
  std::vector<std::string> out{"qemu-storage-daemon"};
  const auto add = [&](const char* option, std::string text) {
    out.emplace_back(option);
    out.push_back(std::move(text));
  };
  add("--chardev", fmt::format("socket,id=qmp,path={},server=on,wait=off", escaped(state_.path(folder(volume.volume) + "/qmp"))));
  add("--monitor", "chardev=qmp");
  const bool tls = volume.tcp && !options_.nbd_tls_directory.empty();
  if (tls) add("--object", tls_object());
  const std::string image = graph::image_node(volume.image);
  add("--blockdev", graph::file(volume.location, image, options_for(volume.location)));
  add("--blockdev", image_text(volume.location, image, {}));
  add("--nbd-server", fmt::format(R"({{"addr":{{"type":"fd","str":"{}"}},"max-connections":0{}}})", listener_number, tls ? R"(,"tls-creds":"tls")" : ""));
  for (const NbdExport& item : volume.exports) {
    add("--object", graph::group(item));
    add("--blockdev", graph::throttle(item, volume.image));
    add("--export", graph::nbd_export(item));
  }
  return out;
}

void StorageDaemons::end_strays(const std::string& folder, Deadline deadline) const {
  for (const os::Process& process : processes_with("qemu-storage-daemon", fmt::format("path={}/", escaped(state_.path(folder))))) {
    log::warning("exports", {}, "ending storage daemon {}, which lost its control socket in {}", process.pid, folder);
    os::send_signal(process, SIGKILL);
    os::wait_gone(clock_, process, deadline);
  }
}

void StorageDaemons::end_lost() const {
  const std::string begin = fmt::format("path={}/", escaped(state_.path("nbd")));
  for (const os::Process& process : processes_with("qemu-storage-daemon", begin)) {
    const std::string arguments = arguments_of(process.pid);
    const std::size_t at = arguments.find(begin);
    const std::string folder = at == std::string::npos ? std::string() : arguments.substr(at + begin.size(), 16);
    if (!folder.empty() && !state_.exists("nbd/" + folder + "/record")) end_strays("nbd/" + folder, Deadline::in(clock_, 5s));
  }
}

DriverResult<> StorageDaemons::wait_unlocked(const NbdVolume& volume, Deadline deadline) const {
  const std::optional<os::Fd> file = os::open_if_there(volume.location.path, O_RDONLY);
  if (!file) return failed(FailureClass::transient, "the file {} of volume {} is not there", volume.location.path, volume.volume);
  while (os::locked_by_others(*file)) {
    if (deadline.passed(clock_)) return failed(FailureClass::busy, "{} is locked by another program", volume.location.path);
    clock_.sleep(2ms);
  }
  return {};
}

DriverResult<os::Process> StorageDaemons::start(const NbdVolume& volume, const os::Fd& listener, Deadline deadline) const {
  if (const auto there = check(); !there) return tl::unexpected(there.error());
  const Deadline patience = deadline.sooner(Deadline::in(clock_, 3s));
  const std::string log = state_.path(folder(volume.volume) + "/log");
  // With a log there was a daemon; one whose starter was killed may not have locked the image yet.
  if (!wait_unlocked(volume, Deadline::in(clock_, Duration::zero())) || state_.exists(folder(volume.volume) + "/log")) {
    end_strays(folder(volume.volume), patience);
    if (const auto free = wait_unlocked(volume, patience); !free) return tl::unexpected(free.error());
  }
  ::unlink(log.c_str());
  ::unlink(state_.path(folder(volume.volume) + "/qmp").c_str());
  const os::Process process = os::start_daemon({.arguments = arguments(volume), .descriptors = {{listener.get(), listener_number}}}, log);
  FAILPOINT("exports.nbd.started");
  return wait_ready(volume, process, deadline);
}

DriverResult<os::Process> StorageDaemons::wait_ready(const NbdVolume& volume, const os::Process& process, Deadline deadline) const {
  const Deadline patience = deadline.sooner(Deadline::in(clock_, ready_time));
  while (true) {
    DriverResult<std::optional<Qmp>> qmp = connect(volume.volume, patience);
    if (qmp && *qmp) return process;
    if (!os::alive(process)) {
      const std::string why = last_line(state_.read(folder(volume.volume) + "/log").value_or(""));
      const bool locked = why.find(" lock") != std::string::npos;
      return failed(locked ? FailureClass::busy : FailureClass::transient, "the storage daemon of volume {} ended at once: {}", volume.volume, why);
    }
    if (patience.passed(clock_)) {
      os::send_signal(process, SIGKILL);
      return failed(FailureClass::transient, "the storage daemon of volume {} does not get ready", volume.volume);
    }
    clock_.sleep(1ms);
  }
}

DriverResult<> StorageDaemons::set_limits(Qmp& qmp, const NbdExport& item, Deadline deadline) const {
  json::Writer out;
  out.begin_object().field("path", "/objects/" + graph::group_id(item)).field("property", "limits").key("value").raw(graph::limits(item.throttle)).end_object();
  if (const auto set = qmp.execute("qom-set", out.text(), deadline); !set) return tl::unexpected(set.error());
  return {};
}

DriverResult<> StorageDaemons::add(Qmp& qmp, const NbdVolume& volume, const NbdExport& item, Deadline deadline) const {
  // What a predecessor got done before it died is refused as already there; the export itself decides.
  (void)qmp.execute("object-add", graph::group(item), deadline);
  (void)qmp.execute("blockdev-add", graph::throttle(item, volume.image), deadline);
  if (const auto limited = set_limits(qmp, item, deadline); !limited) return limited;
  const auto added = qmp.execute("block-export-add", graph::nbd_export(item), deadline);
  if (!added) return tl::unexpected(added.error());
  return {};
}

DriverResult<std::vector<std::string>> StorageDaemons::export_ids(Qmp& qmp, Deadline deadline) const {
  const auto list = qmp.execute("query-block-exports", {}, deadline);
  if (!list) return tl::unexpected(list.error());
  std::vector<std::string> out;
  for (const json::Value& item : list->array()) out.push_back(item.text_or("id"));
  return out;
}

DriverResult<> StorageDaemons::converge(Qmp& qmp, const NbdVolume& volume, Deadline deadline) const {
  auto there = export_ids(qmp, deadline);
  if (!there) return tl::unexpected(there.error());
  for (const NbdExport& item : volume.exports) {
    const bool known = std::erase(*there, graph::export_id(item)) > 0;
    const DriverResult<> done = known ? set_limits(qmp, item, deadline) : add(qmp, volume, item, deadline);
    if (!done) return done;
  }
  for (const std::string& id : *there)
    if (const DriverResult<> dropped = drop(qmp, id, deadline); !dropped) return dropped;
  return {};
}

DriverResult<> StorageDaemons::drop(Qmp& qmp, const std::string& export_id, Deadline deadline) const {
  const auto asked = qmp.execute("block-export-del", fmt::format(R"({{"id":"{}","mode":"hard"}})", export_id), deadline);
  if (!asked && asked.error().kind != FailureClass::permanent) return tl::unexpected(asked.error());
  // Until the export is off the list a request of its clients may still be under way.
  while (true) {
    const auto there = export_ids(qmp, deadline);
    if (!there) return tl::unexpected(there.error());
    if (std::find(there->begin(), there->end(), export_id) == there->end()) break;
    if (deadline.passed(clock_)) return failed(FailureClass::unknown, "requests of a cut off client do not end");
    clock_.sleep(1ms);
  }
  const std::string slot = export_id.substr(std::string_view("export").size());
  (void)qmp.execute("blockdev-del", fmt::format(R"({{"node-name":"throttle{}"}})", slot), deadline);
  (void)qmp.execute("object-del", fmt::format(R"({{"id":"group{}"}})", slot), deadline);
  return {};
}

DriverResult<> StorageDaemons::end(const NbdVolume& volume, Deadline deadline) const {
  const Deadline patience = deadline.sooner(Deadline::in(clock_, quit_time));
  DriverResult<std::optional<Qmp>> qmp = Qmp::connect(clock_, state_.path(folder(volume.volume) + "/qmp"), patience);
  if (qmp && *qmp) {
    const std::optional<os::Process> process = (*qmp)->daemon();
    (void)(*qmp)->execute("quit", {}, patience);
    if (process && !os::wait_gone(clock_, *process, patience)) os::send_signal(*process, SIGKILL);
    if (process && !os::wait_gone(clock_, *process, deadline)) return failed(FailureClass::unknown, "the storage daemon of volume {} does not end", volume.volume);
  } else {
    end_strays(folder(volume.volume), deadline);
  }
  return {};
}

DriverResult<> StorageDaemons::wait_quiet(const NbdVolume& volume, Deadline deadline) const {
  if (!std::optional<os::Fd>(os::open_if_there(volume.location.path, O_RDONLY))) return {};
  return wait_unlocked(volume, deadline);
}

}  // namespace scoria::exports
