#include "api/parking.h"

#include <gtest/gtest.h>

#include <future>

#include "db/engines/sqlite.h"

namespace scoria::api {
namespace {

/// The database has no table at all: whoever is woken was not found by asking it.
class ParkedAnswer : public ::testing::Test {
 protected:
  ParkedAnswer() : database_(db::open_sqlite(clock_, {.path = ":memory:", .now = {}, .inline_execution = true})), parking_(*database_, clock_, endings_) { parking_.start(1); }
  ~ParkedAnswer() override {
    parking_.stop();
    clock_.join_all();
  }
  std::future<bool> park(const std::string& operation) {
    auto told = std::make_shared<std::promise<bool>>();
    parking_.park(operation, Deadline::in(clock_, std::chrono::seconds{20}), [told](bool ended) { told->set_value(ended); });
    return told->get_future();
  }
  void end(const std::string& operation) {
    engine::Operation ended;
    ended.id = operation, ended.state = engine::State::failed, ended.error_text = "why";
    parking_.ended(ended);
  }

  SystemClock clock_;
  std::unique_ptr<db::Database> database_;
  Endings endings_;
  OperationParking parking_;
};

TEST_F(ParkedAnswer, an_answer_is_woken_by_the_end_of_its_operation_here) {
  auto told = park("one");
  end("two");
  EXPECT_EQ(told.wait_for(std::chrono::milliseconds{80}), std::future_status::timeout);
  end("one");
  ASSERT_EQ(told.wait_for(std::chrono::seconds{5}), std::future_status::ready);
  EXPECT_TRUE(told.get());
}

TEST_F(ParkedAnswer, an_answer_parked_after_the_end_of_its_operation_here_is_woken_too) {
  end("one");
  auto told = park("one");
  ASSERT_EQ(told.wait_for(std::chrono::seconds{5}), std::future_status::ready);
  EXPECT_TRUE(told.get());
}

TEST(Endings, the_latest_are_kept_with_their_reasons) {
  Endings endings;
  for (int i = 0; i < 2000; ++i) {
    engine::Operation ended;
    ended.id = std::to_string(i), ended.state = engine::State::failed, ended.error_text = "why " + ended.id;
    endings.note(ended);
  }
  EXPECT_FALSE(endings.find("0"));
  ASSERT_TRUE(endings.find("1999"));
  EXPECT_EQ(endings.find("1999")->text, "why 1999");
}

}  // namespace
}  // namespace scoria::api
