#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"

namespace scoria::http {

/// Reads the requests of one connection from the bytes that come, one after the other, under limits. Knows no socket.
class RequestReader {
 public:
  struct Limits {
    std::size_t header_bytes = 16 * 1024;  // at most 60000
    std::size_t body_bytes = 114688;
  };
  enum class State {
    idle,      // nothing of a request has come
    header,
    body,      // the header is whole and good
    complete,  // take() it
    refused,   // nothing more is read: see refused_status(), answer and close
  };

  explicit RequestReader(Limits limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Takes what has come. Bytes behind the end of a request wait for the next one; it is the caller who stops reading.
  State feed(std::string_view bytes);
  State state() const { return state_; }

  /// In state body: the client waits for "100 Continue" before it sends the body. True once.
  bool take_continue() { return std::exchange(wants_continue_, false); }
  /// In state complete or body: whether the connection may be used for another request, and whether HTTP/1.1 is spoken.
  bool keep_alive() const { return keep_alive_; }
  bool version_1_1() const { return version_1_1_; }
  const Request& request() const { return request_; }

  /// In state complete: the request, without peer and tls. Goes on with the next one: see state().
  Request take();

  int refused_status() const { return refused_status_; }
  const std::string& refused_why() const { return refused_why_; }

 private:
  struct Parser;
  void advance();
  bool find_header_end();
  void read_header();
  void refuse(int status, std::string why);

  Limits limits_;
  std::unique_ptr<Parser> parser_;
  std::string pending_;  // not parsed yet
  std::size_t header_searched_ = 0;
  Request request_;
  State state_ = State::idle;
  bool wants_continue_ = false;
  bool keep_alive_ = false;
  bool version_1_1_ = true;
  int refused_status_ = 0;
  std::string refused_why_;
};

}  // namespace scoria::http
