#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/message.h"

namespace scoria::http {

struct ServerOptions {
  std::string address = "127.0.0.1";    // "::" takes IPv4 as well
  std::uint16_t port = 0;               // 0: the kernel picks; see Server::port()
  std::string tls_certificate_file;     // both or none; PEM, the chain in the certificate's file
  std::string tls_key_file;
  std::size_t max_header_bytes = 16 * 1024;  // at most 60000
  std::size_t max_body_bytes = 114688;  // osapi_max_request_body_size; more is answered 413
  Duration header_timeout = std::chrono::seconds{10};  // from the first byte of a request
  Duration body_timeout = std::chrono::seconds{60};
  Duration idle_timeout = std::chrono::seconds{75};    // keep-alive
  Duration write_timeout = std::chrono::seconds{60};   // and 1 s more for each MiB of the answer
  Duration linger_timeout = std::chrono::seconds{2};   // for a refused client to stop sending and read why
  int workers = 32;
  int queue_limit = 128;                // waiting requests beyond the workers; more are answered 503 with Retry-After
  int max_connections = 10000;          // one more takes the place of the longest idle one, or waits to be accepted
  std::size_t max_stream_buffer = 256 * 1024;
  /// The body of answers that the server gives by itself: 400, 408, 413, 417, 431, 500, 503. Any thread. Without it:
  /// plain text.
  std::function<Response(int status, std::string_view why)> render_error;
};

/// The front: one I/O thread that reads whole requests under limits and writes answers, `workers` threads that run the
/// handler. Keep-alive; of pipelined requests the next one begins when the answer to the last is written. A client that
/// closed its sending side still gets its answer. Asio is seen by server.cpp only, Beast by request_reader.cpp only.
class Server {
 public:
  /// Binds and listens; throws std::runtime_error naming address and port when it cannot. `quick` answers on the I/O
  /// thread, without a worker (health checks): returns false for a request that is not its own; must neither wait nor throw.
  using Quick = std::function<bool(const Request&, Response&)>;
  Server(Clock& clock, ServerOptions options, Handler handler, Quick quick);
  ~Server();
  std::uint16_t port() const;
  void start();
  /// Reads certificate and key again; connections made from then on get them. Throws std::runtime_error, and changes nothing,
  /// when they cannot be used. Nothing without TLS. Any thread.
  void reload_certificate();
  /// Stops accepting, ends streams, answers what is in flight with `Connection: close`, waits up to `limit`, cuts what is
  /// left and stops. Returns when no thread of the server runs any more: a handler that is still busy is waited for.
  /// Idempotent; the destructor does it with no time to wait.
  void drain(Duration limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scoria::http
