#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace scoria::http {

/// Header names compare without case; order and repeats are kept.
class Headers {
 public:
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  /// Replaces every header of that name.
  void set(std::string_view name, std::string value);
  /// The first value, or nullptr.
  const std::string* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// A whole request, read under the limits of the server.
struct Request {
  std::string method;   // as sent; methods are case-sensitive
  std::string target;   // as sent: path and query
  std::string path;     // percent-decoded UTF-8 without query, beginning with '/'; no ".." segment, no control character
  std::vector<std::pair<std::string, std::string>> query;  // decoded UTF-8, in order
  Headers headers;
  std::string body;
  std::string peer;     // address of the client
  bool tls = false;

  /// The first value of that name, or nullptr.
  const std::string* find_query(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;      // Connection, Content-Length and Transfer-Encoding are the server's own and skipped here
  std::string body;
  std::string content_type = "application/json";
};

/// Answers one request, once, from any thread. May be kept, so that an answer can be parked until its operation ends,
/// holding no thread. Destroyed without an answer it sends 500. Sending after the client left, or after the server
/// stopped, does nothing. Not to be used by two threads at once, but for gone().
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;

  // An answer whose end is not known yet: server-sent events, for example. Pieces go out as soon as the client takes them.
  // Destroyed without end_stream(), the connection is cut, so that the client sees that the answer is not whole.

  /// Sends status and headers; the response's body is the first piece. False when the client is gone.
  virtual bool begin_stream(Response) { return false; }
  /// Sends a piece; never waits. False when it was not taken: the client is gone, the server drains, or the client is so
  /// slow that ServerOptions::max_stream_buffer bytes wait already (all the same to a watcher: it ends the stream).
  virtual bool write_stream(std::string) { return false; }
  virtual void end_stream() {}

  /// True once the client is known to be gone: the work for it may be skipped.
  virtual bool gone() const = 0;
};

/// Runs on a worker thread; may block; must not throw (what it throws is answered with 500 and logged).
using Handler = std::function<void(const Request&, std::shared_ptr<Responder>)>;

}  // namespace scoria::http
