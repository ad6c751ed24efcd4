#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "app/command_line.h"
#include "app/config_command.h"
#include "app/logging.h"
#include "app/node.h"
#include "app/options.h"
#include "cli/cli.h"
#include "base/failpoint.h"
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

/// SCORIA_FAILPOINTS injects faults, for tests of a whole process. Throws std::invalid_argument when it makes no sense.
void arm_failpoints(const config::Sources& sources) {
  for (const auto& [name, value] : sources.environment) {
    if (name != "SCORIA_FAILPOINTS") continue;
    failpoint::arm_from(value);
    log::warning("app", {}, "faults are injected on purpose: {}", value);
  }
}

int serve(const config::Sources& sources) {
  auto config = config::load(app::all_options(), sources);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  block_signals();
  app::start_logging(*config);
  SystemClock clock;
  try {
    arm_failpoints(sources);
    app::Node node(*config, clock);
    node.start();
    while (wait_for_signal() == SIGHUP) {
      app::reload(*config);
      node.reload(*config);
    }
    node.stop();
    log::stop();
    return 0;
  } catch (const std::exception& failure) {
    log::stop();
    std::fprintf(stderr, "scoria: %s\n", failure.what());
    return 1;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && cli::knows(arguments[1])) {
    cli::Environment environment;
    for (char** one = environ; *one != nullptr; ++one)
      if (const char* equals = std::strchr(*one, '='); equals != nullptr) environment.emplace_back(std::string(*one, static_cast<std::size_t>(equals - *one)), equals + 1);
    return cli::run({arguments + 1, arguments + count}, environment);
  }
  const auto line = app::read_command_line({arguments + 1, arguments + count}, config::environment_of(environ));
  if (!line) {
    std::fprintf(stderr, "scoria: %s\n", line.error().message.c_str());
    return 2;
  }
  const std::vector<std::string>& words = line->words;
  if (!words.empty() && words.front() == "serve") return serve(line->sources);
  if (!words.empty() && words.front() == "config") return app::config_command({words.begin() + 1, words.end()}, line->sources);
  std::fprintf(stderr, "usage: scoria serve|config [--config-file FILE] [--config-dir DIRECTORY] [--set section.key=value]\n"
                       "       scoria volume|snapshot|attachment|operation|attach|detach … --help\n");
  return 2;
}
