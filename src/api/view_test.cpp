#include "api/view.h"

#include <gtest/gtest.h>

namespace scoria::api {
namespace {

struct Sight {
  bool admin = false;
};
struct Thing {
  std::string name;
};

constexpr ViewField<Sight, Thing> fields[] = {
    {"name", 0, no_limit, nullptr, [](json::Writer& out, const Sight&, const Thing& thing) { out.string_or_null(thing.name); }},
    {"old", 0, 12, nullptr, [](json::Writer& out, const Sight&, const Thing&) { out.integer(1); }},
    {"new", 13, no_limit, nullptr, [](json::Writer& out, const Sight&, const Thing&) { out.integer(2); }},
    {"secret", 0, no_limit, [](const Sight& sight, const Thing& thing) { return sight.admin && !thing.name.empty(); },
     [](json::Writer& out, const Sight&, const Thing&) { out.boolean(true); }},
};

std::string written(int minor, const Sight& sight, const Thing& thing) {
  json::Writer out;
  out.begin_object();
  write_members<Sight, Thing>(out, fields, Microversion{minor}, sight, thing);
  return out.end_object().take();
}

TEST(View, members_come_and_go_with_the_microversion) {
  EXPECT_EQ(written(12, {}, {"a"}), R"({"name":"a","old":1})");
  EXPECT_EQ(written(13, {}, {"a"}), R"({"name":"a","new":2})");
}

TEST(View, members_are_shown_to_whom_they_are_meant_for) {
  EXPECT_EQ(written(13, {true}, {"a"}), R"({"name":"a","new":2,"secret":true})");
  EXPECT_EQ(written(13, {true}, {""}), R"({"name":null,"new":2})");
}

TEST(View, an_unset_time_is_null) {
  json::Writer out;
  out.begin_array();
  write_time(out, Timestamp{});
  write_time(out, Timestamp{1});
  EXPECT_EQ(out.end_array().take(), R"([null,"1970-01-01T00:00:00.000001"])");
}

}  // namespace
}  // namespace scoria::api
