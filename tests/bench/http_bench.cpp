// What the HTTP front itself costs: wrk against a handler that answers at once. Prints requests per second, the CPU time
// of this process per request and its peak memory.   http_bench [connections [seconds [body bytes]]]
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "http/server.h"

namespace {

rusage used() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return use;
}

double cpu_seconds() {
  const rusage use = used();
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

/// Runs wrk; its output goes through. The number of requests it made.
double run_wrk(const std::string& url, int connections, int seconds) {
  const std::string command = fmt::format("wrk -t1 -c{} -d{}s --latency {}", connections, seconds, url);
  FILE* pipe = ::popen(command.c_str(), "r");
  double requests = 0;
  char line[256];
  while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) {
    std::fputs(line, stdout);
    if (std::strstr(line, "requests in") != nullptr) requests = std::atof(line);
  }
  if (pipe != nullptr) ::pclose(pipe);
  return requests;
}

}  // namespace

int main(int count, char** arguments) {
  const int connections = count > 1 ? std::atoi(arguments[1]) : 64;
  const int seconds = count > 2 ? std::atoi(arguments[2]) : 5;
  const std::string body = count > 3 ? std::string(static_cast<std::size_t>(std::atoi(arguments[3])), 'x') : R"({"hello": "world", "number": 1})";

  scoria::SystemClock clock;
  scoria::http::Server server(
      clock, {}, [&body](const scoria::http::Request&, std::shared_ptr<scoria::http::Responder> responder) { responder->send({.body = body}); },
      [&body](const scoria::http::Request& request, scoria::http::Response& response) {
        response.body = body;
        return request.path == "/quick";
      });
  server.start();
  for (const char* path : {"/worker", "/quick"}) {
    const double before = cpu_seconds();
    const double requests = run_wrk(fmt::format("http://127.0.0.1:{}{}", server.port(), path), connections, seconds);
    fmt::print("{}: {:.1f} us CPU per request\n\n", path, (cpu_seconds() - before) * 1e6 / std::max(requests, 1.0));
  }
  fmt::print("peak memory {} MiB\n", used().ru_maxrss / 1024);
  server.drain(std::chrono::seconds{1});
  return 0;
}
