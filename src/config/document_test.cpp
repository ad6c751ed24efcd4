#include "config/document.h"

#include <gtest/gtest.h>

#include "config/config.h"
#include "config/options/common.h"

namespace scoria::config {
namespace {

TEST(Document, the_sample_names_every_option_and_loads_with_all_its_lines_active) {
  const Catalogue all = common();
  std::string text = sample(all);
  for (const Catalogue::Section& section : all.sections())
    for (const Option* option : all.options(section.name)) EXPECT_NE(text.find("\n#" + option->name + " = "), std::string::npos) << option->name;
  std::string active;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    const bool option = text[at] == '#' && text[at + 1] != ' ';
    active += text.substr(at + (option ? 1 : 0), end - at - (option ? 1 : 0));
    at = end;
  }
  Sources sources;
  sources.texts.emplace_back("sample", active);
  const auto loaded = load(all, sources);
  EXPECT_TRUE(loaded) << loaded.error().message;
}

TEST(Document, every_option_has_help_that_is_a_sentence) {
  const Catalogue all = common();
  for (const Catalogue::Section& section : all.sections())
    for (const Option* option : all.options(section.name)) EXPECT_TRUE(option->help.size() > 8 && option->help.back() == '.') << option->name;
}

}  // namespace
}  // namespace scoria::config
