#include "api/listing.h"

#include <gtest/gtest.h>

#include "api/python_literal.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

using Op = ListFilter::Test;
using Query = std::vector<std::pair<std::string, std::string>>;

struct Listing : ::testing::Test {
  http::Request sent;
  bool admin = false;
  int minor = 71;
  ListLimits limits;

  ApiRequest request() {
    ApiRequest out(sent, nullptr);
    out.version = Microversion{minor};
    out.context.is_admin = admin;
    out.context.project_id = "p1";
    out.links = Links{"http://api", "p1", "/v3/p1/volumes"};
    return out;
  }
  Result<ListQuery> read(Query query, const ListRules& rules = volume_list) {
    sent.query = std::move(query);
    return read_list(request(), rules, limits);
  }
  RefusalCode refusal(Query query, const ListRules& rules = volume_list) {
    const Result<ListQuery> result = read(std::move(query), rules);
    EXPECT_FALSE(result);
    return result ? RefusalCode::forbidden : result.error().code;
  }
};

std::string order_of(const ListQuery& query) {
  std::string out;
  for (const SortKey& key : query.sort) out += fmt::format("{}{}", key.ascending ? '+' : '-', key.key);
  return out;
}

TEST_F(Listing, without_parameters_the_newest_thousand_of_the_own_project) {
  const ListQuery query = read({}).value();
  EXPECT_EQ(query.limit, 1000);
  EXPECT_EQ(query.offset, 0);
  EXPECT_EQ(query.project_id, "p1");
  EXPECT_EQ(order_of(query), "-created_at-id");
  EXPECT_TRUE(query.filters.empty());
}

TEST_F(Listing, limits_are_clipped_and_checked) {
  EXPECT_EQ(read({{"limit", "5000"}}).value().limit, 1000);
  EXPECT_EQ(read({{"limit", "0"}}).value().limit, 0);
  for (const char* bad : {"-1", "x", "", "1.5"}) EXPECT_EQ(refusal({{"limit", bad}}), RefusalCode::invalid_input) << bad;
  EXPECT_EQ(read({{"offset", "2147483647"}}).value().offset, 2147483647);
  for (const char* bad : {"-1", "2147483648", "x"}) EXPECT_EQ(refusal({{"offset", bad}}), RefusalCode::invalid_input) << bad;
  EXPECT_EQ(read({{"limit", "1"}, {"limit", "7"}}).value().limit, 7);
}

TEST_F(Listing, sorting_in_both_styles) {
  EXPECT_EQ(order_of(read({{"sort", "name:asc,size"}}).value()), "+name-size+created_at+id");
  EXPECT_EQ(order_of(read({{"sort", " name : asc , id:desc,size"}}).value()), "+name-id");
  EXPECT_EQ(order_of(read({{"sort_key", "status"}}).value()), "-status-created_at-id");
  EXPECT_EQ(order_of(read({{"sort_key", "status"}, {"sort_dir", "asc"}}).value()), "+status+created_at+id");
  EXPECT_EQ(order_of(read({{"sort_dir", "asc"}}).value()), "+created_at+id");
}

TEST_F(Listing, clients_may_use_the_old_names_of_columns) {
  EXPECT_EQ(order_of(read({{"sort", "display_name:asc"}}).value()), "+name+created_at+id");
  minor = 29;
  EXPECT_EQ(order_of(read({{"sort", "display_name:asc"}}, snapshot_list).value()), "+name+created_at+id");
  admin = true;
  EXPECT_EQ(read({{"display_name", "a"}}).value().filters.at(0).key, "name");
}

TEST_F(Listing, bad_sorts_are_refused) {
  for (const Query& bad : {Query{{"sort", "nothing"}}, Query{{"sort", "name:up"}}, Query{{"sort", "name"}, {"sort_key", "name"}}, Query{{"sort", ""}},
                           Query{{"sort_key", "metadata"}}, Query{{"sort", "name,"}}}) {
    EXPECT_EQ(refusal(bad), RefusalCode::invalid_input) << bad[0].second;
  }
  minor = 29;
  EXPECT_EQ(refusal({{"sort", "name"}}, snapshot_list), RefusalCode::invalid_input);
  minor = 30;
  EXPECT_TRUE(read({{"sort", "name"}}, snapshot_list));
}

TEST_F(Listing, all_tenants_is_the_admins) {
  EXPECT_EQ(read({{"all_tenants", "1"}}).value().project_id, "p1");
  admin = true;
  EXPECT_EQ(read({{"all_tenants", "1"}}).value().project_id, "");
  EXPECT_EQ(read({{"all_tenants", "0"}}).value().project_id, "p1");
  EXPECT_EQ(read({}).value().project_id, "p1");
  EXPECT_EQ(refusal({{"all_tenants", "perhaps"}}), RefusalCode::invalid_input);
}

TEST_F(Listing, with_count_begins_at_3_45) {
  EXPECT_TRUE(read({{"with_count", "true"}}).value().with_count);
  EXPECT_FALSE(read({{"with_count", "false"}}).value().with_count);
  EXPECT_EQ(refusal({{"with_count", "x"}}), RefusalCode::invalid_input);
  minor = 44;
  EXPECT_EQ(refusal({{"with_count", "true"}}), RefusalCode::invalid_input);
  minor = 30;
  EXPECT_FALSE(read({{"with_count", "true"}}).value().with_count);
}

TEST_F(Listing, below_3_31_unknown_filters_of_members_are_dropped) {
  minor = 30;
  const ListQuery query = read({{"name", "a"}, {"host", "h"}, {"nonsense", "1"}, {"migration_status", "none"}}).value();
  ASSERT_EQ(query.filters.size(), 1U);
  EXPECT_EQ(query.filters[0].key, "name");
  EXPECT_FALSE(query.nothing);
}

TEST_F(Listing, below_their_microversion_filters_are_dropped) {
  minor = 9;
  EXPECT_TRUE(read({{"group_id", "g"}}).value().filters.empty());
  minor = 10;
  EXPECT_EQ(read({{"group_id", "g"}}).value().filters.size(), 1U);
  admin = true;
  minor = 3;
  EXPECT_TRUE(read({{"glance_metadata", "{'a':'b'}"}}).value().filters.empty());
  EXPECT_TRUE(read({{"metadata", "{'a':'b'}"}}, snapshot_list).value().filters.empty());
}

TEST_F(Listing, from_3_31_unknown_filters_of_members_are_refused) {
  minor = 31;
  EXPECT_EQ(refusal({{"host", "h"}}), RefusalCode::invalid_input);
  EXPECT_EQ(refusal({{"nonsense", "1"}}), RefusalCode::invalid_input);
  EXPECT_EQ(refusal({{"n\xc3\xa4me", "1"}}), RefusalCode::invalid_input);
  EXPECT_TRUE(read({{"name", "a"}, {"created_at", "gt:2026-01-01"}}));
}

TEST_F(Listing, an_admin_may_filter_by_anything_and_finds_nothing_by_nonsense) {
  admin = true;
  EXPECT_FALSE(read({{"host", "h@b"}}).value().nothing);
  EXPECT_TRUE(read({{"nonsense", "1"}}).value().nothing);
}

TEST_F(Listing, an_operators_file_decides_for_members) {
  limits.filters = ResourceFilters::read(R"({"volume": ["name~", "host"]})").value();
  EXPECT_TRUE(read({{"name", "a"}}));
  EXPECT_EQ(read({{"name~", "a"}}).value().filters.at(0).test, Op::contains);
  EXPECT_TRUE(read({{"host", "a"}}));
  EXPECT_FALSE(read({{"host~", "a"}}));
  EXPECT_FALSE(read({{"status", "a"}}));
  EXPECT_TRUE(read({{"status", "a"}}, snapshot_list));
  minor = 33;
  EXPECT_FALSE(read({{"name~", "a"}}));
}

TEST_F(Listing, a_broken_operators_file_is_refused) {
  for (const char* text : {"", "[]", R"({"volume": "name"})", R"({"volume": [1]})"}) EXPECT_FALSE(ResourceFilters::read(text)) << text;
}

TEST_F(Listing, the_shipped_file_has_no_inexact_filters_but_an_admin_needs_none) {
  EXPECT_FALSE(read({{"name~", "a"}}));
  admin = true;
  EXPECT_EQ(read({{"name~", "a"}}).value().filters.at(0).test, Op::contains);
}

TEST_F(Listing, values_are_read_as_python_literals) {
  const ListFilter list = read({{"status", "['available', 'error']"}}).value().filters.at(0);
  EXPECT_EQ(list.test, Op::one_of);
  ASSERT_EQ(list.values.size(), 2U);
  EXPECT_EQ(list.values[1].value(), "error");
  EXPECT_EQ(read({{"status", "'available'"}}).value().filters.at(0).values[0].value(), "available");
  EXPECT_EQ(read({{"status", "available"}}).value().filters.at(0).values[0].value(), "available");
  EXPECT_EQ(read({{"availability_zone", "None"}}).value().filters.at(0).values[0], std::nullopt);
  EXPECT_EQ(read({{"size", "007"}}).value().filters.at(0).values[0].value(), "007");
}

TEST_F(Listing, names_stay_as_they_are) { EXPECT_EQ(read({{"name", "['a']"}}).value().filters.at(0).values[0].value(), "['a']"); }

TEST_F(Listing, metadata_is_a_dictionary) {
  const ListFilter filter = read({{"metadata", "{'k': 'v', \"n\": 1}"}}).value().filters.at(0);
  EXPECT_EQ(filter.test, Op::has_entries);
  ASSERT_EQ(filter.entries.size(), 2U);
  EXPECT_EQ(filter.entries[1].second, "1");
  EXPECT_TRUE(read({{"metadata", "k"}}).value().nothing);
  EXPECT_TRUE(read({{"metadata", "{'k': ['v']}"}}).value().nothing);
}

TEST_F(Listing, booleans_are_strict_from_3_2) {
  EXPECT_EQ(read({{"bootable", "YES"}}).value().filters.at(0).values[0].value(), "true");
  EXPECT_EQ(read({{"bootable", "off"}}).value().filters.at(0).values[0].value(), "false");
  EXPECT_EQ(refusal({{"bootable", "maybe"}}), RefusalCode::invalid_input);
  minor = 1;
  EXPECT_EQ(read({{"bootable", "maybe"}}).value().filters.at(0).values[0].value(), "true");
  EXPECT_EQ(read({{"bootable", "FALSE"}}).value().filters.at(0).values[0].value(), "false");
  EXPECT_EQ(read({{"bootable", "fAlse"}}).value().filters.at(0).values[0].value(), "true");
}

TEST_F(Listing, times_are_compared) {
  const ListQuery query = read({{"created_at", "gt:2026-01-01T00:00:00,lte:2026-02-01T00:00:00Z"}}).value();
  ASSERT_EQ(query.filters.size(), 2U);
  EXPECT_EQ(query.filters[0].test, Op::greater);
  EXPECT_EQ(query.filters[1].test, Op::less_or_equal);
  for (const char* bad : {"2026-01-01T00:00:00", "after:2026-01-01", "gt:yesterday", "gt:", ""}) {
    EXPECT_EQ(refusal({{"created_at", bad}}), RefusalCode::invalid_input) << bad;
  }
}

TEST_F(Listing, messages_below_3_5_and_transfers_below_3_59_are_neither_paged_nor_filtered) {
  minor = 4;
  EXPECT_EQ(read({{"limit", "x"}, {"nonsense", "1"}}, message_list).value().limit, 1000);
  minor = 58;
  EXPECT_EQ(order_of(read({{"sort", "name"}}, transfer_list).value()), "+created_at+id");
  minor = 59;
  EXPECT_EQ(order_of(read({{"sort", "name"}}, transfer_list).value()), "-name-created_at-id");
}

TEST_F(Listing, a_full_page_links_to_the_next_one) {
  const ListQuery query = read({{"name", "a b&c"}, {"limit", "2"}, {"marker", "old"}}).value();
  json::Writer out;
  out.begin_object();
  write_next_link(out, request(), volume_list, query, 2, "last");
  out.end_object();
  EXPECT_EQ(out.text(), R"({"volumes_links":[{"rel":"next","href":"http://api/v3/p1/volumes?limit=2&name=a%20b%26c&marker=last"}]})");
}

TEST_F(Listing, a_short_or_empty_page_links_nowhere) {
  for (const auto& [limit, rows] : {std::pair<const char*, std::size_t>{"2", 1}, {"0", 0}}) {
    const ListQuery query = read({{"limit", limit}}).value();
    json::Writer out;
    out.begin_object();
    write_next_link(out, request(), volume_list, query, rows, "last");
    out.end_object();
    EXPECT_EQ(out.text(), "{}");
  }
}

std::string literal(std::string_view text) {
  const std::optional<json::Value> value = read_python_literal(text);
  return value ? json::to_text(*value) : "no literal";
}

TEST(PythonLiteral, literals_are_read) {
  EXPECT_EQ(literal(" [ 'a', \"b\", u'c', ] "), R"(["a","b","c"])");
  EXPECT_EQ(literal("{'k': True, 1: None}"), R"({"k":true,"1":null})");
  EXPECT_EQ(literal("(1, -2.5)"), "[1,-2.5]");
  EXPECT_EQ(literal("('a')"), R"("a")");
  EXPECT_EQ(literal("()"), "[]");
  EXPECT_EQ(literal(R"('it\'s \x41\u00e9\q')"), "\"it's A\xc3\xa9\\\\q\"");
}

TEST(PythonLiteral, anything_else_is_not) {
  for (const char* text : {"", "available", "[", "['a'", "['a' 'b']", "{'a'}", "{'a':}", "'open", "007", "1 2", "[,]", "nan", "inf", "u", "--1", "{[1]: 2}", "'\\x4'"}) {
    EXPECT_EQ(literal(text), "no literal") << text;
  }
  EXPECT_EQ(literal(std::string(100, '[') + std::string(100, ']')), "no literal");
}

}  // namespace
}  // namespace scoria::api
