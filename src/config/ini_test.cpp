#include "config/ini.h"

#include <gtest/gtest.h>

namespace scoria::config {
namespace {

std::string flat(std::string_view text) {
  const Ini ini = parse_ini(text);
  std::string out;
  for (const IniEntry& one : ini.entries) out += one.section + "/" + one.key + "=" + one.value + "@" + std::to_string(one.line) + ";";
  for (const IniProblem& one : ini.problems) out += "!" + std::to_string(one.line) + " " + one.text + ";";
  return out;
}

TEST(Ini, keys_stand_in_sections_with_either_separator) {
  EXPECT_EQ(flat("a = 1\n[ x y ]\nb: 2 = 3\nc=\n"), "DEFAULT/a=1@1;x y/b=2 = 3@3;x y/c=@4;");
}

TEST(Ini, comments_are_whole_lines_and_values_keep_their_hashes) {
  EXPECT_EQ(flat("# no\n ; nor this\na = 1 # 2\n"), "DEFAULT/a=1 # 2@3;");
}

TEST(Ini, a_line_that_begins_with_a_blank_continues_the_value) {
  EXPECT_EQ(flat("a = 1,\n  # between\n\t2\nb =\n 3\n"), "DEFAULT/a=1,\n2@1;DEFAULT/b=3@4;");
  EXPECT_EQ(flat("a = 1\n\n 2\n"), "DEFAULT/a=1@1;!3 a line that begins with a blank continues the value above, but there is none;");
}

TEST(Ini, one_pair_of_quotes_is_taken_off) {
  EXPECT_EQ(flat("a = ' x '\nb = \"\nc = '\"y\"'\nd = 'z\"\n"), "DEFAULT/a= x @1;DEFAULT/b=\"@2;DEFAULT/c=\"y\"@3;DEFAULT/d='z\"@4;");
}

TEST(Ini, windows_line_ends_and_byte_order_marks_are_nothing) { EXPECT_EQ(flat("\xef\xbb\xbf[s]\r\na = 1\r\n"), "s/a=1@2;"); }

TEST(Ini, what_is_no_entry_is_told_with_its_line) {
  EXPECT_EQ(flat("[open\nwords\n= 1\n[]\n"),
            "!1 a section header ends with ']';!2 neither a [section] nor key = value;!3 a key is missing before '=';!4 a section needs a name;");
}

TEST(Ini, binary_and_huge_files_end_early) {
  const std::string binary("a = 1\0\1\2\n", 9);
  EXPECT_EQ(flat(binary), "!1 a control character (byte 0x00): this is not a text file;");
  EXPECT_EQ(parse_ini(std::string(2 << 20, 'a')).problems.size(), 1u);
  std::string many;
  for (int i = 0; i < 30'000; ++i) many += "k=v\n";
  EXPECT_EQ(parse_ini(many).entries.size(), 20'000u);
  EXPECT_EQ(parse_ini(many).problems.size(), 1u);
  EXPECT_EQ(parse_ini(std::string(100'000, '\n') + std::string(1000, 'x')).problems.front().line, 100'001);
  std::string noise;
  for (int i = 0; i < 1000; ++i) noise += "\x01\n";
  EXPECT_EQ(parse_ini(noise).problems.size(), 20u);
}

}  // namespace
}  // namespace scoria::config
