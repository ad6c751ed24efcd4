#pragma once
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

}  // namespace scoria::load
