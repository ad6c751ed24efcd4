#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::json {
namespace {

Value must_parse(std::string_view text) {
  Result<Value> value = parse(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : Value();
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Parse, every_kind_is_told_apart) {
  const Value value = must_parse(R"( {"n":null,"b":true,"i":-7,"d":1.5,"s":"x","a":[1,[]],"o":{"k":{}}} )");
  EXPECT_TRUE(value["n"].is_null());
  EXPECT_TRUE(value["b"].boolean());
  EXPECT_EQ(value["i"].integer(), -7);
  EXPECT_EQ(value["d"].number(), 1.5);
  EXPECT_EQ(value["s"].string(), "x");
  ASSERT_EQ(value["a"].array().size(), 2U);
  EXPECT_TRUE(value["a"].array()[1].array().empty());
  EXPECT_TRUE(value["o"]["k"].is_object());
  EXPECT_EQ(value.find("absent"), nullptr);
  EXPECT_TRUE(value["absent"]["deeper"].is_null());
}

TEST(Parse, texts_of_another_kind_give_the_fallback) {
  const Value value = must_parse(R"({"s":"x","i":5,"b":true})");
  EXPECT_EQ(value.text_or("s", "y"), "x");
  EXPECT_EQ(value.text_or("i", "y"), "y");
  EXPECT_EQ(value.integer_or("i", 1), 5);
  EXPECT_EQ(value.integer_or("b", 1), 1);
  EXPECT_TRUE(value.flag_or("b"));
  EXPECT_FALSE(value.flag_or("s"));
}

TEST(Parse, of_a_repeated_key_the_last_wins) {
  const Value value = must_parse(R"({"a":1,"b":2,"a":3})");
  EXPECT_EQ(value["a"].integer(), 3);
  EXPECT_EQ(value.object().size(), 3U);
}

TEST(Parse, integers_beyond_64_bits_become_doubles) {
  EXPECT_EQ(must_parse("9223372036854775807").integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(must_parse("-9223372036854775808").integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(must_parse("9223372036854775808").number(), 9223372036854775808.0);
  EXPECT_TRUE(must_parse("9223372036854775808").is_double());
  EXPECT_EQ(must_parse("123456789012345678901234567890").number(), 123456789012345678901234567890.0);
  EXPECT_TRUE(must_parse("1.0").is_double());
}

TEST(Parse, doubles_are_read_to_the_last_bit) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 123.456e-7}) {
    EXPECT_EQ(must_parse(to_text(Value(number))).number(), number);
  }
  EXPECT_EQ(must_parse("1e-400").number(), 0.0);
}

TEST(Parse, bad_texts_are_refused_with_their_place) {
  const std::vector<std::pair<std::string, int>> bad = {
      {"", 0}, {" ", 1}, {"{", 1}, {"[1,]", 3}, {R"({"a" 1})", 5}, {"{'a':1}", 1}, {"[NaN]", 1}, {"[Infinity]", 1},
      {"1 2", 2}, {"/**/1", 0}, {"[1,2", 4}, {"01", 1}, {"nul", 3}, {"\"\n\"", 1}};
  for (const auto& [text, at] : bad) {
    const Result<Value> value = parse(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, RefusalCode::invalid_input);
    EXPECT_NE(value.error().message.find(fmt::format("byte {}:", at)), std::string::npos) << text << " → " << value.error().message;
  }
}

TEST(Parse, what_would_break_a_reader_later_is_refused) {
  EXPECT_FALSE(parse("1e400"));
  EXPECT_FALSE(parse("-1e400"));
  EXPECT_FALSE(parse("1" + std::string(400, '0')));
  EXPECT_FALSE(parse("\"\xff\""));
  EXPECT_FALSE(parse("\"\xc0\xaf\""));
  EXPECT_FALSE(parse("\"\xed\xa0\x80\""));
  EXPECT_FALSE(parse(R"("\ud800")"));
  EXPECT_FALSE(parse(R"("\udc00")"));
  EXPECT_EQ(must_parse(R"("\ud83d\ude00")").string(), "\xf0\x9f\x98\x80");
  EXPECT_EQ(must_parse(R"("a\u0000b")").string(), std::string("a\0b", 3));
}

TEST(Parse, depth_is_limited) {
  EXPECT_TRUE(parse(nested(32)));
  EXPECT_FALSE(parse(nested(33)));
  EXPECT_TRUE(parse(nested(4), 4));
  EXPECT_FALSE(parse(nested(5), 4));
  EXPECT_FALSE(parse(std::string(100000, '[')));
  EXPECT_FALSE(parse(std::string(100000, '{')));
}

TEST(Writer, commas_and_nesting_are_its_business) {
  Writer writer;
  writer.begin_object().field("a", 1).key("l").begin_array().integer(1).string("x").begin_object().end_object().begin_array().end_array();
  writer.null().boolean(false).end_array().field("t", true).field("e", "").key("n").string_or_null("").key("r").raw("[7]").end_object();
  EXPECT_EQ(writer.take(), R"({"a":1,"l":[1,"x",{},[],null,false],"t":true,"e":"","n":null,"r":[7]})");
  EXPECT_EQ(writer.begin_array().end_array().take(), "[]");
}

TEST(Writer, a_text_can_come_in_pieces) {
  Writer out;
  out.reserve(4000);
  out.begin_array().string({"a\"", "", "b"}).string({});
  for (std::size_t length = 0; length < 40; ++length) out.string({std::string(length, 'x'), "\n", std::string(40 - length, 'y')});
  std::string wanted = R"(["a\"b","")";
  for (std::size_t length = 0; length < 40; ++length) wanted += ",\"" + std::string(length, 'x') + "\\n" + std::string(40 - length, 'y') + "\"";
  EXPECT_EQ(out.end_array().take(), wanted + "]");
}

TEST(Writer, a_plain_key_is_written_as_it_stands) {
  Writer out, spaced(true);
  EXPECT_EQ(out.begin_object().plain_key("a").integer(1).plain_key("os-b:c").null().end_object().take(), R"({"a":1,"os-b:c":null})");
  EXPECT_EQ(spaced.begin_object().plain_key("a").integer(1).plain_key("b").null().end_object().take(), R"({"a": 1, "b": null})");
}

TEST(WriterDeathTest, unbalanced_documents_are_bugs) {
  EXPECT_DEATH(Writer().end_object(), "without begin");
  EXPECT_DEATH(Writer().begin_array().take(), "unfinished");
  EXPECT_DEATH(Writer().key("a"), "outside an object");
  EXPECT_DEATH(Writer().begin_object().key("a").end_object(), "without a value");
}

TEST(Writer, only_what_must_be_escaped_is) {
  EXPECT_EQ(Writer().string("plain text of more than eight bytes/").take(), "\"plain text of more than eight bytes/\"");
  EXPECT_EQ(Writer().string("a\"b\\c\n\r\t\b\f\x01\x1f\x7f").take(), "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"");
  EXPECT_EQ(Writer().string("grün €\xf0\x9f\x98\x80").take(), "\"grün €\xf0\x9f\x98\x80\"");
  EXPECT_EQ(Writer().string(std::string_view("\0", 1)).take(), "\"\\u0000\"");
}

TEST(Writer, a_special_character_is_found_at_every_offset) {
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (const char special : {'"', '\\', '\n', '\x1f', '\x7f', '\xff'}) {
        std::string text(length, 'a');
        text[at] = special;
        const std::string expected = special == '\xff' ? text.replace(at, 1, "\xef\xbf\xbd") : text;
        EXPECT_EQ(must_parse(Writer().string(special == '\xff' ? std::string(length, 'a').replace(at, 1, "\xff") : text).take()).string(), expected);
      }
    }
  }
}

TEST(Writer, invalid_utf8_is_replaced) {
  const auto written = [](std::string_view text) { return Writer().string(text).take(); };
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(written("a\xff z"), "\"a" + mark + " z\"");
  EXPECT_EQ(written("\xc3"), "\"" + mark + "\"");
  EXPECT_EQ(written("\xe2\x82"), "\"" + mark + "\"");                          // truncated: one
  EXPECT_EQ(written("\xe2\x82x"), "\"" + mark + "x\"");                        // what follows stays
  EXPECT_EQ(written("\xc0\xaf"), "\"" + mark + mark + "\"");                   // overlong
  EXPECT_EQ(written("\xed\xa0\x80"), "\"" + mark + mark + mark + "\"");        // a surrogate
  EXPECT_EQ(written("\xf4\x90\x80\x80"), "\"" + mark + mark + mark + mark + "\"");
  EXPECT_EQ(Writer(true).string("\xff").take(), R"("\ufffd")");
}

// The right-hand sides are what Python 3.11's json.dumps prints.
TEST(Writer, spaced_text_is_byte_for_byte_pythons) {
  Writer writer(true);
  writer.begin_object().field("a", 1).field("b", "x").key("c").begin_array().integer(1).integer(2).end_array();
  writer.key("d").begin_object().end_object().key("e").null().end_object();
  EXPECT_EQ(writer.take(), R"({"a": 1, "b": "x", "c": [1, 2], "d": {}, "e": null})");
  EXPECT_EQ(Writer(true).string("ü€\xf0\x9f\x98\x80/\"\\\n\r\t\b\f\x01\x1f\x7f").take(),
            R"("\u00fc\u20ac\ud83d\ude00/\"\\\n\r\t\b\f\u0001\u001f\u007f")");
}

TEST(Writer, numbers_are_written_as_python_writes_them) {
  const std::vector<std::pair<double, std::string>> numbers = {
      {0.0, "0.0"}, {-0.0, "-0.0"}, {1.0, "1.0"}, {-2.5, "-2.5"}, {0.1, "0.1"}, {100.0, "100.0"}, {123456.789, "123456.789"},
      {1e15, "1000000000000000.0"}, {1e16, "1e+16"}, {1.5e16, "1.5e+16"}, {1e22, "1e+22"}, {1e100, "1e+100"},
      {0.0001, "0.0001"}, {0.00012, "0.00012"}, {0.00001, "1e-05"}, {1.5e-7, "1.5e-07"}, {5e-324, "5e-324"}, {1.0 / 3, "0.3333333333333333"}};
  for (const auto& [number, text] : numbers) EXPECT_EQ(Writer().number(number).take(), text);
  EXPECT_EQ(Writer().number(std::nan("")).take(), "null");
  EXPECT_EQ(Writer().number(std::numeric_limits<double>::infinity()).take(), "null");
  EXPECT_EQ(Writer().integer(std::numeric_limits<std::int64_t>::min()).take(), "-9223372036854775808");
}

class Documents {
 public:
  explicit Documents(std::uint64_t seed) : random_(seed) {}

  Value any(std::size_t depth) {
    switch (random_.below(depth == 0 ? 5 : 7)) {
      case 0: return Value();
      case 1: return Value(random_.below(2) == 0);
      case 2: return Value(static_cast<std::int64_t>(random_.next() >> random_.below(64)) * (random_.below(2) == 0 ? 1 : -1));
      case 3: return Value(fraction());
      case 4: return Value(text());
      case 5: {
        Array items;
        for (std::uint64_t left = random_.below(5); left > 0; --left) items.push_back(any(depth - 1));
        return Value(std::move(items));
      }
      default: {
        Object members;
        for (std::uint64_t left = random_.below(5); left > 0; --left) members.emplace_back(text(), any(depth - 1));
        return Value(std::move(members));
      }
    }
  }

 private:
  double fraction() {
    while (true) {
      const double number = std::bit_cast<double>(random_.next());
      if (std::isfinite(number)) return number;
    }
  }

  std::string text() {
    static constexpr std::array<std::string_view, 12> pieces = {"a", "volume", "\"", "\\", "\n", "\x01", "\x7f", "ü", "€", "\xf0\x9f\x98\x80", "/", " "};
    std::string out;
    for (std::uint64_t left = random_.below(12); left > 0; --left) out += pieces[random_.below(pieces.size())];
    return out;
  }

  SeededRandom random_;
};

TEST(Json, a_document_survives_the_round_trip) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const Value value = Documents(seed).any(5);
    EXPECT_EQ(must_parse(to_text(value)), value) << "seed " << seed << ": " << to_text(value);
    EXPECT_EQ(must_parse(to_text(value, true)), value) << "seed " << seed << ": " << to_text(value, true);
  }
}

}  // namespace
}  // namespace scoria::json
