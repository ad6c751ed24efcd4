#include "api/watch.h"

#include <gtest/gtest.h>

#include "db/fresh.h"
#include "db/migrate.h"
#include "json/parse.h"
#include "store/migrations.h"

namespace scoria::api {
namespace {

class Reader final : public http::Responder {
 public:
  void send(http::Response) override {}
  bool begin_stream(http::Response response) override { return head = std::move(response), true; }
  bool write_stream(std::string piece) override {
    const std::lock_guard lock(mutex_);
    if (left) return false;
    text_ += piece;
    return true;
  }
  void end_stream() override { ended = true; }
  bool gone() const override { return left; }
  std::vector<json::Value> lines() const {
    const std::lock_guard lock(mutex_);
    std::vector<json::Value> out;
    for (std::size_t at = 0; at < text_.size(); at = text_.find('\n', at) + 1) out.push_back(json::parse(text_.substr(at, text_.find('\n', at) - at)).value());
    return out;
  }
  std::atomic<bool> left{false}, ended{false};
  http::Response head;

 private:
  mutable std::mutex mutex_;
  std::string text_;  // guarded by mutex_
};

class Watching : public ::testing::Test {
 protected:
  Watching() {
    db::migrate(fresh_->database(), store::migrations());
    watches_.start();
  }
  ~Watching() override { watches_.stop(); }
  void operation(const std::string& id, const std::string& project, db::Value number = {}) {
    write("INSERT INTO operation (seq, id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, "
          "created_at, updated_at) VALUES (?, ?, 'volume.create', 1, 'q', ?, 'u', 'r', 'volume', 'v', 'ready', 10, 0, 'place', '{}', '{}', 1, 1)", {number, id, project});
  }
  void write(const std::string& sql, db::Values values = {}) {
    fresh_->database().write([&](db::Transaction& tx) { tx.run(sql, values); });
    watches_.poke();
  }
  std::shared_ptr<Reader> watch(const std::string& operation, const std::string& project, Duration time = std::chrono::seconds{60}) {
    auto reader = std::make_shared<Reader>();
    EXPECT_TRUE(watches_.add(operation, project, time, reader, {}));
    return reader;
  }
  bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 300; ++i) {
      if (holds()) return true;
      clock_.sleep(std::chrono::milliseconds{10});
    }
    return false;
  }
  SystemClock clock_;
  std::unique_ptr<db::testing::Fresh> fresh_ = db::testing::make_fresh(db::testing::Kind::sqlite_memory, clock_);
  Watches watches_{fresh_->database(), clock_};
};

TEST_F(Watching, a_line_for_each_change_until_the_end) {
  operation("o1", "p1");
  const auto reader = watch("o1", "p1");
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 1; }));
  write("UPDATE operation SET state = 'running', step = 'fill', done_bytes = 5, total_bytes = 10 WHERE id = 'o1'");
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 2; }));
  EXPECT_EQ(reader->lines().back()["progress"]["percent_done"].integer(), 50);
  watches_.poke();
  write("UPDATE operation SET state = 'failed', err_text = 'full' WHERE id = 'o1'");
  ASSERT_TRUE(soon([&] { return reader->ended.load(); }));
  EXPECT_EQ(reader->lines().size(), 3u) << "nothing is told twice";
  EXPECT_EQ(reader->lines().back().text_or("state"), "failed");
  EXPECT_TRUE(soon([&] { return watches_.watching() == 0; }));
}

TEST_F(Watching, a_project_is_told_its_own_operations_old_and_new) {
  operation("old", "p1"), operation("foreign", "p2");
  const auto reader = watch("", "p1");
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 1; }));
  operation("new", "p1"), operation("hidden", "p2");
  write("UPDATE operation SET state = 'succeeded' WHERE id = 'old'");
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 3; }));
  for (const json::Value& line : reader->lines()) EXPECT_EQ(line.text_or("project_id"), "p1");
  EXPECT_FALSE(reader->ended) << "it goes on until its time is over";
  const auto all = watch("", "");
  EXPECT_TRUE(soon([&] { return all->lines().size() == 3; })) << "an admin sees all that are under way";
}

TEST_F(Watching, operations_are_told_however_late_their_commit_is) {
  operation("first", "p1", 100);
  const auto reader = watch("", "p1");
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 1; }));
  operation("later", "p1", 102);
  ASSERT_TRUE(soon([&] { return reader->lines().size() == 2; }));
  operation("began before it", "p1", 101);
  operation("before the watch", "p1", 99);
  EXPECT_TRUE(soon([&] { return reader->lines().size() == 4; }));
  EXPECT_EQ(reader->lines().back().text_or("id"), "before the watch");
}

TEST_F(Watching, who_leaves_or_stays_too_long_is_forgotten) {
  operation("o1", "p1");
  const auto leaves = watch("o1", "p1"), stays = watch("o1", "p1", std::chrono::milliseconds{1});
  leaves->left = true;
  watches_.poke();
  EXPECT_TRUE(soon([&] { return watches_.watching() == 0; }));
  EXPECT_TRUE(stays->ended);
}

TEST_F(Watching, there_are_never_too_many) {
  operation("o1", "p1");
  std::vector<std::shared_ptr<Reader>> readers;
  for (int i = 0; i < 256; ++i) readers.push_back(watch("o1", "p1"));
  EXPECT_FALSE(watches_.add("o1", "p1", std::chrono::seconds{60}, std::make_shared<Reader>(), {}));
  EXPECT_EQ(watches_.watching(), 256u);
}

}  // namespace
}  // namespace scoria::api
