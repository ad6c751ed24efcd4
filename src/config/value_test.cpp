#include "config/value.h"

#include <gtest/gtest.h>

namespace scoria::config {
namespace {

struct Everything {
  bool flag = true;
  int count = 5;
  std::int64_t large = 1;
  std::uint16_t port = 8776;
  double ratio = 20.5;
  std::string text = "hello";
  std::string address = "::1";
  std::vector<std::string> list{"a", "b"};
  std::vector<std::string> lines{"x,y", "z"};
  Bytes size{10 * gib};
  Duration time = std::chrono::milliseconds{250};
  Secret secret{"hush"};

  void declare(Fields& fields) {
    fields.add("flag", &flag, "");
    fields.add("count", &count, "").between(1, 10);
    fields.add("large", &large, "");
    fields.add("port", &port, "");
    fields.add("ratio", &ratio, "").at_least(1);
    fields.add("text", &text, "");
    fields.add("address", &address, "").host();
    fields.add("list", &list, "");
    fields.add("lines", &lines, "").repeated();
    fields.add("size", &size, "").at_least(1024);
    fields.add("time", &time, "").at_most(60);
    fields.add("secret", &secret, "");
  }
};

class Values : public testing::Test {
 protected:
  void SetUp() override { everything_.declare(fields_); }
  /// Empty when the text was taken, else what is wrong with it.
  std::string put(std::string_view name, const std::string& text) {
    for (Fields::Field& field : fields_.all()) {
      if (field.option.name != name) continue;
      const auto value = parse(field.option, {text});
      if (!value) return value.error();
      store(*value, field.slot);
      return {};
    }
    return "no such option";
  }
  Everything everything_;
  Fields fields_;
};

TEST_F(Values, the_defaults_written_as_text_read_back_as_the_same) {
  const Everything before;
  for (Fields::Field& field : fields_.all()) {
    if (field.option.kind == Kind::multi) continue;
    EXPECT_EQ(put(field.option.name, field.option.fallback), "") << field.option.name << " = " << field.option.fallback;
  }
  EXPECT_EQ(everything_.flag, before.flag);
  EXPECT_EQ(everything_.count, before.count);
  EXPECT_EQ(everything_.port, before.port);
  EXPECT_EQ(everything_.ratio, before.ratio);
  EXPECT_EQ(everything_.list, before.list);
  EXPECT_EQ(everything_.size, before.size);
  EXPECT_EQ(everything_.time, before.time);
  EXPECT_EQ(everything_.secret.reveal(), "hush");
}

TEST_F(Values, units_of_sizes_and_times_are_read) {
  EXPECT_EQ(put("size", "114688"), "");
  EXPECT_EQ(everything_.size.count, 114'688);
  EXPECT_EQ(put("size", "1.5 gib"), "");
  EXPECT_EQ(everything_.size.count, gib * 3 / 2);
  EXPECT_EQ(put("time", "30"), "");
  EXPECT_EQ(everything_.time, std::chrono::seconds{30});
  EXPECT_EQ(put("time", "1min"), "");
  EXPECT_EQ(everything_.time, std::chrono::seconds{60});
  EXPECT_EQ(put("time", "0.5 ms"), "");
  EXPECT_EQ(everything_.time, Duration{500});
}

TEST_F(Values, wrong_values_are_told_what_is_wanted) {
  EXPECT_EQ(put("flag", "maybe"), "is not true or false");
  EXPECT_EQ(put("count", "11"), "is not a whole number, from 1 to 10");
  EXPECT_EQ(put("count", "5x"), "is not a whole number, from 1 to 10");
  EXPECT_EQ(put("count", ""), "is not a whole number, from 1 to 10");
  EXPECT_EQ(put("large", "99999999999999999999"), "is not a whole number");
  EXPECT_EQ(put("port", "65536"), "is not a port number");
  EXPECT_EQ(put("port", "-1"), "is not a port number");
  EXPECT_EQ(put("ratio", "nan"), "is not a number, at least 1");
  EXPECT_EQ(put("ratio", "0.9"), "is not a number, at least 1");
  EXPECT_EQ(put("address", "a b"), "is not a host name or IP address");
  EXPECT_EQ(put("size", "512"), "is not a size such as 512 MiB or 10 GiB, at least 1 KiB");
  EXPECT_EQ(put("size", "9000000 TiB"), "is not a size such as 512 MiB or 10 GiB, at least 1 KiB");
  EXPECT_EQ(put("size", "-5 GiB"), "is not a size such as 512 MiB or 10 GiB, at least 1 KiB");
  EXPECT_EQ(put("time", "2min"), "is not a time such as 250ms, 30s or 5min (a bare number: seconds), at most 1min");
  EXPECT_EQ(put("time", "5 parsec"), "is not a time such as 250ms, 30s or 5min (a bare number: seconds), at most 1min");
}

TEST_F(Values, lists_lose_blanks_and_empty_items) {
  EXPECT_EQ(put("list", " a , ,b,\nc "), "");
  EXPECT_EQ(everything_.list, (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Secret, urls_lose_only_their_password) {
  EXPECT_EQ(masked_url("postgresql://scoria:p@ss@db/scoria"), "postgresql://scoria:***@db/scoria");
  EXPECT_EQ(masked_url("postgresql://db/scoria?password=x"), "postgresql://db/scoria?***");
  EXPECT_EQ(masked_url("sqlite:////var/lib/scoria/db"), "sqlite:////var/lib/scoria/db");
  EXPECT_EQ(masked_url("no url at all"), "***");
}

}  // namespace
}  // namespace scoria::config
