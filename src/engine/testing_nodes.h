#pragma once
#include "engine/engine.h"
#include "engine/testing.h"

namespace scoria::engine::testing {

/// Nodes on one database, in virtual time: what happens at which microsecond can be told.
class Nodes : public InStillTime {
 protected:
  struct Node {
    explicit Node(db::Database& real) : database(real) {}
    Seen database;
    ToldRandom random;
    bool fenced = false;
    std::vector<std::string> ended;
    std::unique_ptr<Engine> engine;
  };
  /// Polls and sweeps are a minute apart, unless a test says otherwise: what happens sooner has a cause.
  static EngineOptions rare(MembershipOptions membership = {}) {
    membership.host = membership.host.empty() ? "own" : membership.host;
    membership.roles = "all";
    membership.sweep = std::chrono::minutes{1};
    return {.membership = std::move(membership), .poll = std::chrono::minutes{1}, .slots = 2, .bulk_slots = 1};
  }
  Node& make(const EngineOptions& options) {
    nodes_.push_back(std::make_unique<Node>(*real_));
    Node& node = *nodes_.back();
    node.engine = std::make_unique<Engine>(node.database, clock(), node.random, kinds_, options, [&node] { node.fenced = true; });
    node.engine->on_ended([&node](const Operation& op) { node.ended.push_back(op.id + " " + std::string(to_text(op.state))); });
    return node;
  }
  Node& begin(const EngineOptions& options, const std::vector<std::string>& queues = {"work"}) {
    Node& node = make(options);
    node.engine->start();
    for (const std::string& queue : queues) node.engine->serve(queue);
    settle();
    return node;
  }
  void TearDown() override {
    for (const auto& node : nodes_) node->database.before_write = node->database.after_write = node->database.before_read = {};
    for (const auto& node : nodes_) node->engine->drain(std::chrono::seconds{30});
    nodes_.clear();
  }

  /// All that can happen now has happened.
  void settle() { clock().sleep(Duration{1}); }
  void wait_ms(int time) { clock().sleep(std::chrono::milliseconds{time}); }
  std::int64_t now() { return clock().database_time().micros; }
  /// Made ready and told to nobody.
  std::string put(const std::string& queue = "work", const std::string& backend = {}) { return start({.queue = queue, .backend = backend}); }
  /// Microseconds from its start to its claim; -1 if it was not claimed.
  std::int64_t waited(const std::string& id) {
    const Operation op = operation(id);
    return op.claimed_at ? (op.claimed_at - op.created_at).count() : -1;
  }
  /// The step takes that long.
  void lasts(const std::string& step, Duration time) {
    played_->does[step] = [this, step, time](Task& task) {
      task.clock().sleep(time);
      return step == played_->list.back() ? Outcome::succeed() : Outcome::advance(task.operation().context);
    };
  }
  /// The step goes on until it is told to stop.
  void lasts_until_stopped(const std::string& step) {
    played_->does[step] = [](Task& task) {
      while (!task.should_stop()) task.clock().sleep(std::chrono::milliseconds{5});
      return Outcome::stopped();
    };
  }
  std::string node_state(const Node& node) { return text(fmt::format("SELECT state FROM node WHERE inc = {}", node.engine->incarnation())); }
  std::int64_t beats(const Node& node) { return number(fmt::format("SELECT hb_seq FROM node WHERE inc = {}", node.engine->incarnation())); }

  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace scoria::engine::testing
