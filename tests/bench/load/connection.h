#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace scoria::load {

/// One keep-alive HTTP/1.1 connection to a server on loopback, with one request under way at most: no pipelining.
class Connection {
 public:
  /// Connects; throws std::system_error.
  explicit Connection(int port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return descriptor_; }
  /// Sends a whole request. Throws if the server does not take it at once: requests here are small.
  void send(std::string_view request);
  /// Appends what has arrived to `to`. Throws when the server has closed.
  void receive_some(std::string& to);
  /// Takes what has arrived. True: the answer is whole; status() and body() hold it until the next send().
  bool receive();
  int status() const { return status_; }
  std::string_view body() const { return std::string_view(input_).substr(body_at_, length_); }

 private:
  bool read_head();

  int descriptor_ = -1;
  std::string input_;
  int status_ = 0;
  std::size_t body_at_ = 0;  // 0: the head is not whole yet
  std::size_t length_ = 0;
};

/// A GET whose answer goes on: lines, in chunks.
class LineStream {
 public:
  /// Connects and sends the whole request; throws std::system_error.
  LineStream(int port, std::string_view request);
  int descriptor() const { return connection_.descriptor(); }
  /// Takes what has arrived. Throws std::runtime_error when the answer is not 200, or has ended.
  void receive();
  /// The next whole line without its end; nothing if there is none yet.
  std::optional<std::string> next_line();

 private:
  bool read_head();
  void read_chunks();

  Connection connection_;
  std::string input_;  // not looked at yet
  std::string lines_;  // of whole chunks
  bool begun_ = false;
};

}  // namespace scoria::load
