#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "app/node.h"
#include "app/options.h"
#include "base/failpoint.h"
#include "config/sources.h"
#include "observe/log.h"

namespace {

using namespace scoria;

/// Blocks the signals that end or reload the process, before any thread is made, and waits for them here.
int wait_for_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  int received = 0;
  ::sigwait(&set, &received);
  return received;
}

void block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int serve(const config::Sources& sources) {
  auto config = config::load(app::all_options(), sources);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  block_signals();
  SystemClock clock;
  try {
    app::Node node(*config, clock);
    node.start();
    while (wait_for_signal() == SIGHUP) {}
    node.stop();
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "scoria: %s\n", failure.what());
    return 1;
  }
}

}  // namespace

int main(int count, char** arguments) {
  config::Sources sources;
  sources.environment = config::environment_of(environ);
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  sources.presets.push_back({"DEFAULT.host", host, "this machine's name"});
  for (int i = 2; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--config-file") == 0) sources.files.push_back({arguments[i + 1], true});
    if (std::strcmp(arguments[i], "--set") == 0) sources.settings.emplace_back(arguments[i + 1]);
  }
  if (count > 1 && std::strcmp(arguments[1], "serve") == 0) return serve(sources);
  std::fprintf(stderr, "usage: scoria serve [--config-file FILE] [--set section.key=value]\n");
  return 2;
}
