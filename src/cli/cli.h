#pragma once
#include <string>
#include <vector>

#include "cli/grammar.h"

namespace scoria::cli {

/// Runs one command line: a verb of the client against a deployment, or one of `local`. Prints to stdout; errors, with what
/// to do, to stderr. Gives the exit code, which docs/reference/cli.md promises.
int run(const std::vector<std::string>& words, const Environment& environment, std::vector<Verb> local);

/// The exit code of a refusal: 1 failed, 3 not found, 4 conflict, 5 denied, 6 quota, 7 still running, 8 unreachable, 130 Ctrl-C.
int exit_code(const Refusal& refusal);
/// What to do about it, if the message alone does not say.
std::string hint_for(const Refusal& refusal, const Verb& verb);

}  // namespace scoria::cli
