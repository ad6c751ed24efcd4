#include "drivers/proofs.h"

#include <fmt/core.h>

#include <algorithm>
#include <system_error>

#include "base/hash.h"
#include "json/parse.h"
#include "json/writer.h"
#include "os/files.h"

namespace scoria::drivers {
namespace {

/// Proofs of this tree's own drivers, as the kit gave them out. tests/conformance.sh makes them again. `fake` has none: its
/// array lives in one process.
struct BuiltIn {
  std::string_view driver, proof;
};
constexpr BuiltIn built_in[] = {{"file", "ca7290ba95f99e03"}};

std::string unproven_by(std::string_view driver, std::string_view version, const std::string& report_file) {
  std::string text;
  try {
    text = os::read_file(report_file);
  } catch (const std::system_error& failure) {
    return fmt::format("the report of its proof cannot be read: {}", failure.what());
  }
  const auto report = json::parse(text);
  if (!report || report->text_or("proof").empty()) return fmt::format("{} is no report of scoria-conformance --nodes", report_file);
  if (report->text_or("driver") != driver || report->text_or("version") != version)
    return fmt::format("{} is about driver {} {}, and this is {} {}", report_file, report->text_or("driver"), report->text_or("version"), driver, version);
  if (report->text_or("proof") != proof_of(driver, version)) return fmt::format("{} was written by another version of the conformance kit: let it run again", report_file);
  return {};
}

}  // namespace

std::span<const std::string_view> node_checks() {
  static constexpr std::string_view all[] = {"three_nodes_work_side_by_side", "one_name_is_made_by_one_node", "one_copy_is_made_by_one_node",
                                             "a_node_that_starts_leaves_others_work_alone", "a_late_call_of_a_paused_node_changes_nothing"};
  return all;
}

std::string proof_of(std::string_view driver, std::string_view version) {
  std::string text = fmt::format("{}\n{}\n{}\n", driver, version, node_checks_version);
  for (const std::string_view check : node_checks()) text += fmt::format("{}\n", check);
  return fmt::format("{:016x}", fnv1a(text));
}

std::string proof_report(std::string_view driver, std::string_view version, std::uint64_t seed) {
  json::Writer out;
  out.begin_object().field("driver", driver).field("version", version).field("nodes", 3).field("seed", std::to_string(seed)).key("checks").begin_array();
  for (const std::string_view check : node_checks()) out.string(check);
  return out.end_array().field("proof", std::string_view{proof_of(driver, version)}).end_object().take();
}

std::string unproven(std::string_view driver, const Driver& made, const std::string& report_file) {
  const std::string version = made.version();
  if (!report_file.empty()) return unproven_by(driver, version, report_file);
  const auto* known = std::find_if(std::begin(built_in), std::end(built_in), [&](const BuiltIn& one) { return one.driver == driver; });
  if (known != std::end(built_in) && known->proof == proof_of(driver, version)) return {};
  return fmt::format("that several nodes may use driver {} {} at once is not proved (scoria-conformance --nodes)", driver, version);
}

}  // namespace scoria::drivers
