#include "api/microversion.h"

#include <gtest/gtest.h>

#include "json/parse.h"

namespace scoria::api {
namespace {

Negotiation ask(const std::string& header) { return negotiate(&header); }

RefusalCode code_of(const Negotiation& negotiation) { return negotiation.version.error().code; }

TEST(Microversion, without_header_the_oldest_answers) { EXPECT_EQ(negotiate(nullptr).version.value(), oldest); }

TEST(Microversion, the_number_asked_for_is_taken) {
  EXPECT_EQ(ask("volume 3.0").version.value().minor, 0);
  EXPECT_EQ(ask("volume 3.27").version.value().minor, 27);
  EXPECT_EQ(ask("volume  3.71 ").version.value().minor, 71);
  EXPECT_EQ(ask("volume latest").version.value(), newest);
}

TEST(Microversion, the_first_element_that_names_volume_counts) {
  EXPECT_EQ(ask("compute 2.93, volume 3.9,volume 3.60").version.value().minor, 9);
  EXPECT_EQ(ask("compute 2.93,block-volume 3.12").version.value().minor, 12);
}

TEST(Microversion, a_header_without_volume_is_a_bad_request) {
  EXPECT_EQ(code_of(ask("compute 2.93")), RefusalCode::invalid_input);
  EXPECT_EQ(code_of(ask("")), RefusalCode::invalid_input);
}

TEST(Microversion, unreadable_numbers_are_a_bad_request_without_echo) {
  for (const char* text : {"volume", "volume 3", "volume 3.", "volume 03.1", "volume 3.01", "volume -3.1", "volume 3.1.2", "volume three", "volume 3.1 x",
                           "volume Latest", "volume 0.1"}) {
    const Negotiation negotiation = ask(text);
    ASSERT_FALSE(negotiation.version) << text;
    EXPECT_EQ(code_of(negotiation), RefusalCode::invalid_input) << text;
    EXPECT_EQ(negotiation.refused, "") << text;
  }
}

TEST(Microversion, out_of_range_is_not_acceptable_and_echoed) {
  for (const char* text : {"3.72", "2.0", "4.0", "3.999999999999999999999", "99999999999999999999.1"}) {
    const Negotiation negotiation = ask(std::string("volume ") + text);
    ASSERT_FALSE(negotiation.version) << text;
    EXPECT_EQ(code_of(negotiation), RefusalCode::not_acceptable) << text;
    EXPECT_EQ(negotiation.refused, text);
    EXPECT_NE(negotiation.version.error().message.find("3.71"), std::string::npos);
    EXPECT_NE(negotiation.version.error().message.find("3.0"), std::string::npos);
  }
}

TEST(Microversion, the_version_document_names_range_and_place) {
  const json::Value document = json::parse(version_document("http://one:8776")).value();
  const json::Value& version = document["versions"].array().at(0);
  EXPECT_EQ(version["id"].string(), "v3.0");
  EXPECT_EQ(version["status"].string(), "CURRENT");
  EXPECT_EQ(version["version"].string(), "3.71");
  EXPECT_EQ(version["min_version"].string(), "3.0");
  EXPECT_EQ(version["updated"].string(), "2023-08-31T00:00:00Z");
  EXPECT_EQ(version["links"].array().at(1)["href"].string(), "http://one:8776/v3/");
  EXPECT_EQ(version["media-types"].array().at(0)["type"].string(), "application/vnd.openstack.volume+json;version=3");
}

}  // namespace
}  // namespace scoria::api
