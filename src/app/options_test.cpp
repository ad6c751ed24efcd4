#include "app/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/document.h"

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

TEST(Options, the_packaged_sample_is_what_the_declarations_say) { expect_page("packaging/scoria.conf", config::sample(all_options())); }

}  // namespace
}  // namespace scoria::app
