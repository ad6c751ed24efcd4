#include "api/fields.h"

#include <gtest/gtest.h>

#include <set>

#include "json/parse.h"

namespace scoria::api {
namespace {

const Schema& schema_of(std::string_view method, std::string_view path, std::string_view action = {}) {
  for (const Route& route : route_table()) {
    if (method == route.method && path == route.path && action == route.action) return *find_schema(route);
  }
  throw std::runtime_error("no such route");
}

const Schema& create_volume() { return schema_of("POST", "/v3/volumes"); }

std::string why(const Schema& schema, int minor, const std::string& body) {
  const Result<> checked = check_body(schema, Microversion{minor}, json::parse(body).value());
  return checked ? "" : checked.error().message;
}

TEST(Fields, every_schema_belongs_to_a_route) {
  std::set<const Schema*> used;
  for (const Route& route : route_table()) {
    if (const Schema* schema = find_schema(route)) used.insert(schema);
  }
  for (const Schema& schema : schemas()) EXPECT_TRUE(used.contains(&schema)) << schema.method << ' ' << schema.path << ' ' << schema.action;
}

TEST(Fields, no_field_has_two_rows_for_one_microversion) {
  for (const Schema& schema : schemas()) {
    for (int minor = 0; minor <= newest.minor; ++minor) {
      std::set<std::pair<std::string_view, std::string_view>> seen;
      for (const SchemaField& field : schema.fields) {
        if (field.since > minor || minor > field.until) continue;
        EXPECT_TRUE(seen.emplace(field.parent, field.name).second) << schema.path << ' ' << field.parent << '.' << field.name << " at " << minor;
      }
    }
  }
}

TEST(Fields, a_refusal_names_field_value_and_reason) {
  EXPECT_EQ(why(create_volume(), 71, R"({"volume":{"size":0}})"), "Invalid input for field/attribute size. Value: 0. It must lie between 1 and 2147483647.");
  EXPECT_EQ(why(create_volume(), 71, R"({"volume":[]})"), "Invalid input for field/attribute volume. Value: []. It must be an object.");
  EXPECT_EQ(why(create_volume(), 71, "[]"), "The body must be a JSON object.");
  EXPECT_EQ(why(create_volume(), 71, "{}"), "Invalid input for field/attribute body. Value: {}. 'volume' is required.");
}

TEST(Fields, unknown_keys_of_a_volume_are_refused_from_3_53) {
  EXPECT_EQ(why(create_volume(), 52, R"({"volume":{"size":1,"colour":"red"}})"), "");
  EXPECT_NE(why(create_volume(), 53, R"({"volume":{"size":1,"colour":"red"}})"), "");
  EXPECT_NE(why(create_volume(), 0, R"({"volume":{"size":1},"colour":"red"})"), "");
}

TEST(Fields, a_field_is_known_from_its_microversion_on) {
  const std::string body = R"({"volume":{"size":1,"backup_id":"nonsense"}})";
  EXPECT_EQ(why(create_volume(), 46, body), "");
  EXPECT_NE(why(create_volume(), 47, body), "");
}

TEST(Fields, an_update_needs_a_known_key_from_3_53) {
  const Schema& update = schema_of("PUT", "/v3/volumes/{volume_id}");
  EXPECT_EQ(why(update, 52, R"({"volume":{}})"), "");
  EXPECT_NE(why(update, 53, R"({"volume":{}})"), "");
  EXPECT_EQ(why(update, 53, R"({"volume":{"name":null}})"), "");
}

TEST(Fields, sizes_are_numbers_or_digits) {
  for (const char* good : {"1", "\"1\"", "2147483647", "null"}) EXPECT_EQ(why(create_volume(), 71, fmt::format(R"({{"volume":{{"size":{}}}}})", good)), "") << good;
  for (const char* bad : {"0", "-1", "\"0\"", "\"x\"", "\"1.5\"", "1.5", "2147483648", "\"\"", "true", "\" 1\""}) {
    EXPECT_NE(why(create_volume(), 71, fmt::format(R"({{"volume":{{"size":{}}}}})", bad)), "") << bad;
  }
}

TEST(Fields, names_are_measured_in_characters_without_white_space_around) {
  const auto body = [](const std::string& name) { return json::to_text(json::Value(json::Object{{"volume", json::Value(json::Object{{"name", json::Value(name)}})}})); };
  EXPECT_EQ(why(create_volume(), 71, body(std::string(255, 'a'))), "");
  EXPECT_NE(why(create_volume(), 71, body(std::string(256, 'a'))), "");
  EXPECT_EQ(why(create_volume(), 71, body("  " + std::string(255, 'a') + "  ")), "");
  std::string accents;
  for (int count = 0; count < 255; ++count) accents += "\xc3\xa9";
  EXPECT_EQ(why(create_volume(), 71, body(accents)), "");
}

TEST(Fields, metadata_keys_and_values_have_limits) {
  const auto body = [](const std::string& key, const std::string& value) {
    return json::to_text(json::Value(json::Object{{"metadata", json::Value(json::Object{{key, json::Value(value)}})}}));
  };
  const Schema& schema = schema_of("POST", "/v3/volumes/{volume_id}/metadata");
  EXPECT_EQ(why(schema, 71, body("A key:with.all-of_them/1", "")), "");
  EXPECT_NE(why(schema, 71, body("", "v")), "");
  EXPECT_NE(why(schema, 71, body("sharp#", "v")), "");
  EXPECT_EQ(why(schema, 71, body(std::string(255, 'k'), std::string(255, 'v'))), "");
  EXPECT_NE(why(schema, 71, body(std::string(256, 'k'), "v")), "");
  EXPECT_NE(why(schema, 71, body("k", std::string(256, 'v'))), "");
  EXPECT_NE(why(schema, 71, R"({"metadata":{"k":null}})"), "");
}

TEST(Fields, ids_may_be_spelled_in_every_way_a_uuid_can) {
  const auto body = [](std::string_view id) { return fmt::format(R"({{"volume":{{"snapshot_id":{}}}}})", id); };
  for (const char* good : {"null", R"("6f519a48-3183-46cf-a32f-41815f813986")", R"("6F519A48318346CFA32F41815F813986")", R"("urn:uuid:6f519a48-3183-46cf-a32f-41815f813986")"}) {
    EXPECT_EQ(why(create_volume(), 71, body(good)), "") << good;
  }
  for (const char* bad : {R"("")", R"("6f519a48")", R"("6f519a48-3183-46cf-a32f-41815f81398g")", "1"}) EXPECT_NE(why(create_volume(), 71, body(bad)), "") << bad;
}

TEST(Fields, booleans_may_be_words) {
  const Schema& schema = schema_of("POST", "/v3/volumes/{volume_id}/action", "os-set_bootable");
  for (const char* good : {"true", "false", "\"True\"", "\"on\"", "\"0\"", "\"n\""}) EXPECT_EQ(why(schema, 0, fmt::format(R"({{"os-set_bootable":{{"bootable":{}}}}})", good)), "") << good;
  for (const char* bad : {"null", "1", "\"maybe\"", "\"\"", "{}"}) EXPECT_NE(why(schema, 0, fmt::format(R"({{"os-set_bootable":{{"bootable":{}}}}})", bad)), "") << bad;
}

TEST(Fields, statuses_come_from_their_list) {
  const Schema& schema = schema_of("POST", "/v3/volumes/{volume_id}/action", "os-reset_status");
  EXPECT_EQ(why(schema, 0, R"({"os-reset_status":{"status":"in-use"}})"), "");
  EXPECT_EQ(why(schema, 0, R"({"os-reset_status":{"attach_status":"detached"}})"), "");
  EXPECT_NE(why(schema, 0, R"({"os-reset_status":{"status":"reverting"}})"), "");
  EXPECT_NE(why(schema, 0, R"({"os-reset_status":{}})"), "");
}

TEST(Fields, quota_classes_take_any_quota_of_at_least_minus_one) {
  const Schema& schema = schema_of("PUT", "/v3/os-quota-class-sets/{class}");
  EXPECT_EQ(why(schema, 0, R"({"quota_class_set":{"volumes":-1,"gigabytes_my type":"5"}})"), "");
  EXPECT_NE(why(schema, 0, R"({"quota_class_set":{"volumes":-2}})"), "");
  EXPECT_NE(why(schema, 0, R"({"quota_class_set":{"volumes":"many"}})"), "");
}

TEST(Fields, lists_hold_no_item_twice) {
  const Schema& schema = schema_of("PUT", "/v3/qos-specs/{qos_id}/delete_keys");
  EXPECT_EQ(why(schema, 0, R"({"keys":["a","b"]})"), "");
  EXPECT_NE(why(schema, 0, R"({"keys":["a","a"]})"), "");
  EXPECT_NE(why(schema, 0, R"({"keys":["a",1]})"), "");
  EXPECT_NE(why(schema, 0, R"({"keys":[""]})"), "");
}

TEST(Fields, endless_values_are_cut_in_messages_between_characters) {
  std::string text;
  for (int count = 0; count < 1000; ++count) text += "\xc3\xa9";
  const std::string message = why(create_volume(), 71, json::to_text(json::Value(json::Object{{"volume", json::Value(text)}})));
  EXPECT_LT(message.size(), 400U);
  EXPECT_TRUE(json::parse(json::to_text(json::Value(message))));
}

}  // namespace
}  // namespace scoria::api
