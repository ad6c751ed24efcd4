#include "db/engines/postgres/look_ups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace scoria::db::postgres {
namespace {

struct Killed {};

/// A server: "n" is answered with n touched rows, "bad" with an error, "lost" and "kill" end the exchange.
class LookUpsOf : public ::testing::Test {
 protected:
  Answers exchange(std::span<LookUps::Ask* const> asks) {
    {
      const std::lock_guard lock(mutex_);
      sizes_.push_back(asks.size());
    }
    Answers out;
    for (const LookUps::Ask* ask : asks) {
      if (ask->sql == "hang") hold();
      if (ask->sql == "lost") throw Rerun("lost");
      if (ask->sql == "kill") throw Killed{};
      if (ask->sql == "bad") {
        out.failure = std::make_exception_ptr(ConstraintError("bad", true));
        break;
      }
      out.outcomes.push_back({{}, ask->sql == "hang" ? 0 : std::stoi(std::string(ask->sql))});
    }
    return out;
  }
  void hold() {
    ++held_;
    while (!released_) clock_.sleep(1ms);
  }
  void start(const std::string& sql) {
    clock_.spawn(sql, [this, sql] {
      std::string how;
      try {
        ++asked_;
        how = std::to_string(look_ups_.ask(sql, {}).touched);
      } catch (const Rerun&) {
        how = "rerun";
      } catch (const ConstraintError&) {
        how = "constraint";
      } catch (const Error&) {
        how = "error";
      } catch (const Killed&) {
        how = "killed";
      }
      const std::lock_guard lock(mutex_);
      ends_[sql] = how;
    });
  }
  /// One after the other: together they would be one exchange.
  void hang_twice() {
    for (const int exchanges : {1, 2}) {
      start("hang");
      while (held_ < exchanges) clock_.sleep(1ms);
    }
  }
  /// Runs them while two exchanges hang, so that they go together.
  std::map<std::string, std::string> together(const std::vector<std::string>& statements) {
    hang_twice();
    for (const std::string& sql : statements) start(sql);
    while (asked_ < static_cast<int>(statements.size()) + 2) clock_.sleep(1ms);
    clock_.sleep(20ms);
    released_ = true;
    clock_.join_all();
    return ends_;
  }

  SystemClock clock_;
  std::atomic<int> held_{0}, asked_{0};
  std::atomic<bool> released_{false};
  std::mutex mutex_;
  std::vector<std::size_t> sizes_;           // guarded by mutex_
  std::map<std::string, std::string> ends_;  // guarded by mutex_
  LookUps look_ups_{clock_, 2, [this](auto asks) { return exchange(asks); }, 10s};
};

TEST_F(LookUpsOf, alone_is_sent_at_once) {
  EXPECT_EQ(look_ups_.ask("7", {}).touched, 7);
  EXPECT_EQ(sizes_, std::vector<std::size_t>{1});
}

TEST_F(LookUpsOf, those_that_come_while_two_are_under_way_go_together) {
  std::vector<std::string> statements;
  for (int i = 1; i <= 40; ++i) statements.push_back(std::to_string(i));
  const auto ends = together(statements);
  for (const std::string& sql : statements) EXPECT_EQ(ends.at(sql), sql);
  EXPECT_LT(sizes_.size(), 30u);
  EXPECT_EQ(std::ranges::count_if(sizes_, [](std::size_t size) { return size > 16; }), 0);
}

TEST_F(LookUpsOf, many_threads_that_come_and_go_are_each_answered) {
  LookUps hasty(clock_, 2, [this](auto asks) { return exchange(asks); }, 0ms);
  std::atomic<int> right{0};
  for (int thread = 0; thread < 8; ++thread)
    clock_.spawn("asks", [&, thread] {
      LookUps& all = thread % 2 == 0 ? hasty : look_ups_;
      for (int i = 0; i < 2000; ++i) right += all.ask(std::to_string(i), {}).touched == i;
    });
  clock_.join_all();
  EXPECT_EQ(right, 16000);
}

TEST_F(LookUpsOf, one_that_fails_takes_nobody_with_it) {
  const auto ends = together({"1", "2", "bad", "3", "4"});
  EXPECT_EQ(ends.at("bad"), "constraint");
  for (const std::string sql : {"1", "2", "3", "4"}) EXPECT_EQ(ends.at(sql), sql);
}

TEST_F(LookUpsOf, with_its_connection_lost_each_is_told_to_run_again) {
  const auto ends = together({"lost", "1", "2"});
  EXPECT_EQ(ends.at("lost"), "rerun");
  for (const std::string sql : {"1", "2"}) EXPECT_TRUE(ends.at(sql) == "rerun" || ends.at(sql) == sql) << ends.at(sql);
}

TEST_F(LookUpsOf, a_leader_that_is_killed_leaves_nobody_waiting) {
  const auto ends = together({"kill", "1", "2", "3"});
  for (const std::string sql : {"kill", "1", "2", "3"}) EXPECT_TRUE(ends.contains(sql)) << sql;
  EXPECT_EQ(look_ups_.ask("9", {}).touched, 9);
}

class ImpatientLookUps : public LookUpsOf {
 protected:
  LookUps impatient_{clock_, 2, [this](auto asks) { return exchange(asks); }, 2ms};
};

TEST_F(ImpatientLookUps, exchanges_that_hang_hold_up_nobody_else) {
  std::atomic<int> left{2};
  for (const int exchanges : {1, 2}) {
    clock_.spawn("hang", [&] {
      impatient_.ask("hang", {});
      --left;
    });
    while (held_ < exchanges) clock_.sleep(1ms);
  }
  EXPECT_EQ(impatient_.ask("5", {}).touched, 5);
  EXPECT_EQ(left, 2) << "they still hang";
  released_ = true;
  clock_.join_all();
}

}  // namespace
}  // namespace scoria::db::postgres
