#include <unistd.h>

#include "app/command_line.h"
#include "app/keeper.h"
#include "cli/cli.h"
#include "config/sources.h"

int main(int count, char** arguments) {
  if (const auto kept = scoria::app::keep_leash({arguments + 1, arguments + count})) return *kept;
  const auto environment = scoria::config::environment_of(environ);
  return scoria::cli::run({arguments + 1, arguments + count}, environment, scoria::app::local_verbs(environment));
}
