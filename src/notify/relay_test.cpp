#include "notify/relay.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "db/testing.h"
#include "store/migrations.h"

namespace scoria::notify {
namespace {

class Recorder final : public Sink {
 public:
  Result<> deliver(std::span<const Event> events) override {
    ++calls;
    if (down) return refuse(RefusalCode::unavailable, "down");
    for (const Event& event : events) seen.push_back(event.id);
    if (dies) throw std::runtime_error("died after it had taken them");
    return {};
  }
  std::vector<std::string> seen;
  int calls = 0;
  bool down = false, dies = false;
};

class Relays : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    db::testing::EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
  }
  void add(const std::string& id) {
    database().write([&](db::Transaction& tx) { store::outbox::add(tx, id, "volume.create.start", "op", R"({"version":1})"); });
  }
  store::outbox::Backlog backlog() { return database().read([](db::Transaction& tx) { return store::outbox::backlog(tx); }); }
  /// The database's time goes on by that much, as far as the relay's turn is concerned.
  void pass(Duration time) {
    database().write([&](db::Transaction& tx) { tx.run("UPDATE chore SET due_at = due_at - ?", {time.count()}); });
  }
  Recorder sink_;
  using Ids = std::vector<std::string>;
};
SCORIA_EVERY_ENGINE(Relays);

TEST_P(Relays, events_go_once_in_order_and_batch_by_batch) {
  for (const char* id : {"a", "b", "c", "d", "e"}) add(id);
  Relay relay(database(), sink_, {.batch = 2});
  EXPECT_EQ(relay.turn(), 2u);
  EXPECT_EQ(backlog().events, 3);
  while (relay.turn() > 0) {}
  EXPECT_EQ(sink_.seen, (Ids{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(sink_.calls, 3);
  EXPECT_EQ(backlog().events, 0);
  EXPECT_EQ(backlog().lag, Duration::zero());
}

TEST_P(Relays, a_sink_that_refuses_is_asked_later_and_less_and_less_often) {
  add("a"), add("b");
  sink_.down = true;
  Relay relay(database(), sink_, {.first_backoff = std::chrono::seconds{10}, .last_backoff = std::chrono::seconds{40}});
  EXPECT_EQ(relay.turn(), 0u);
  EXPECT_EQ(relay.turn(), 0u);
  EXPECT_EQ(sink_.calls, 1);
  for (const int wait : {10, 20, 40, 40}) {
    pass(std::chrono::seconds{wait - 5}), relay.turn();
    const int before = sink_.calls;
    pass(std::chrono::seconds{6}), relay.turn();
    EXPECT_EQ(sink_.calls, before + 1) << wait;
  }
  sink_.down = false;
  pass(std::chrono::seconds{40});
  EXPECT_EQ(relay.turn(), 2u);
  add("c");
  EXPECT_EQ(relay.turn(), 1u);  // no backoff is left
  EXPECT_EQ(sink_.seen, (Ids{"a", "b", "c"}));
}

TEST_P(Relays, what_was_taken_but_not_answered_comes_again_in_the_same_order) {
  add("a"), add("b");
  sink_.dies = true;
  Relay relay(database(), sink_);
  EXPECT_EQ(relay.turn(), 0u);
  EXPECT_EQ(backlog().events, 2);
  sink_.dies = false;
  pass(std::chrono::minutes{2});
  EXPECT_EQ(relay.turn(), 2u);
  EXPECT_EQ(sink_.seen, (Ids{"a", "b", "a", "b"}));
}

TEST_P(Relays, one_node_relays_at_a_time) {
  add("a");
  class Asking final : public Sink {
   public:
    explicit Asking(Relay& other) : other_(other) {}
    Result<> deliver(std::span<const Event>) override {
      EXPECT_EQ(other_.turn(), 0u);
      return {};
    }

   private:
    Relay& other_;
  };
  Relay other(database(), sink_);
  Asking asking(other);
  EXPECT_EQ(Relay(database(), asking).turn(), 1u);
  EXPECT_EQ(sink_.calls, 0);
}

TEST_P(Relays, the_file_holds_a_line_for_each_event) {
  const std::string path = std::filesystem::temp_directory_path() / ("scoria-events-" + std::to_string(::getpid()) + std::to_string(static_cast<int>(GetParam())));
  std::filesystem::remove(path);
  add("a"), add("b");
  const auto sink = file_sink(path);
  EXPECT_EQ(Relay(database(), *sink).turn(), 2u);
  std::ifstream file(path);
  std::string first, second, third;
  std::getline(file, first), std::getline(file, second);
  EXPECT_TRUE(first.starts_with(R"({"id":"a","topic":"volume.create.start","operation":"op","at":")")) << first;
  EXPECT_TRUE(second.ends_with(R"("body":{"version":1}})")) << second;
  EXPECT_FALSE(std::getline(file, third));
  std::filesystem::remove(path);
}

TEST_P(Relays, a_file_that_cannot_be_written_loses_nothing) {
  add("a");
  const auto sink = file_sink("/nonexistent/events");
  EXPECT_EQ(Relay(database(), *sink).turn(), 0u);
  EXPECT_EQ(backlog().events, 1);
}

}  // namespace
}  // namespace scoria::notify
