#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/message.h"

namespace scoria::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;               // 0: the kernel picks; see Server::port()
  std::string tls_certificate_file;     // both or none
  std::string tls_key_file;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 114688;  // osapi_max_request_body_size; more is answered 413
  Duration header_timeout = std::chrono::seconds{10};  // from the first byte of a request
  Duration body_timeout = std::chrono::seconds{60};
  Duration idle_timeout = std::chrono::seconds{75};    // keep-alive
  Duration write_timeout = std::chrono::seconds{60};
  int workers = 32;
  int queue_limit = 128;                // waiting requests beyond the workers; more are answered 503 with Retry-After
  int max_connections = 10000;
};

/// The front: one I/O thread that reads whole requests under limits and writes answers, `workers` threads that run the
/// handler. Keep-alive and pipelining (answers in order). The only file that sees Asio and Beast is server.cpp.
class Server {
 public:
  /// Binds and listens; throws std::runtime_error naming address and port when it cannot. `quick` answers on the I/O
  /// thread, without a worker (health checks): returns false for a request that is not its own.
  using Quick = std::function<bool(const Request&, Response&)>;
  Server(Clock& clock, ServerOptions options, Handler handler, Quick quick);
  ~Server();
  std::uint16_t port() const;
  void start();
  /// Stops accepting, answers what is in flight with `Connection: close`, waits up to `limit`, then stops. Idempotent.
  void drain(Duration limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scoria::http
