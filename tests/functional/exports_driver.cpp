// Serves exports as scoria does, told what to do by lines of JSON on standard input, one answer a line. For tests.
//   exports_driver '{"state_directory":"/run/x", …}'
#include <cstdio>
#include <string>

#include "base/failpoint.h"
#include "exports/exports.h"
#include "json/parse.h"
#include "json/writer.h"

namespace {

using namespace scoria;
using exports::Exports;

exports::Options options_from(const json::Value& value) {
  exports::Options out;
  out.state_directory = value.text_or("state_directory");
  out.deployment = value.text_or("deployment", out.deployment);
  out.nbd_first_port = static_cast<int>(value.integer_or("nbd_first_port", out.nbd_first_port));
  out.nbd_last_port = static_cast<int>(value.integer_or("nbd_last_port", out.nbd_last_port));
  out.nbd_tls_directory = value.text_or("nbd_tls_directory");
  out.iscsi_port = static_cast<int>(value.integer_or("iscsi_port", out.iscsi_port));
  out.my_ip = value.text_or("my_ip", out.my_ip);
  out.nbd_listen_address = value.text_or("listen", out.nbd_listen_address);
  out.iscsi_ip_address = value.text_or("iscsi_ip_address");
  return out;
}

drivers::Location location_from(const json::Value& value) {
  return {.protocol = "file", .path = value.text_or("path"), .format = value.text_or("format", "raw"), .write_through = value.flag_or("write_through")};
}

exports::Throttle throttle_from(const json::Value& value) {
  return {.total_iops = value.integer_or("total_iops"), .read_iops = value.integer_or("read_iops"), .write_iops = value.integer_or("write_iops"),
          .total_bytes = value.integer_or("total_bytes"), .read_bytes = value.integer_or("read_bytes"), .write_bytes = value.integer_or("write_bytes")};
}

exports::ExportSpec spec_from(const json::Value& value) {
  return {.name = value.text_or("name"), .volume_id = value.text_or("volume"), .location = location_from(value["location"]),
          .size = {value.integer_or("size")}, .read_only = value.flag_or("read_only"),
          .connector = {.initiator = value.text_or("initiator"), .transport = value.text_or("transport")},
          .throttle = throttle_from(value["throttle"]), .chap_user = value.text_or("user"), .chap_secret = value.text_or("secret")};
}

std::string failure(const drivers::DriverError& error) {
  json::Writer out;
  out.begin_object().field("error", error.message).field("kind", static_cast<int>(error.kind)).end_object();
  return out.take();
}

std::string answer(const exports::Connection& made) {
  json::Writer out;
  out.begin_object().field("type", made.type);
  for (const auto& [name, value] : made.text) out.field(name, value);
  for (const auto& [name, value] : made.numbers) out.field(name, value);
  for (const auto& [name, value] : made.flags) out.field(name, value);
  out.end_object();
  return out.take();
}

class Door {
 public:
  Door(Clock& clock, Exports& exports) : clock_(clock), exports_(exports) {}

  std::string handle(const json::Value& asked) {
    const drivers::Call call{.deadline = Deadline::in(clock_, std::chrono::milliseconds{asked.integer_or("ms", 30000)})};
    const std::string what = asked.text_or("do");
    const exports::ExportSpec spec = spec_from(asked);
    const drivers::Location to = location_from(asked["to"]);
    if (what == "ensure") return ensure(call, spec);
    if (what == "remove") return said(exports_.remove(call, spec.name));
    if (what == "throttle") return said(exports_.throttle(call, asked.text_or("protocol"), spec.name, spec.throttle));
    if (what == "grow") return said(exports_.grow(call, asked.text_or("protocol"), spec));
    if (what == "redirect") return said(exports_.redirect(call, spec.location, to));
    if (what == "resize") return said(exports_.resize(call, spec.location, spec.size));
    if (what == "rebase") return said(exports_.rebase(call, spec.location, to));
    if (what == "list") return list(call);
    return R"({"error":"unknown"})";
  }

 private:
  std::string ensure(const drivers::Call& call, const exports::ExportSpec& spec) {
    const Result<std::string> protocol = exports_.choose(spec.connector, "");
    if (!protocol) return failure({drivers::FailureClass::permanent, protocol.error().message});
    const auto made = exports_.ensure(call, *protocol, spec);
    return made ? answer(*made) : failure(made.error());
  }

  static std::string said(const drivers::DriverResult<>& done) { return done ? R"({"ok":true})" : failure(done.error()); }
  static std::string said(const drivers::DriverResult<bool>& done) {
    if (!done) return failure(done.error());
    return *done ? R"({"ok":true,"result":true})" : R"({"ok":true,"result":false})";
  }

  std::string list(const drivers::Call& call) {
    const auto listed = exports_.list(call);
    if (!listed) return failure(listed.error());
    json::Writer out;
    out.begin_object().key("names").begin_array();
    for (const Exports::Listed& item : *listed) out.string(item.name);
    out.end_array().end_object();
    return out.take();
  }

  Clock& clock_;
  Exports& exports_;
};

bool read_line(std::string& line) {
  line.clear();
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const Result<json::Value> options = argc == 2 ? json::parse(argv[1]) : Result<json::Value>(json::Value());
  SystemClock clock;
  if (options) failpoint::arm_from(options->text_or("failpoints"));
  Exports exports(clock, options_from(*options));
  const auto started = exports.start();
  std::printf("%s\n", started ? R"({"ok":true})" : failure(started.error()).c_str());
  std::fflush(stdout);
  Door door(clock, exports);
  std::string line;
  while (started && read_line(line)) {
    const Result<json::Value> asked = json::parse(line);
    std::printf("%s\n", asked ? door.handle(*asked).c_str() : R"({"error":"no JSON"})");
    std::fflush(stdout);
  }
  if (started) exports.stop();
  return started ? 0 : 1;
}
