#include "http/server.h"

#include <netinet/tcp.h>
#include <time.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <stdexcept>

#include "base/thread_group.h"
#include "http/exchange.h"
#include "http/request_reader.h"
#include "http/response_text.h"
#include "http/workers.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace scoria::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::string_view continue_text = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t small_body = 8192;  // copied behind its header: one buffer, one TLS record

asio::ssl::context tls_context(const ServerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  Error error;
  context.use_certificate_chain_file(options.tls_certificate_file, error);
  if (error) throw std::runtime_error(fmt::format("TLS certificate {}: {}", options.tls_certificate_file, error.message()));
  context.use_private_key_file(options.tls_key_file, asio::ssl::context::pem, error);
  if (error) throw std::runtime_error(fmt::format("TLS key {}: {}", options.tls_key_file, error.message()));
  return context;
}

/// A client that is not there any more is noticed within two minutes, also while its answer is parked.
void tune(int descriptor) {
  const auto set = [descriptor](int level, int name, int value) { ::setsockopt(descriptor, level, name, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

const metrics::Gauges connections_gauge{"scoria_http_connections", "Open client connections."};
const metrics::Counters refused_counter{"scoria_http_refused_total", "Requests that the server answered by itself, without a handler.", {"status"}};

class Session;

/// Everything here is touched by the I/O thread only, but for what start() and drain() say.
struct Front {
  Front(Clock& clock_in, ServerOptions options_in, Handler handler, Server::Quick quick_in);
  void start();
  void reload_certificate();
  void drain(Duration limit);

  void accept();
  void accept_ready();
  void accept_later();
  bool make_room();
  void add(Session& session);
  void remove(Session& session);
  void tick_later();
  void deliver();
  void begin_drain();
  Response error_response(int status, std::string_view why) const;
  std::string_view date();

  Clock& clock;
  const ServerOptions options;
  const Server::Quick quick;
  const Duration tick;
  std::uint16_t port = 0;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  asio::steady_timer ticker{io};
  std::optional<asio::ssl::context> tls;
  std::list<Session*> sessions;
  bool full = false;  // the next session to end makes room
  bool ticking = false;
  bool draining = false;
  std::time_t date_second = 0;
  std::string date_text;
  metrics::Gauge connections;

  std::shared_ptr<Mailbox> mailbox;
  Workers workers;
  ThreadGroup io_thread;
  Signal emptied;
  std::atomic<bool> empty{false};  // draining and no session left
  std::atomic<bool> started{false};
  std::atomic<bool> stopped{false};
};

/// One connection. Lives as long as an operation on its socket is pending; watch() is, until close().
class Session final : public std::enable_shared_from_this<Session>, public Destination {
 public:
  Session(Front& front, tcp::socket socket, std::string peer);
  void start();
  void act(Posted& posted) override;
  bool idle() const { return phase_ == Phase::reading && reader_.state() == RequestReader::State::idle; }
  Instant deadline() const { return deadline_; }
  void expire();
  void drain();
  void close();

  std::list<Session*>::iterator place;

 private:
  enum class Phase { handshake, reading, working, writing, streaming, lingering, closed };
  enum class After { next, finish, linger, body };

  void watch();
  void read();
  void on_read(Error error, std::size_t count);
  void advance();
  void dispatch();
  void answer(Response response);
  void refuse(int status, std::string_view why);
  void begin_stream(Response head);
  void pump();
  void end_stream();
  template <class Done>
  void write(Done done);
  void write_then(After after);
  void on_written(After after);
  void finish();
  void linger();
  Framing framing(bool stream);
  Instant in(Duration time) const { return front_.clock.now() + time; }

  Front& front_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  const std::string peer_;
  Phase phase_ = Phase::handshake;
  Instant deadline_ = never;
  RequestReader reader_;
  RequestReader::State part_ = RequestReader::State::complete;  // of the request that deadline_ is for
  bool reading_ = false;

  std::shared_ptr<Exchange> current_;
  bool keep_alive_ = false;
  bool version_1_1_ = true;
  bool head_ = false;

  std::string out_;         // being written
  std::string out_body_;    // behind it
  bool writing_ = false;
  std::string stream_;      // waits to be written
  std::size_t stream_bytes_ = 0;
  bool stream_ended_ = false;
  std::array<char, 4096> input_;
};

Session::Session(Front& front, tcp::socket socket, std::string peer)
    : front_(front), socket_(std::move(socket)), peer_(std::move(peer)), reader_({front.options.max_header_bytes, front.options.max_body_bytes}) {}

void Session::start() {
  tune(socket_.native_handle());
  front_.add(*this);
  watch();
  if (!front_.tls) return advance();
  deadline_ = in(front_.options.header_timeout);
  tls_.emplace(socket_, *front_.tls);
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Error error) {
    if (self->phase_ == Phase::closed) return;
    error ? self->close() : self->advance();
  });
}

/// Notices a reset, whatever else goes on. A client that only closed its sending side is not gone.
void Session::watch() {
  socket_.async_wait(tcp::socket::wait_error, [self = shared_from_this()](Error error) {
    if (!error) self->close();
  });
}

void Session::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  if (current_) {
    current_->gone = true;
    current_->destination = nullptr;
    current_.reset();
  }
  Error ignored;
  socket_.close(ignored);
  front_.remove(*this);
}

void Session::read() {
  if (reading_) return;
  reading_ = true;
  auto done = [self = shared_from_this()](Error error, std::size_t count) { self->on_read(error, count); };
  tls_ ? tls_->async_read_some(asio::buffer(input_), std::move(done)) : socket_.async_read_some(asio::buffer(input_), std::move(done));
}

void Session::on_read(Error error, std::size_t count) {
  reading_ = false;
  if (phase_ == Phase::closed || phase_ == Phase::writing) return;
  if (phase_ == Phase::lingering) return error ? close() : read();
  if (phase_ == Phase::streaming) {  // only the end is waited for: nobody closes one side of an event stream
    if (error) return close();
    reader_.feed({input_.data(), count});
    return;
  }
  if (error && idle()) return close();
  if (error) return refuse(400, "The request ended too early.");
  reader_.feed({input_.data(), count});
  advance();
}

/// Acts on what has come so far.
void Session::advance() {
  using State = RequestReader::State;
  phase_ = Phase::reading;
  const State before = std::exchange(part_, reader_.state());
  switch (part_) {
    case State::idle:
      if (front_.draining) return finish();
      if (before != part_) deadline_ = in(front_.options.idle_timeout);
      return read();
    case State::header:
      if (before != part_) deadline_ = in(front_.options.header_timeout);
      return read();
    case State::body:
      if (before != part_) deadline_ = in(front_.options.body_timeout);
      if (!reader_.take_continue()) return read();
      out_ = continue_text;
      return write_then(After::body);
    case State::complete: return dispatch();
    case State::refused: return refuse(reader_.refused_status(), reader_.refused_why());
  }
}

void Session::dispatch() {
  phase_ = Phase::working;
  deadline_ = never;
  keep_alive_ = reader_.keep_alive();
  version_1_1_ = reader_.version_1_1();
  current_ = std::make_shared<Exchange>();
  current_->destination = this;
  current_->request = reader_.take();
  current_->request.peer = peer_;
  current_->request.tls = tls_.has_value();
  head_ = current_->request.method == "HEAD";

  Response quick;
  if (front_.quick && front_.quick(current_->request, quick)) return answer(std::move(quick));
  auto to_worker = std::make_shared<Answer>(current_, front_.mailbox, front_.options.max_stream_buffer);
  if (front_.workers.submit(to_worker)) return;
  Response busy = front_.error_response(503, "Too many requests are waiting. Try again.");
  busy.headers.set("Retry-After", "1");
  to_worker->send(std::move(busy));
}

void Session::act(Posted& posted) {
  switch (posted.kind) {
    case Posted::Kind::answer: return answer(std::move(posted.response));
    case Posted::Kind::begin_stream: return begin_stream(std::move(posted.response));
    case Posted::Kind::piece:
      if (!head_) stream_ += version_1_1_ ? chunk_text(posted.piece) : posted.piece;
      stream_bytes_ += posted.piece.size();
      return pump();
    case Posted::Kind::end_stream: return end_stream();
    case Posted::Kind::abandoned:
      if (phase_ == Phase::streaming) return close();
      return answer(front_.error_response(500, "The request could not be served."));
  }
}

Framing Session::framing(bool stream) {
  keep_alive_ = keep_alive_ && !front_.draining && (!stream || version_1_1_);
  return {.keep_alive = keep_alive_, .stream = stream, .version_1_1 = version_1_1_, .date = front_.date()};
}

void Session::answer(Response response) {
  current_->destination = nullptr;
  current_.reset();
  out_ = head_text(response, framing(false));
  if (!head_ && has_body(response.status)) out_body_ = std::move(response.body);
  write_then(keep_alive_ ? After::next : After::finish);
}

/// Answers what cannot be read on, and gives the client time to see why.
void Session::refuse(int status, std::string_view why) {
  log::debug("http", {}, "{}: {} {}", peer_, status, why);
  Response response = front_.error_response(status, why);
  keep_alive_ = false;
  out_ = head_text(response, framing(false));
  out_body_ = std::move(response.body);
  write_then(After::linger);
}

void Session::begin_stream(Response head) {
  phase_ = Phase::streaming;
  stream_ended_ = false;
  stream_ = head_text(head, framing(true));
  stream_bytes_ = head.body.size();
  if (!head_ && !head.body.empty()) stream_ += version_1_1_ ? chunk_text(head.body) : head.body;
  if (front_.draining) return end_stream();
  pump();
  if (phase_ == Phase::streaming) read();
}

/// Writes what waits, one write at a time; what comes meanwhile goes out with the next one.
void Session::pump() {
  if (writing_) return;
  if (!stream_.empty()) {
    out_ = std::exchange(stream_, {});
    return write([self = shared_from_this(), bytes = std::exchange(stream_bytes_, 0)] {
      if (self->current_) self->current_->stream_bytes -= bytes;
      self->pump();
    });
  }
  deadline_ = never;
  if (!stream_ended_) return;
  part_ = RequestReader::State::complete;
  keep_alive_ ? advance() : finish();
}

void Session::end_stream() {
  if (version_1_1_ && !head_) stream_ += last_chunk;
  stream_ended_ = true;
  current_->gone = true;  // the server may be the one who ends it
  current_->destination = nullptr;
  current_.reset();
  pump();
}

template <class Done>
void Session::write(Done done) {
  writing_ = true;
  const std::size_t size = out_.size() + out_body_.size();
  deadline_ = in(front_.options.write_timeout + std::chrono::milliseconds{size / 1024});
  if (out_body_.size() <= small_body) {
    out_ += out_body_;
    out_body_.clear();
  }
  auto written = [self = shared_from_this(), done = std::move(done)](Error error, std::size_t) {
    self->writing_ = false;
    if (self->phase_ == Phase::closed) return;
    if (error) return self->close();
    self->out_.clear();
    self->out_body_ = {};
    done();
  };
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(out_), asio::buffer(out_body_)};
  tls_ ? asio::async_write(*tls_, buffers, std::move(written)) : asio::async_write(socket_, buffers, std::move(written));
}

void Session::write_then(After after) {
  phase_ = Phase::writing;
  write([this, after] { on_written(after); });
}

void Session::on_written(After after) {
  switch (after) {
    case After::next:
      part_ = RequestReader::State::complete;
      return advance();
    case After::finish: return finish();
    case After::linger: return linger();
    case After::body: {
      const Instant body_deadline = in(front_.options.body_timeout);
      advance();
      if (phase_ == Phase::reading) deadline_ = body_deadline;
      return;
    }
  }
}

/// Ends the connection after a whole answer.
void Session::finish() {
  Error ignored;
  const bool unread = reader_.state() != RequestReader::State::idle || socket_.available(ignored) > 0;
  if (unread) return linger();
  if (!tls_) {
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    return close();
  }
  phase_ = Phase::lingering;
  deadline_ = in(front_.options.linger_timeout);
  tls_->async_shutdown([self = shared_from_this()](Error) { self->close(); });
}

/// Closing a socket that has unread bytes resets the connection, and the client might never see its answer.
void Session::linger() {
  phase_ = Phase::lingering;
  deadline_ = in(front_.options.linger_timeout);
  Error ignored;
  if (!tls_) socket_.shutdown(tcp::socket::shutdown_send, ignored);
  read();
}

void Session::expire() {
  if (phase_ == Phase::reading && !idle()) return refuse(408, "The request took too long to arrive.");
  close();
}

void Session::drain() {
  Error ignored;
  if (phase_ == Phase::handshake || (idle() && socket_.available(ignored) == 0)) return close();
  if (phase_ == Phase::streaming && !stream_ended_) end_stream();
}

Front::Front(Clock& clock_in, ServerOptions options_in, Handler handler, Server::Quick quick_in)
    : clock(clock_in),
      options(std::move(options_in)),
      quick(std::move(quick_in)),
      tick(std::clamp(std::min({options.header_timeout, options.body_timeout, options.idle_timeout, options.write_timeout, options.linger_timeout}) / 4,
                      Duration{10ms}, Duration{250ms})),
      connections(connections_gauge.with()),
      mailbox(std::make_shared<Mailbox>([this] { asio::post(io, [this] { deliver(); }); })),
      workers(clock, options.workers, options.queue_limit, std::move(handler)),
      io_thread(clock) {
  if (!options.tls_certificate_file.empty() || !options.tls_key_file.empty()) tls.emplace(tls_context(options));
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()));
    acceptor.bind(endpoint);
    acceptor.listen(1024);
    acceptor.non_blocking(true);
    port = acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(fmt::format("cannot listen on {} port {}: {}", options.address, options.port, error.code().message()));
  }
}

void Front::start() {
  if (started.exchange(true)) return;
  workers.start();
  asio::post(io, [this] { accept(); });
  io_thread.spawn("http-io", [this] {
    try {
      io.run();
    } catch (const std::exception& error) {
      log::error("http", {}, "the I/O thread failed: {}", error.what());
      throw;  // nothing would be answered any more: the process ends and starts again
    }
  });
}

/// A connection keeps what it began with: OpenSSL counts who uses a context.
void Front::reload_certificate() {
  if (options.tls_certificate_file.empty()) return;
  asio::post(io, [this, fresh = std::make_shared<asio::ssl::context>(tls_context(options))] { tls = std::move(*fresh); });
}

void Front::accept() {
  if (draining) return;
  acceptor.async_wait(tcp::acceptor::wait_read, [this](Error error) {
    if (!error && !draining) accept_ready();
  });
}

void Front::accept_ready() {
  for (int count = 0; count < 64; ++count) {
    if (sessions.size() >= static_cast<std::size_t>(options.max_connections)) {
      if (count > 0) break;  // room is made only for a client that is known to wait
      if (!make_room()) {
        full = true;
        return;
      }
    }
    Error error;
    tcp::endpoint peer;
    tcp::socket socket(io);
    acceptor.accept(socket, peer, error);
    if (error == asio::error::would_block) break;
    if (error == asio::error::connection_aborted || error == asio::error::interrupted) continue;
    if (error) {
      log::warning("http", {}, "cannot accept connections: {}", error.message());
      return accept_later();
    }
    std::make_shared<Session>(*this, std::move(socket), peer.address().to_string())->start();
  }
  accept();
}

/// Out of descriptors or memory: the connection stays in the backlog and would make us spin.
void Front::accept_later() {
  make_room();
  accept_pause.expires_after(std::chrono::milliseconds{100});
  accept_pause.async_wait([this](Error error) {
    if (!error) accept();
  });
}

/// Closes the connection that has been idle for longest.
bool Front::make_room() {
  Session* oldest = nullptr;
  for (Session* session : sessions) {
    if (session->idle() && (oldest == nullptr || session->deadline() < oldest->deadline())) oldest = session;
  }
  if (oldest != nullptr) oldest->close();
  return oldest != nullptr;
}

void Front::add(Session& session) {
  session.place = sessions.insert(sessions.end(), &session);
  connections.add(1);
  tick_later();
}

void Front::remove(Session& session) {
  sessions.erase(session.place);
  connections.add(-1);
  if (draining && sessions.empty()) {
    empty = true;
    emptied.raise();
  } else if (std::exchange(full, false)) {
    accept();
  }
}

/// One timer for all connections; nothing ticks while there is none.
void Front::tick_later() {
  if (ticking || sessions.empty()) return;
  ticking = true;
  ticker.expires_after(tick);
  ticker.async_wait([this](Error error) {
    ticking = false;
    if (error) return;
    const Instant now = clock.now();
    for (auto next = sessions.begin(); next != sessions.end();) {
      Session& session = **next++;
      if (session.deadline() < now) session.expire();
    }
    tick_later();
  });
}

void Front::deliver() {
  for (Posted& posted : mailbox->take()) {
    if (posted.exchange->destination != nullptr) posted.exchange->destination->act(posted);
  }
}

Response Front::error_response(int status, std::string_view why) const {
  refused_counter.with({std::to_string(status)}).add();
  if (options.render_error) return options.render_error(status, why);
  return {.status = status, .headers = {}, .body = fmt::format("{} {}\n\n{}\n", status, reason_phrase(status), why), .content_type = "text/plain; charset=UTF-8"};
}

std::string_view Front::date() {
  const std::time_t now = clock.wall().micros / 1'000'000;
  if (now != date_second) {
    std::array<char, 64> text{};
    std::tm parts{};
    date_text.assign(text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&now, &parts)));
    date_second = now;
  }
  return date_text;
}

void Front::begin_drain() {
  draining = true;
  Error ignored;
  acceptor.close(ignored);
  accept_pause.cancel();
  for (auto next = sessions.begin(); next != sessions.end();) (*next++)->drain();
  if (sessions.empty()) {
    empty = true;
    emptied.raise();
  }
}

// The order matters: sessions and handlers end first, the loop that they need last, and it is never stopped half-way.
void Front::drain(Duration limit) {
  if (stopped.exchange(true)) return;
  if (!started) {
    Error ignored;
    acceptor.close(ignored);
    return mailbox->close();
  }
  asio::post(io, [this] { begin_drain(); });
  const Deadline deadline = Deadline::in(clock, limit);
  while (!empty && !deadline.passed(clock)) clock.wait(emptied, deadline.left(clock));
  asio::post(io, [this] {
    for (auto next = sessions.begin(); next != sessions.end();) (*next++)->close();
  });
  workers.stop();
  mailbox->close();
  asio::post(io, [this] {
    ticker.cancel();
    work.reset();
  });
  io_thread.wait();
}

}  // namespace

struct Server::Impl : Front {
  using Front::Front;
};

Server::Server(Clock& clock, ServerOptions options, Handler handler, Quick quick)
    : impl_(std::make_unique<Impl>(clock, std::move(options), std::move(handler), std::move(quick))) {}

Server::~Server() { impl_->drain(Duration{}); }
std::uint16_t Server::port() const { return impl_->port; }
void Server::start() { impl_->start(); }
void Server::reload_certificate() { impl_->reload_certificate(); }
void Server::drain(Duration limit) { impl_->drain(limit); }

}  // namespace scoria::http
