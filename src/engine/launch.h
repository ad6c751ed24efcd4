#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "engine/operation.h"

namespace scoria::engine {

/// Slots of this node for operations that commands are about to make.
class Berths {
 public:
  virtual ~Berths() = default;
  struct Berth {
    std::int64_t owner = 0;       // this incarnation
    std::int64_t generation = 0;  // of the queue's backend, as this node knows it; the operation's first commit checks it
  };
  /// Keeps a slot for that operation. Nothing: this node does not serve the queue or leaves, has no slot to spare, or others wait for it.
  virtual std::optional<Berth> reserve(const std::string& operation, const std::string& queue) = 0;
  /// The slot is free again. Was the operation committed all the same, it goes back to its queue by itself, as a stray.
  virtual void release(const std::string& operation, const std::string& queue) = 0;
  /// The operation is committed and runs in its slot from now on; it ends as failed `time_limit` from now.
  virtual void board(Operation operation, std::optional<Duration> time_limit) = 0;
};

/// An operation on its way from a command into being. With a slot on the node that accepts it, it is born running there: its row has an
/// owner and epoch 1 from its first commit, and nobody needs to claim it. Else it is born ready. One per operation id, for all tries.
class Launch {
 public:
  Launch(Berths* berths, std::string operation, std::string queue);
  ~Launch() { release(); }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  /// For start(): where the operation is born running, if it is.
  const std::optional<Berths::Berth>& berth() const { return berth_; }
  /// For start(): what was written, by the last try.
  void written(Operation operation, std::optional<Duration> time_limit);

  /// A try failed: the next one is made ready.
  void release();
  /// After the commit: it runs here, or its queue is poked.
  void committed(const std::function<void(const std::string& queue)>& poke);

 private:
  Berths* const berths_;
  const std::string id_, queue_;
  std::optional<Berths::Berth> berth_;
  std::optional<Operation> operation_;
  std::optional<Duration> time_limit_;
};

}  // namespace scoria::engine
