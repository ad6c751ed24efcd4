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
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

/// A whole request, read under the limits of the server.
struct Request {
  std::string method;   // upper case
  std::string target;   // as sent: path and query
  std::string path;     // percent-decoded, without query; never contains "..", NUL or bad escapes
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;
  std::string body;
  std::string peer;     // address of the client
  bool tls = false;

  const std::string* find_query(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::string content_type = "application/json";
};

/// Answers one request, once, from any thread. Movable, so that an answer can be parked until its operation ends,
/// holding no thread. Destroyed without an answer it sends 500. Sending after the client left does nothing.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  /// True once the client is known to be gone: the work for it may be skipped.
  virtual bool gone() const = 0;
};

/// Runs on a worker thread; may block; must not throw (what it throws is answered with 500 and logged).
using Handler = std::function<void(const Request&, std::shared_ptr<Responder>)>;

}  // namespace scoria::http
