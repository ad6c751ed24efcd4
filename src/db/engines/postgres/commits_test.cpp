#include "db/engines/postgres/commits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace scoria::db::postgres {
namespace {

struct Killed {};

/// A server: "bad" fails by itself, "guard" as a guard, "alone" only in company, "lost", "unknown" and "kill" end the exchange, "late" fails
/// a shared commit. What it commits, it keeps.
class CommitsOf : public ::testing::Test {
 protected:
  Answers exchange(std::span<Draft* const> drafts) {
    Answers out;
    std::vector<std::string> texts;
    for (const Draft* draft : drafts) {
      if (draft->sql == "hang") hold();
      if (draft->sql == "lost") throw Rerun("lost");
      if (draft->sql == "unknown") throw Error("unknown", true);
      if (draft->sql == "kill") throw Killed{};
      if (draft->sql == "bad") out.failure = std::make_exception_ptr(ConstraintError("bad", true));
      if (draft->sql == "guard") out.failure = std::make_exception_ptr(GuardFailed("guard"));
      if (draft->sql == "alone" && drafts.size() > 1) out.failure = std::make_exception_ptr(Error("alone"));
      if (out.failure) break;
      out.outcomes.emplace_back();
      if (!draft->sql.starts_with("SELECT set_config")) texts.push_back(draft->sql);
    }
    if (!out.failure && drafts.size() > 1 && std::ranges::count(texts, "late") > 0) out.failure = std::make_exception_ptr(Error("late"));
    const std::lock_guard lock(mutex_);
    if (!out.failure) committed_.push_back(texts);
    return out;
  }
  void hold() {
    held_ = true;
    while (!released_) clock_.sleep(1ms);
  }
  void start(const std::string& name, std::vector<Draft> drafts) {
    clock_.spawn(name, [this, name, drafts] {
      std::string how = "committed";
      try {
        ++asked_;
        commits_.commit(drafts);
      } catch (const Rerun&) {
        how = "rerun";
      } catch (const GuardFailed& failed) {
        how = failed.label;
      } catch (const ConstraintError&) {
        how = "constraint";
      } catch (const Error& error) {
        how = error.commit_unknown ? "unknown" : "error";
      } catch (const Killed&) {
        how = "killed";
      }
      const std::lock_guard lock(mutex_);
      ends_[name] = how;
    });
  }
  static std::vector<Draft> of(const std::vector<std::string>& texts) {
    std::vector<Draft> out;
    for (const std::string& text : texts) out.push_back({text, {}, false});
    return out;
  }
  /// Runs them while one hangs, so that they go together.
  std::map<std::string, std::string> together(const std::map<std::string, std::vector<Draft>>& transactions) {
    start("hang", of({"hang"}));
    while (!held_) clock_.sleep(1ms);
    for (const auto& [name, drafts] : transactions) start(name, drafts);
    while (asked_ < static_cast<int>(transactions.size()) + 1) clock_.sleep(1ms);
    clock_.sleep(20ms);
    released_ = true;
    clock_.join_all();
    return ends_;
  }
  std::map<std::string, std::string> together(const std::vector<std::string>& texts) {
    std::map<std::string, std::vector<Draft>> transactions;
    for (const std::string& text : texts) transactions[text] = of({text});
    return together(transactions);
  }
  /// How often it was committed.
  std::ptrdiff_t times(const std::string& text) const {
    std::ptrdiff_t out = 0;
    for (const auto& texts : committed_) out += std::ranges::count(texts, text);
    return out;
  }

  SystemClock clock_;
  std::atomic<int> asked_{0};
  std::atomic<bool> held_{false}, released_{false};
  std::mutex mutex_;
  std::vector<std::vector<std::string>> committed_;  // guarded by mutex_
  std::map<std::string, std::string> ends_;          // guarded by mutex_
  Commits commits_{clock_, 1, [this](auto drafts) { return exchange(drafts); }, 10s};
};

TEST_F(CommitsOf, alone_is_sent_at_once_in_its_own_order) {
  auto drafts = of({"first", "second"});
  drafts[0].row = "z", drafts[1].row = "a";
  commits_.commit(drafts);
  EXPECT_EQ(committed_, (std::vector<std::vector<std::string>>{{"first", "second"}}));
}

TEST_F(CommitsOf, those_that_come_meanwhile_share_a_commit) {
  const auto ends = together({"1", "2", "3", "4"});
  for (const std::string text : {"1", "2", "3", "4"}) {
    EXPECT_EQ(ends.at(text), "committed");
    EXPECT_EQ(times(text), 1);
  }
  EXPECT_EQ(committed_.size(), 2u);
}

TEST_F(CommitsOf, rows_that_many_change_come_last_and_in_one_order) {
  std::map<std::string, std::vector<Draft>> transactions;
  for (const auto& [name, quota] : std::map<std::string, std::string>{{"a", "1 z"}, {"b", "1 y"}, {"c", "1 x"}})
    transactions[name] = {{name + " pool", {}, false, "2 pool"}, {name + " own", {}, false}, {name + " quota", {}, false, quota}};
  together(transactions);
  ASSERT_EQ(committed_.size(), 2u);
  const std::vector<std::string>& texts = committed_.back();
  ASSERT_EQ(texts.size(), 9u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(texts[i].ends_with(" own")) << texts[i];
  EXPECT_EQ((std::vector(texts.begin() + 3, texts.begin() + 6)), (std::vector<std::string>{"c quota", "b quota", "a quota"}));
  for (std::size_t i = 6; i < 9; ++i) EXPECT_TRUE(texts[i].ends_with(" pool")) << texts[i];
}

TEST_F(CommitsOf, who_fails_takes_nobody_with_it) {
  const auto ends = together({"1", "bad", "2", "guard", "alone", "3"});
  EXPECT_EQ(ends.at("bad"), "constraint");
  EXPECT_EQ(ends.at("guard"), "guard");
  EXPECT_EQ(times("bad") + times("guard"), 0);
  for (const std::string text : {"1", "2", "3", "alone"}) {
    EXPECT_EQ(ends.at(text), "committed") << text;
    EXPECT_EQ(times(text), 1) << text;
  }
}

TEST_F(CommitsOf, a_shared_commit_that_fails_is_made_by_each_for_itself) {
  const auto ends = together({"1", "late", "2"});
  for (const std::string text : {"1", "late", "2"}) {
    EXPECT_EQ(ends.at(text), "committed") << text;
    EXPECT_EQ(times(text), 1) << text;
  }
  EXPECT_EQ(committed_.size(), 4u);
}

TEST_F(CommitsOf, with_the_connection_lost_each_is_told_and_nothing_is_said_to_be_committed) {
  const auto ends = together({"1", "lost", "2"});
  EXPECT_EQ(ends.at("lost"), "rerun");
  for (const std::string text : {"1", "2"}) EXPECT_EQ(ends.at(text), times(text) == 1 ? "committed" : "rerun") << text;
}

TEST_F(CommitsOf, a_commit_that_nobody_knows_of_is_unknown_to_each) {
  const auto ends = together({"1", "unknown", "2"});
  for (const std::string text : {"1", "unknown", "2"}) EXPECT_EQ(ends.at(text), "unknown") << text;
}

TEST_F(CommitsOf, a_leader_that_is_killed_leaves_nobody_waiting_or_sure) {
  const auto ends = together({"1", "kill", "2"});
  EXPECT_EQ(std::ranges::count_if(ends, [](const auto& end) { return end.second == "killed"; }), 1);
  for (const std::string text : {"1", "kill", "2"}) EXPECT_TRUE(ends.at(text) == "killed" || ends.at(text) == "unknown") << text << ": " << ends.at(text);
  commits_.commit(of({"after"}));
  EXPECT_EQ(times("after"), 1);
}

TEST_F(CommitsOf, many_threads_that_come_and_go_are_each_committed_once) {
  Commits hasty(clock_, 1, [this](auto drafts) { return exchange(drafts); }, 0ms);
  for (int thread = 0; thread < 8; ++thread)
    clock_.spawn("commits", [&, thread] {
      Commits& all = thread % 2 == 0 ? hasty : commits_;
      for (int i = 0; i < 500; ++i) all.commit(of({std::to_string(thread) + "/" + std::to_string(i)}));
    });
  clock_.join_all();
  std::multiset<std::string> all;
  for (const auto& texts : committed_) all.insert(texts.begin(), texts.end());
  EXPECT_EQ(all.size(), 4000u);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 4000u);
}

}  // namespace
}  // namespace scoria::db::postgres
