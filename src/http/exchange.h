#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/message.h"

namespace scoria::http {

struct Posted;

/// Where an answer goes: a connection, on the I/O thread.
class Destination {
 public:
  virtual void act(Posted& posted) = 0;

 protected:
  ~Destination() = default;
};

/// One request on its way through the server.
struct Exchange {
  Request request;
  Destination* destination = nullptr;       // I/O thread only; null once answered or gone
  std::atomic<bool> gone{false};            // written by the I/O thread
  std::atomic<std::size_t> stream_bytes{0};  // accepted from the handler and not written yet
};

/// What a worker tells the I/O thread.
struct Posted {
  enum class Kind { answer, begin_stream, piece, end_stream, abandoned };
  Kind kind = Kind::answer;
  std::shared_ptr<Exchange> exchange;
  Response response;
  std::string piece;
};

/// From any thread to the I/O thread, in order. Outlives the server, so that late answers have somewhere to end.
class Mailbox {
 public:
  /// `wake` makes the I/O thread take(); called once per batch, never after close().
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}
  void put(Posted posted);
  std::vector<Posted> take();
  /// Drops what is in it and what comes.
  void close();

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<Posted> items_;  // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
};

/// The server's Responder.
class Answer final : public Responder {
 public:
  Answer(std::shared_ptr<Exchange> exchange, std::shared_ptr<Mailbox> mailbox, std::size_t max_stream_buffer)
      : exchange_(std::move(exchange)), mailbox_(std::move(mailbox)), max_stream_buffer_(max_stream_buffer) {}
  ~Answer() override { abandon(); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  void send(Response response) override;
  bool begin_stream(Response response) override;
  bool write_stream(std::string piece) override;
  void end_stream() override;
  bool gone() const override { return exchange_->gone; }

  /// 500, or a cut stream, unless the answer is whole already.
  void abandon();
  const Request& request() const { return exchange_->request; }

 private:
  enum class State { open, stream, done };
  void post(Posted::Kind kind, Response response = {}, std::string piece = {});

  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Mailbox> mailbox_;
  std::size_t max_stream_buffer_;
  std::atomic<State> state_{State::open};
};

}  // namespace scoria::http
