#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/output.h"

/// What can be said to `scoria`: one table, from which the parser, the help and docs/reference/cli.md are made.
namespace scoria::cli {

/// What one command line says: arguments and options by their names, without dashes.
class Given {
 public:
  std::map<std::string, std::vector<std::string>> values;

  bool has(const std::string& name) const { return values.contains(name) && !values.at(name).empty(); }
  std::string text(const std::string& name, const std::string& otherwise = {}) const { return has(name) ? values.at(name).back() : otherwise; }
  const std::vector<std::string>& all(const std::string& name) const;
};

struct Session {
  Client& client;
  const Given& given;
  Output& output;
};

struct Argument {
  std::string name, help;
  bool required = true;
};

struct Option {
  enum class Takes { nothing, one, many };
  std::string name;  // without dashes
  std::string help;
  Takes takes = Takes::one;
};

struct Verb {
  std::string noun;  // "volume"; "admin pool": a noun of a noun; empty for `scoria attach`
  std::string name, help;
  std::vector<Argument> arguments;
  std::vector<Option> options;
  Result<> (*run)(Session&) = nullptr;          // asks a deployment
  std::function<int(const Given&)> local = {};  // or works on this machine, and gives the exit code
  bool local_if_unreachable = false;            // is both: works on this machine when the deployment does not answer
};

inline const Option wait_option{"wait", "stay until it is done, with progress; Ctrl-C leaves it running", Option::Takes::nothing};
inline const Option all_projects_option{"all-projects", "of every project (administrators)", Option::Takes::nothing};

extern const char* const check_help;
extern const char* const doctor_help;
/// Tells an answer of GET /scoria/v1/doctor. Refuses when something is wrong, so that the exit code tells.
Result<> tell_doctor(const Output& output, const json::Value& report);
/// Tells a report of GET /scoria/v1/check. Refuses when an invariant does not hold, so that the exit code tells.
Result<> tell_check(const Output& output, const json::Value& report);

extern const char *const upgrade_status_help, *const upgrade_finalize_help;
/// Tells a report of GET /scoria/v1/upgrade.
Result<> tell_upgrade(const Output& output, const json::Value& report);

std::vector<Verb> volume_verbs();
std::vector<Verb> snapshot_verbs();
std::vector<Verb> type_verbs();
std::vector<Verb> attachment_verbs();
std::vector<Verb> quota_verbs();
std::vector<Verb> deployment_verbs();  // service, pool, message, admin
std::vector<Verb> upgrade_verbs();
std::vector<Verb> operation_verbs();
std::vector<Verb> node_verbs();
std::vector<Verb> cluster_verbs();
std::vector<Verb> status_verbs();

}  // namespace scoria::cli
