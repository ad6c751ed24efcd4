#include "api/volumes/pages.h"

#include <gtest/gtest.h>

#include "base/testing.h"

namespace scoria::api {
namespace {

using std::chrono::seconds;

WrittenPages::Page page(std::size_t volumes, std::size_t bytes = 10) {
  const auto one = std::make_shared<const WrittenPages::Volume>(WrittenPages::Volume{"id", 1, std::string(bytes, '-'), 0});
  return WrittenPages::Page(volumes, one);
}

TEST(WrittenPages, are_worth_keeping_when_asked_for_again) {
  SleepClock clock;
  WrittenPages pages(clock, seconds{2});
  EXPECT_FALSE(pages.find("key").again);
  EXPECT_TRUE(pages.find("key").again);
  EXPECT_EQ(pages.find("key").page, nullptr);
  EXPECT_FALSE(pages.find("other").again);
  pages.keep("key", page(3));
  EXPECT_EQ(pages.find("key").page->size(), 3u);
  EXPECT_EQ(pages.find("other").page, nullptr);
}

TEST(WrittenPages, live_no_longer_when_something_in_them_is_replaced) {
  SleepClock clock;
  WrittenPages pages(clock, seconds{2});
  pages.find("key");
  clock.sleep(seconds{1});
  pages.find("later");
  pages.keep("key", page(1));
  pages.keep("key", page(2));
  EXPECT_EQ(pages.find("key").page->size(), 2u);
  clock.sleep(seconds{1});
  EXPECT_FALSE(pages.find("key").again);
  EXPECT_TRUE(pages.find("later").again);
  pages.keep("unknown", page(1));
  EXPECT_FALSE(pages.find("unknown").again);
  clock.sleep(seconds{2});
  pages.find("last");
  EXPECT_EQ(pages.size(), std::string("last").size()) << "nothing is counted that is gone";
}

TEST(WrittenPages, begin_anew_rather_than_grow) {
  SleepClock clock;
  WrittenPages pages(clock, seconds{2}, 1000);
  const auto kept = [&](const std::string& key, std::size_t bytes) {
    pages.find(key);
    pages.keep(key, page(1, bytes));
    return pages.find(key).page != nullptr;
  };
  EXPECT_TRUE(kept("a", 400));
  EXPECT_TRUE(kept("b", 400));
  EXPECT_FALSE(kept("c", 400));
  EXPECT_FALSE(pages.find("a").again);
  EXPECT_LT(pages.size(), 100u);
  EXPECT_TRUE(kept("d", 400));
}

TEST(WrittenPages, are_bounded_in_keys_alone) {
  SleepClock clock;
  WrittenPages pages(clock, seconds{2}, 1000);
  for (int i = 0; i < 1000; ++i) {
    pages.find("a key of a page that is asked for once " + std::to_string(i));
    ASSERT_LE(pages.size(), 1000u);
  }
}

}  // namespace
}  // namespace scoria::api
