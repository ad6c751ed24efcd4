#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scoria::load {

struct Project {
  std::string id, token;
};

/// Who asks, and for what: read from a file of lines "project ID TOKEN" and "volume ID", the latter of the first project.
struct Plan {
  std::vector<Project> projects;
  std::vector<std::string> volumes;
};
/// Throws std::runtime_error with what is wrong.
Plan read_plan(const std::string& path);

/// What a client does when an answer has come.
struct Next {
  std::string request;        // the whole request; empty: nothing, what is watched will tell
  std::int64_t after_us = 0;  // to be sent so much later
  bool cycle_ended = false;   // this answer was the last of a cycle, `request` begins the next
};

/// One client's loop. Throws std::runtime_error when an answer is not as it must be.
class Scenario {
 public:
  virtual ~Scenario() = default;
  virtual std::string begin() = 0;
  virtual Next answered(int status, std::string_view body) = 0;
  /// The request for a stream of lines that is open from before begin() on; empty: none.
  virtual std::string watch() const { return {}; }
  /// A line of it. Nothing: it says nothing new.
  virtual std::optional<Next> told(std::string_view) { return std::nullopt; }
};

/// `name` is show, list, create, watch (create, seen by watching) or attach; nothing for another. `number` is the client's; create, watch and attach work in
/// project number `number` of the plan, modulo their count, in the first only if `one_project`.
std::unique_ptr<Scenario> make_scenario(std::string_view name, const Plan& plan, int number, bool one_project);

}  // namespace scoria::load
