#include "app/options.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "app/command_line.h"
#include "app/doctor/doctor.h"
#include "app/node.h"
#include "base/text.h"
#include "cli/grammar.h"
#include "config/document.h"
#include "observe/metrics.h"

namespace scoria::app {
namespace {

/// Compares a committed page with what the program makes; with SCORIA_REGENERATE=1 writes it instead.
void expect_page(const std::string& path, const std::string& made) {
  if (std::getenv("SCORIA_REGENERATE") != nullptr) std::ofstream(path) << made;
  std::ifstream file(path);
  const std::string kept{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(kept == made) << path << " is stale (or this is not the project's root): SCORIA_REGENERATE=1 build/debug/src/app_test writes it";
}

TEST(Options, the_reference_page_is_what_the_declarations_say) { expect_page("docs/reference/configuration.md", config::reference(all_options())); }

/// Every family that this program declares, whether it has values yet or not.
std::string metrics_page() {
  std::string out = "# Metrics\n\n`GET /metrics` answers in Prometheus' text format, without a token. Generated from the declarations: "
                    "`SCORIA_REGENERATE=1 build/debug/src/app_test`.\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n";
  for (const metrics::Declared& family : metrics::declared())
    out += fmt::format("| `{}` | {} | {} | {} |\n", family.name, family.type, join(family.labels, ", "), family.help);
  return out;
}

TEST(Metrics, every_one_is_documented) { expect_page("docs/reference/metrics.md", metrics_page()); }

TEST(Metrics, each_has_a_name_of_ours_a_unit_and_one_declaration) {
  const auto whole_program = &Node::start;  // links what a node is made of, and with it every declaration
  EXPECT_NE(whole_program, nullptr);
  std::set<std::string> names;
  for (const metrics::Declared& family : metrics::declared()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name << " is declared twice";
    EXPECT_TRUE(family.name.starts_with("scoria_") || family.name.starts_with("process_")) << family.name;
    EXPECT_EQ(family.type == "counter", family.name.ends_with("_total")) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
    EXPECT_TRUE(family.type != "histogram" || family.name.ends_with("_seconds") || family.name.ends_with("_bytes")) << family.name;
  }
  EXPECT_GT(names.size(), 20u);
  // Of every part: that its declarations are linked into this test.
  for (const char* name : {"scoria_operations_ended_total", "scoria_operation_takeovers_total", "scoria_http_answers_total", "scoria_outbox_lag_seconds",
                           "scoria_reconciler_findings", "scoria_export_daemon_deaths_total"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Options, the_page_of_the_doctor_names_every_check) { expect_page("docs/reference/doctor.md", doctor::reference()); }

TEST(Options, the_packaged_sample_is_what_the_declarations_say) { expect_page("packaging/scoria.conf", config::sample(all_options())); }

TEST(Options, the_page_of_the_command_line_is_what_help_says) {
  expect_page("docs/reference/cli.md", cli::reference(cli::all_verbs(local_verbs({}))));
}

}  // namespace
}  // namespace scoria::app
