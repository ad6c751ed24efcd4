#include <fmt/core.h>
#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <stdexcept>
#include <vector>

#include "connection.h"
#include "scenario.h"
#include "usage.h"

/// Load on a running Scoria from one thread: `clients` loops, each on a connection of its own, each sending its next request
/// when the answer to the one before has come. Prints one JSON object.
namespace scoria::load {
namespace {

struct Options {
  int port = 0, clients = 16;
  double warm_up = 1, seconds = 5;
  std::string scenario, plan;
  bool one_project = false;
  std::vector<int> pids;  // whose CPU is counted, with their children
};

std::int64_t now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

constexpr std::size_t watched = std::size_t{1} << 32;  // in an event: the client's stream, not its connection

struct Client {
  std::unique_ptr<Connection> connection;
  std::unique_ptr<LineStream> watch;
  std::unique_ptr<Scenario> scenario;
  std::int64_t cycle_begun = 0;
  std::string next;  // to be sent at its time
};

class Load {
 public:
  explicit Load(Options options);
  void run();
  void report();

 private:
  using Due = std::pair<std::int64_t, std::size_t>;
  void send(Client& client, const std::string& request);
  void listen(int descriptor, std::size_t number);
  void answered(std::size_t number);
  void told(std::size_t number);
  void proceed(std::size_t number, Next next);
  void run_until(std::int64_t end);
  void wait(std::int64_t until);

  const Options options_;
  const Plan plan_;
  const int epoll_;
  std::vector<Client> clients_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<std::int64_t> cycles_us_;
  std::int64_t requests_ = 0, bytes_ = 0;
  double seconds_ = 0, own_cpu_ = 0;
  std::map<int, double> cpu_;
};

Load::Load(Options options) : options_(std::move(options)), plan_(read_plan(options_.plan)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (int i = 0; i < options_.clients; ++i) {
    Client client{std::make_unique<Connection>(options_.port), nullptr, make_scenario(options_.scenario, plan_, i, options_.one_project), 0, {}};
    if (!client.scenario) throw std::runtime_error("no such scenario: " + options_.scenario);
    listen(client.connection->descriptor(), static_cast<std::size_t>(i));
    if (const std::string watch = client.scenario->watch(); !watch.empty()) {
      client.watch = std::make_unique<LineStream>(options_.port, watch);
      listen(client.watch->descriptor(), static_cast<std::size_t>(i) | watched);
    }
    clients_.push_back(std::move(client));
  }
}

void Load::listen(int descriptor, std::size_t number) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = number}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
}

void Load::send(Client& client, const std::string& request) {
  client.connection->send(request);
  ++requests_;
}

void Load::answered(std::size_t number) {
  Client& client = clients_[number];
  if (!client.connection->receive()) return;
  bytes_ += static_cast<std::int64_t>(client.connection->body().size());
  proceed(number, client.scenario->answered(client.connection->status(), client.connection->body()));
}

void Load::told(std::size_t number) {
  Client& client = clients_[number];
  client.watch->receive();
  while (const std::optional<std::string> line = client.watch->next_line())
    if (std::optional<Next> next = client.scenario->told(*line)) proceed(number, std::move(*next));
}

void Load::proceed(std::size_t number, Next next) {
  Client& client = clients_[number];
  const std::int64_t now = now_us();
  if (next.cycle_ended) {
    cycles_us_.push_back(now - client.cycle_begun);
    client.cycle_begun = now;
  }
  if (next.request.empty()) return;
  if (next.after_us == 0) return send(client, next.request);
  client.next = std::move(next.request);
  due_.push({now + next.after_us, number});
}

void Load::wait(std::int64_t until) {
  const std::int64_t next = due_.empty() ? until : std::min(until, due_.top().first);
  const std::int64_t left = std::max<std::int64_t>(0, next - now_us());
  const timespec timeout{.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
  epoll_event events[64];
  const int count = ::epoll_pwait2(epoll_, events, 64, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const std::size_t number = events[i].data.u64;
    (number & watched) != 0 ? told(number & ~watched) : answered(number);
  }
}

void Load::run_until(std::int64_t end) {
  while (now_us() < end) {
    wait(end);
    while (!due_.empty() && due_.top().first <= now_us()) {
      Client& client = clients_[due_.top().second];
      due_.pop();
      send(client, client.next);
    }
  }
}

void Load::run() {
  for (Client& client : clients_) {
    client.cycle_begun = now_us();
    send(client, client.scenario->begin());
  }
  run_until(now_us() + static_cast<std::int64_t>(options_.warm_up * 1e6));
  cycles_us_.clear();
  requests_ = bytes_ = 0;
  const std::map<int, double> before = cpu_seconds(options_.pids);
  const double own_before = own_cpu_seconds();
  const std::int64_t begun = now_us();
  run_until(begun + static_cast<std::int64_t>(options_.seconds * 1e6));
  seconds_ = static_cast<double>(now_us() - begun) / 1e6;
  own_cpu_ = own_cpu_seconds() - own_before;
  cpu_ = cpu_seconds(options_.pids);
  for (const auto& [pid, seconds] : before) cpu_[pid] -= seconds;
}

void Load::report() {
  if (cycles_us_.empty()) throw std::runtime_error("not one cycle ended");
  std::sort(cycles_us_.begin(), cycles_us_.end());
  const auto cycles = static_cast<double>(cycles_us_.size());
  const auto at = [&](double part) { return static_cast<double>(cycles_us_[static_cast<std::size_t>(part * (cycles - 1))]) / 1000; };
  std::string cpu;
  for (const auto& [pid, seconds] : cpu_) cpu += fmt::format("{}\"{}\":{:.3f}", cpu.empty() ? "" : ",", pid, seconds);
  fmt::print(
      "{{\"scenario\":\"{}\",\"clients\":{},\"seconds\":{:.3f},\"cycles\":{},\"per_second\":{:.1f},\"p50_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:.3f},"
      "\"requests\":{},\"bytes\":{},\"client_cpu\":{:.3f},\"cpu\":{{{}}}}}\n",
      options_.scenario, options_.clients, seconds_, cycles_us_.size(), cycles / seconds_, at(0.5), at(0.99), at(1), requests_, bytes_, own_cpu_, cpu);
}

Options read_options(int count, char** words) {
  Options out;
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (name == "--one-project") {
      out.one_project = true;
      continue;
    }
    if (i + 1 == count) throw std::runtime_error("a value is missing after " + name);
    const char* value = words[++i];
    if (name == "--port") out.port = std::atoi(value);
    else if (name == "--clients") out.clients = std::atoi(value);
    else if (name == "--warm-up") out.warm_up = std::atof(value);
    else if (name == "--seconds") out.seconds = std::atof(value);
    else if (name == "--scenario") out.scenario = value;
    else if (name == "--plan") out.plan = value;
    else if (name == "--pid") out.pids.push_back(std::atoi(value));
    else throw std::runtime_error("no such option: " + name);
  }
  if (out.port == 0 || out.scenario.empty() || out.plan.empty())
    throw std::runtime_error("usage: load_bench --port N --scenario show|list|pages|create|watch|attach --plan FILE [--clients N] [--one-project] [--warm-up S] [--seconds S] "
                             "[--pid PID]…");
  return out;
}

}  // namespace
}  // namespace scoria::load

int main(int count, char** words) {
  try {
    scoria::load::Load load(scoria::load::read_options(count, words));
    load.run();
    load.report();
    return 0;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "load_bench: {}\n", failure.what());
    return 1;
  }
}
