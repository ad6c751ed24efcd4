#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.h"

namespace scoria::cli {

std::vector<Verb> client_verbs();
/// Those of the client and of this machine. A verb that is both works on this machine when the command line says where its
/// configuration comes from, else it asks the service.
std::vector<Verb> all_verbs(std::vector<Verb> local);
/// True if this command line is for this machine.
bool works_locally(const Verb& verb, const Given& given);

struct Parsed {
  const Verb* verb = nullptr;  // of the verbs given to parse()
  Given given;
  int exit_code = 0;  // when there is no verb: 0 after help, 2 after a mistake; both are already told
};
Parsed parse(const std::vector<Verb>& verbs, const std::vector<std::string>& words);

/// docs/reference/cli.md: exit codes, and the help of every verb.
std::string reference(const std::vector<Verb>& verbs);

}  // namespace scoria::cli
