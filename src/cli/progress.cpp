#include "cli/progress.h"

#include <signal.h>

#include <cstdio>

#include "json/parse.h"

namespace scoria::cli {
namespace {

using std::chrono::milliseconds;

constexpr Duration look = milliseconds{500}, first_look = milliseconds{100};
constexpr Duration patience = std::chrono::minutes{2};  // with a service that is away: it may be restarted

volatile sig_atomic_t interrupted = 0;
void notice(int) { interrupted = 1; }

bool has_ended(const std::string& state) { return state == "succeeded" || state == "failed" || state == "cancelled" || state == "dead"; }

std::string bar(std::int64_t percent, bool unicode) {
  constexpr std::int64_t width = 30;
  const std::int64_t full = percent * width / 100;
  std::string out;
  for (std::int64_t i = 0; i < width; ++i) out += i < full ? (unicode ? "━" : "#") : (unicode ? "─" : "-");
  return out;
}

/// The line of progress, written over and over.
class Line {
 public:
  explicit Line(bool visible) : visible_(visible) {}
  void put(const std::string& text) {
    if (!visible_ || text == last_) return;
    std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
    std::fflush(stderr);
    last_ = text;
  }
  void wipe() {
    if (visible_ && !last_.empty()) std::fputs("\r\x1b[K", stderr);
    last_.clear();
  }

 private:
  bool visible_;
  std::string last_;
};

Refusal left_running(const std::string& id) {
  return {
      RefusalCode::timed_out,
      fmt::format(
          "You no longer watch operation {0}, which goes on. `scoria operation watch {0}` watches it again, `scoria operation cancel {0}` stops it.",
          id),
      "interrupted"};
}

/// How it ended, as the result of who waited.
Result<json::Value> verdict(const json::Value& operation) {
  const std::string state = operation.text_or("state"), id = operation.text_or("id"), error = operation.text_or("error", operation.text_or("reason"));
  if (state == "succeeded") return operation;
  if (state == "cancelled") return refuse(RefusalCode::conflict, "Operation {} ({}) was cancelled.", id, operation.text_or("kind"));
  const bool no_room = operation.text_or("error_code") == "no_backend";
  return refuse(no_room ? RefusalCode::over_quota : RefusalCode::backend_failed, "{} failed: {}", operation.text_or("kind"),
                error.empty() ? state : error);
}

/// Sleeps; true when Ctrl-C came meanwhile.
bool rest(Clock& clock, Duration time) {
  for (; time > Duration::zero() && !Interrupts::happened(); time -= first_look) clock.sleep(std::min(time, first_look));
  return Interrupts::happened();
}

}  // namespace

Interrupts::Interrupts() {
  interrupted = 0;
  struct sigaction action = {};
  action.sa_handler = notice;
  ::sigaction(SIGINT, &action, nullptr);
}
Interrupts::~Interrupts() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGINT, &action, nullptr);
}
bool Interrupts::happened() { return interrupted != 0; }

std::string seconds_text(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

std::string state_text(const json::Value& operation) {
  const json::Value& progress = operation["progress"];
  std::string state = operation.text_or("state");
  if (state == "ready" && !operation.text_or("reason").empty()) state = "waiting";
  if (has_ended(state)) return state;
  if (progress.integer_or("bytes_total") > 0) state += fmt::format(", {} %", progress.integer_or("percent_done"));
  if (progress["seconds_remaining"].is_integer()) state += fmt::format(", {} left", seconds_text(progress.integer_or("seconds_remaining")));
  return state;
}

std::string progress_line(const json::Value& operation, bool unicode) {
  const json::Value& progress = operation["progress"];
  const std::int64_t total = progress.integer_or("bytes_total"), done = progress.integer_or("bytes_done");
  std::string out = operation.text_or("kind") + "  ";
  if (total > 0)
    out += fmt::format("{} {:>3} %  {} of {}", bar(progress.integer_or("percent_done"), unicode), progress.integer_or("percent_done"),
                       bytes_text(static_cast<double>(done)), bytes_text(static_cast<double>(total)));
  else out += operation.text_or("step", "starting");
  if (progress["seconds_remaining"].is_integer()) out += fmt::format("  {} left", seconds_text(progress.integer_or("seconds_remaining")));
  if (const std::string phase = progress.text_or("phase"); !phase.empty()) out += "  " + phase;
  if (const std::string reason = operation.text_or("reason"); !reason.empty()) out += "  waits: " + reason;
  return out;
}

Result<json::Value> follow(Session& session, const std::string& id, bool lines) {
  const Interrupts interrupts;
  Client& client = session.client;
  Line line(!lines && session.output.terminal().error);
  std::string told;
  Deadline away = Deadline::in(client.clock(), patience);
  for (int i = 0;; ++i) {
    const auto answer = client.get("/scoria/v1/operations/" + id);
    if (!answer && (answer.error().code != RefusalCode::unavailable || away.passed(client.clock()))) return line.wipe(), refuse(answer.error());
    if (answer) {
      away = Deadline::in(client.clock(), patience);
      const json::Value& operation = (*answer)["operation"];
      const std::string text = session.output.json() ? json::to_text(operation) : progress_line(operation, session.output.terminal().unicode);
      const bool ended = has_ended(operation.text_or("state"));
      if (lines && (ended || text != told))
        print((ended && !session.output.json() ? fmt::format("{}  {}", operation.text_or("kind"), operation.text_or("state")) : text) + "\n"),
            std::fflush(stdout);
      told = text;
      if (ended) return line.wipe(), verdict(operation);
      line.put(text);
    } else {
      line.put("the service is away; the operation is not lost");
    }
    if (rest(client.clock(), i < 10 ? first_look : look)) return line.wipe(), refuse(left_running(id));
  }
}

Result<> follow_request(Session& session, const std::string& request_id) {
  if (request_id.empty()) return {};
  const auto started = session.client.get("/scoria/v1/operations?all_projects=1&request_id=" + request_id);
  if (!started) return refuse(started.error());
  const json::Array& operations = (*started)["operations"].array();
  for (auto one = operations.rbegin(); one != operations.rend(); ++one)
    if (const auto done = follow(session, one->text_or("id")); !done) return refuse(done.error());
  return {};
}

}  // namespace scoria::cli
