#include "http/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <future>
#include <map>

#include "http/test_client.h"

namespace scoria::http {
namespace {

using testing::Client;
using testing::ClientResponse;

/// Opens once; a handler that waits for it holds its worker. Opens by itself when it ends.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    if (!opened_.exchange(true)) promise_.set_value();
  }
  void pass() const { future_.wait(); }

 private:
  std::atomic<bool> opened_{false};
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

/// Waits until something becomes true, for 3 s at most.
template <class Condition>
bool eventually(Condition condition) {
  for (int left = 600; left > 0; --left) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

class ServerTest : public ::testing::Test {
 protected:
  using Answering = std::function<void(const Request&, const std::shared_ptr<Responder>&)>;

  /// Paths to what they do; other paths are answered with "method path body".
  std::map<std::string, Answering> handlers;
  ServerOptions options{.workers = 2};
  Server::Quick quick;

  Server& start() {
    server = std::make_unique<Server>(
        clock, options,
        [this](const Request& request, std::shared_ptr<Responder> responder) {
          const auto handler = handlers.find(request.path);
          if (handler != handlers.end()) return handler->second(request, responder);
          responder->send({.status = 200, .headers = {}, .body = request.method + " " + request.path + " " + request.body, .content_type = "text/plain"});
        },
        quick);
    server->start();
    return *server;
  }
  std::uint16_t port() { return (server ? *server : start()).port(); }

  static Response text(std::string body, int status = 200) { return {.status = status, .headers = {}, .body = std::move(body), .content_type = "text/plain"}; }

  Gate gate;  // ends after the server
  SystemClock clock;
  std::unique_ptr<Server> server;

  void TearDown() override {
    gate.open();
    server.reset();
    clock.join_all();
  }
};

TEST_F(ServerTest, a_request_reaches_the_handler_whole) {
  Request seen;
  handlers["/v3/volumes"] = [&seen](const Request& request, const auto& responder) {
    seen = request;
    Response response = text("made", 202);
    response.headers.add("X-Openstack-Request-Id", "req-1");
    responder->send(response);
  };
  Client client(port());
  client.post("/v3/volumes?limit=5", "{}", "X-Auth-Token: t\r\n");
  const ClientResponse response = client.read();
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.body, "made");
  EXPECT_EQ(*response.headers.find("X-Openstack-Request-Id"), "req-1");
  EXPECT_EQ(*response.headers.find("Content-Type"), "text/plain");
  EXPECT_NE(response.headers.find("Date"), nullptr);
  EXPECT_EQ(response.headers.find("Server"), nullptr);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/v3/volumes");
  EXPECT_EQ(*seen.find_query("limit"), "5");
  EXPECT_EQ(*seen.headers.find("x-auth-token"), "t");
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.peer, "127.0.0.1");
  EXPECT_FALSE(seen.tls);
}

TEST_F(ServerTest, connections_are_kept_as_the_client_wants) {
  Client kept(port());
  for (int count = 0; count < 5; ++count) {
    kept.get("/a");
    EXPECT_EQ(kept.read().body, "GET /a ");
  }
  kept.get("/a", "Connection: close\r\n");
  const ClientResponse last = kept.read();
  EXPECT_EQ(*last.headers.find("Connection"), "close");
  EXPECT_TRUE(kept.closed());

  Client old(port());
  old.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(*old.read().headers.find("Connection"), "keep-alive");
  old.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().body, "GET /a ");
  EXPECT_TRUE(old.closed());
}

TEST_F(ServerTest, pipelined_requests_are_answered_in_order) {
  handlers["/slow"] = [](const Request&, const auto& responder) {
    std::this_thread::sleep_for(5ms);
    responder->send(text("slow"));
  };
  Client client(port());
  std::string all;
  for (int count = 0; count < 200; ++count) {
    const std::string path = count % 50 == 0 ? "/slow" : fmt::format("/{}", count);
    all += fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{}", path, count, std::string(static_cast<std::size_t>(count), 'x'));
  }
  client.send(all);
  for (int count = 0; count < 200; ++count) {
    const std::string expected = count % 50 == 0 ? "slow" : fmt::format("POST /{} {}", count, std::string(static_cast<std::size_t>(count), 'x'));
    ASSERT_EQ(client.read().body, expected);
  }
}

TEST_F(ServerTest, an_answer_without_body_has_none) {
  handlers["/none"] = [](const Request&, const auto& responder) { responder->send(text("not sent", 204)); };
  Client client(port());
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const ClientResponse head = client.read(true);
  EXPECT_EQ(*head.headers.find("Content-Length"), "8");
  client.get("/none");
  const ClientResponse none = client.read();
  EXPECT_EQ(none.status, 204);
  EXPECT_EQ(none.headers.find("Content-Length"), nullptr);
  client.get("/b");
  EXPECT_EQ(client.read().body, "GET /b ");
}

TEST_F(ServerTest, no_text_of_a_handler_can_add_headers_or_break_the_framing) {
  handlers["/evil"] = [](const Request&, const auto& responder) {
    Response response = text("ok");
    response.headers.add("X-Name", "a\r\nX-Evil: 1\n\nbody");
    response.headers.add("content-length", "1");
    response.headers.add("Transfer-Encoding", "chunked");
    responder->send(response);
  };
  Client client(port());
  client.get("/evil");
  const ClientResponse response = client.read();
  EXPECT_EQ(response.headers.find("X-Evil"), nullptr);
  EXPECT_EQ(*response.headers.find("X-Name"), "a  X-Evil: 1  body");
  EXPECT_EQ(response.headers.count("Content-Length"), 1U);
  EXPECT_EQ(response.body, "ok");
}

TEST_F(ServerTest, a_client_that_is_slow_with_its_header_is_cut) {
  options.header_timeout = 60ms;
  Client client(port());
  client.send("GET / HTTP/1.1\r\nHo");
  const ClientResponse response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(*response.headers.find("Connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, a_client_that_drips_its_header_is_cut_as_well) {
  options.header_timeout = 100ms;
  Client client(port());
  const Instant begun = clock.now();
  client.send("GET / HTTP/1.1\r\n");
  int sent = 0;
  while (sent < 100 && client.send("X")) {
    ++sent;
    clock.sleep(5ms);
    if (clock.now() - begun > 300ms) break;
  }
  EXPECT_EQ(client.read().status, 408);
}

TEST_F(ServerTest, a_client_that_is_slow_with_its_body_is_cut) {
  options.body_timeout = 60ms;
  Client client(port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, an_idle_connection_is_closed_without_a_word) {
  options.idle_timeout = 60ms;
  Client fresh(port());
  EXPECT_TRUE(fresh.closed());
  Client used(port());
  used.get("/a");
  EXPECT_EQ(used.read().status, 200);
  EXPECT_TRUE(used.closed());
}

TEST_F(ServerTest, a_client_that_does_not_read_is_cut) {
  options.write_timeout = 50ms;
  options.max_stream_buffer = 64 * 1024;
  std::promise<std::shared_ptr<Responder>> streams;
  handlers["/watch"] = [&streams](const Request&, const auto& responder) {
    responder->begin_stream(text(""));
    streams.set_value(responder);
  };
  Client client(port(), 4096);
  client.get("/watch");
  const std::shared_ptr<Responder> stream = streams.get_future().get();
  EXPECT_TRUE(eventually([&stream] {
    stream->write_stream(std::string(32768, 'x'));
    return stream->gone();
  }));
}

TEST_F(ServerTest, a_body_beyond_the_limit_is_answered_413_however_it_comes) {
  options.max_body_bytes = 1000;
  Client announced(port());
  announced.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(announced.read().status, 413);
  EXPECT_TRUE(announced.closed());

  Client chunked(port());
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'));
  EXPECT_EQ(chunked.read().status, 413);

  // Sends all of it before it looks for the answer, as simple clients do.
  Client stubborn(port());
  stubborn.post("/", std::string(1 << 20, 'x'));
  EXPECT_EQ(stubborn.read().status, 413);

  Client fits(port());
  fits.post("/", std::string(1000, 'x'));
  EXPECT_EQ(fits.read().body.size(), 1007U);
}

TEST_F(ServerTest, a_header_beyond_the_limit_is_answered_431) {
  Client client(port());
  client.get("/", "X-Long: " + std::string(20000, 'x') + "\r\n");
  EXPECT_EQ(client.read().status, 431);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, a_malformed_request_is_answered_400_once) {
  Client client(port());
  client.send("GET /../etc HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, the_callers_bodies_are_used_for_the_servers_own_answers) {
  options.render_error = [](int status, std::string_view why) {
    return Response{.status = status, .headers = {}, .body = fmt::format("<{} {}>", status, why), .content_type = "application/json"};
  };
  Client client(port());
  client.send("nonsense\r\n\r\n");
  const ClientResponse response = client.read();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body.substr(0, 5), "<400 ");
  EXPECT_EQ(*response.headers.find("Content-Type"), "application/json");
}

TEST_F(ServerTest, a_client_may_wait_for_100_continue) {
  Client client(port());
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("abc");
  EXPECT_EQ(client.read().body, "POST /a abc");
}

TEST_F(ServerTest, a_half_closed_client_gets_its_answer) {
  handlers["/slow"] = [this](const Request&, const auto& responder) {
    gate.pass();
    responder->send(text(responder->gone() ? "gone" : "there"));
  };
  Client client(port());
  client.get("/slow");
  client.half_close();
  clock.sleep(30ms);
  gate.open();
  EXPECT_EQ(client.read().body, "there");
  EXPECT_TRUE(client.closed());

  Client unfinished(port());
  unfinished.send("GET / HT");
  unfinished.half_close();
  EXPECT_EQ(unfinished.read().status, 400);
}

TEST_F(ServerTest, a_full_queue_is_answered_503_at_once) {
  options.workers = 1;
  options.queue_limit = 2;
  std::atomic<int> running{0};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    ++running;
    gate.pass();
    responder->send(text("served"));
  };
  std::vector<std::unique_ptr<Client>> waiting;
  for (int count = 0; count < 3; ++count) {
    waiting.push_back(std::make_unique<Client>(port()));
    waiting.back()->get("/wait");
    ASSERT_TRUE(eventually([&] { return running == 1; }));
  }
  clock.sleep(20ms);
  Client late(port());
  late.get("/wait");
  const ClientResponse refused = late.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(*refused.headers.find("Retry-After"), "1");
  gate.open();
  for (const auto& client : waiting) EXPECT_EQ(client->read().body, "served");
  late.get("/wait");
  EXPECT_EQ(late.read().body, "served") << "the connection is kept";
}

TEST_F(ServerTest, health_is_answered_while_every_worker_is_busy) {
  options.workers = 1;
  options.queue_limit = 0;
  quick = [](const Request& request, Response& response) {
    response = text("OK");
    return request.path == "/healthcheck";
  };
  std::atomic<bool> running{false};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    running = true;
    gate.pass();
    responder->send(text("served"));
  };
  Client busy(port());
  busy.get("/wait");
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  Client client(port());
  client.get("/healthcheck");
  EXPECT_EQ(client.read().body, "OK");
  client.get("/wait");
  EXPECT_EQ(client.read().status, 503);
}

TEST_F(ServerTest, a_request_whose_client_is_gone_never_reaches_a_worker) {
  options.workers = 1;
  std::atomic<bool> running{false};
  std::atomic<int> reached{0};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    running = true;
    gate.pass();
    responder->send(text("served"));
  };
  handlers["/count"] = [&](const Request&, const auto& responder) {
    ++reached;
    responder->send(text("counted"));
  };
  Client busy(port());
  busy.get("/wait");
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  Client lost(port());
  lost.get("/count");
  Client patient(port());
  patient.get("/count");
  clock.sleep(30ms);
  lost.reset();
  clock.sleep(30ms);
  gate.open();
  EXPECT_EQ(patient.read().body, "counted");
  EXPECT_EQ(reached, 1);
}

TEST_F(ServerTest, a_handler_can_see_that_its_client_is_gone) {
  std::atomic<bool> running{false};
  std::atomic<bool> seen{false};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    running = true;
    seen = eventually([&] { return responder->gone(); });
    responder->send(text("nobody reads this"));
  };
  Client client(port());
  client.get("/wait");
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return seen.load(); }));
}

TEST_F(ServerTest, a_handler_that_gives_no_answer_is_answered_for) {
  handlers["/drop"] = [](const Request&, const auto&) {};
  handlers["/throw"] = [](const Request&, const auto&) { throw std::runtime_error("out of luck"); };
  std::shared_ptr<Responder> kept;
  handlers["/keep-and-throw"] = [&kept](const Request&, const auto& responder) {
    kept = responder;
    throw std::runtime_error("out of luck");
  };
  Client client(port());
  for (const char* path : {"/drop", "/throw", "/keep-and-throw"}) {
    client.get(path);
    const ClientResponse response = client.read();
    EXPECT_EQ(response.status, 500) << path;
    EXPECT_EQ(response.body.find("luck"), std::string::npos) << "what failed inside is not for the client";
  }
  kept->send(text("too late"));
  client.get("/a");
  EXPECT_EQ(client.read().body, "GET /a ");
}

TEST_F(ServerTest, a_parked_answer_holds_no_worker) {
  options.workers = 1;
  std::promise<std::shared_ptr<Responder>> parked;
  handlers["/park"] = [&parked](const Request&, const auto& responder) { parked.set_value(responder); };
  Client waiting(port());
  waiting.get("/park");
  std::shared_ptr<Responder> responder = parked.get_future().get();
  Client other(port());
  other.get("/a");
  EXPECT_EQ(other.read().body, "GET /a ");
  responder->send(text("at last"));
  responder->send(text("once only"));
  EXPECT_EQ(waiting.read().body, "at last");
  waiting.get("/a");
  EXPECT_EQ(waiting.read().body, "GET /a ");
}

TEST_F(ServerTest, an_answer_after_the_server_stopped_does_nothing) {
  std::promise<std::shared_ptr<Responder>> parked;
  handlers["/park"] = [&parked](const Request&, const auto& responder) { parked.set_value(responder); };
  Client waiting(port());
  waiting.get("/park");
  const std::shared_ptr<Responder> responder = parked.get_future().get();
  server.reset();
  EXPECT_TRUE(responder->gone());
  responder->send(text("at last"));
  EXPECT_EQ(waiting.read().status, 0);
}

TEST_F(ServerTest, a_drain_answers_what_is_in_flight) {
  std::atomic<int> running{0};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    ++running;
    gate.pass();
    responder->send(text("served"));
  };
  Client idle(port());
  idle.get("/a");
  EXPECT_EQ(idle.read().status, 200);
  Client first(port());
  Client second(port());
  first.get("/wait");
  second.get("/wait");
  ASSERT_TRUE(eventually([&] { return running == 2; }));

  std::thread drain([this] { server->drain(5s); });
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(Client(server->port()).connected());
  gate.open();
  for (Client* client : {&first, &second}) {
    const ClientResponse response = client->read();
    EXPECT_EQ(response.body, "served");
    EXPECT_EQ(*response.headers.find("Connection"), "close");
    EXPECT_TRUE(client->closed());
  }
  drain.join();
}

TEST_F(ServerTest, a_drain_ends_at_its_limit) {
  std::shared_ptr<Responder> parked;
  handlers["/park"] = [&parked](const Request&, const auto& responder) { parked = responder; };
  Client waiting(port());
  waiting.get("/park");
  Client unfinished(port());
  unfinished.send("GET / HT");
  clock.sleep(30ms);
  const Instant begun = clock.now();
  server->drain(100ms);
  EXPECT_GE(clock.now() - begun, 100ms);
  EXPECT_LT(clock.now() - begun, 2s);
  EXPECT_TRUE(waiting.closed());
  EXPECT_TRUE(parked->gone());
  server->drain(100ms);
}

TEST_F(ServerTest, a_server_that_never_started_can_be_drained) {
  Server never_started(clock, {}, [](const Request&, const auto&) {}, nullptr);
  EXPECT_GT(never_started.port(), 0);
  never_started.drain(1s);
}

TEST_F(ServerTest, an_address_that_cannot_be_bound_is_named) {
  try {
    Server second(clock, {.port = port()}, [](const Request&, const auto&) {}, nullptr);
    FAIL() << "bound twice";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string_view(error.what()).find(std::to_string(port())), std::string_view::npos) << error.what();
  }
}

TEST_F(ServerTest, beyond_the_limit_an_idle_connection_makes_room) {
  options.max_connections = 2;
  Client oldest(port());
  oldest.get("/a");
  EXPECT_EQ(oldest.read().status, 200);
  clock.sleep(2ms);
  Client second(port());
  second.get("/a");
  EXPECT_EQ(second.read().status, 200);
  Client third(port());
  third.get("/a");
  EXPECT_EQ(third.read().status, 200);
  EXPECT_TRUE(oldest.closed());
  second.get("/a");
  EXPECT_EQ(second.read().status, 200);
}

TEST_F(ServerTest, beyond_the_limit_of_busy_connections_others_wait_to_be_accepted) {
  options.max_connections = 1;
  std::atomic<bool> running{false};
  handlers["/wait"] = [&](const Request&, const auto& responder) {
    running = true;
    gate.pass();
    responder->send(text("served"));
  };
  Client busy(port());
  busy.get("/wait", "Connection: close\r\n");
  ASSERT_TRUE(eventually([&] { return running.load(); }));
  Client waiting(port());
  waiting.get("/a");
  clock.sleep(30ms);
  gate.open();
  EXPECT_EQ(busy.read().body, "served");
  EXPECT_EQ(waiting.read().body, "GET /a ");
}

TEST_F(ServerTest, out_of_descriptors_it_waits_instead_of_spinning) {
  port();
  Client client(0);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  rusage begun{};
  rusage ended{};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  client.connect(server->port());
  client.get("/a");
  ::getrusage(RUSAGE_SELF, &begun);
  clock.sleep(200ms);
  ::getrusage(RUSAGE_SELF, &ended);
  ::setrlimit(RLIMIT_NOFILE, &before);
  const auto micros = [](const rusage& use) { return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec; };
  EXPECT_LT(micros(ended) - micros(begun), 100000);
  EXPECT_EQ(client.read().body, "GET /a ");
}

TEST_F(ServerTest, a_stream_arrives_piece_by_piece) {
  std::promise<std::shared_ptr<Responder>> streams;
  handlers["/watch"] = [&streams](const Request&, const auto& responder) {
    EXPECT_TRUE(responder->begin_stream(text("hello")));
    streams.set_value(responder);
  };
  Client client(port());
  client.get("/watch");
  const ClientResponse head = client.read_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(*head.headers.find("Transfer-Encoding"), "chunked");
  EXPECT_EQ(head.headers.find("Content-Length"), nullptr);
  EXPECT_EQ(client.read_chunk(), "hello");
  const std::shared_ptr<Responder> stream = streams.get_future().get();
  EXPECT_TRUE(stream->write_stream("one"));
  EXPECT_EQ(client.read_chunk(), "one");
  EXPECT_TRUE(stream->write_stream(""));
  EXPECT_TRUE(stream->write_stream("two"));
  EXPECT_EQ(client.read_chunk(), "two");
  stream->end_stream();
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_FALSE(stream->write_stream("three"));
  client.get("/a");
  EXPECT_EQ(client.read().body, "GET /a ");
}

TEST_F(ServerTest, a_stream_to_an_old_client_ends_with_the_connection) {
  handlers["/watch"] = [](const Request&, const auto& responder) {
    responder->begin_stream(text("a"));
    responder->write_stream("b");
    responder->end_stream();
  };
  Client client(port());
  client.send("GET /watch HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const ClientResponse response = client.read();
  EXPECT_EQ(response.headers.find("Transfer-Encoding"), nullptr);
  EXPECT_EQ(response.body, "ab");
}

TEST_F(ServerTest, a_stream_that_is_dropped_is_seen_to_be_cut) {
  handlers["/watch"] = [](const Request&, const auto& responder) {
    responder->begin_stream(text("a"));
    std::this_thread::sleep_for(20ms);
  };
  Client client(port());
  client.get("/watch");
  client.read_head();
  EXPECT_EQ(client.read_chunk(), "a");
  EXPECT_FALSE(client.read_chunk());
}

TEST_F(ServerTest, a_stream_ends_when_its_client_is_gone_or_too_slow) {
  options.max_stream_buffer = 64 * 1024;
  std::promise<std::shared_ptr<Responder>> streams[2];
  int next = 0;
  handlers["/watch"] = [&](const Request&, const auto& responder) {
    responder->begin_stream(text(""));
    streams[next++].set_value(responder);
  };
  Client leaves(port());
  leaves.get("/watch");
  const std::shared_ptr<Responder> left = streams[0].get_future().get();
  leaves.close();
  EXPECT_TRUE(eventually([&] { return left->gone(); }));
  EXPECT_FALSE(left->write_stream("a"));

  Client slow(port(), 4096);
  slow.get("/watch");
  const std::shared_ptr<Responder> full = streams[1].get_future().get();
  std::size_t taken = 0;
  EXPECT_TRUE(eventually([&] {
    while (taken < (64U << 20) && full->write_stream(std::string(16384, 'x'))) taken += 16384;
    clock.sleep(20ms);
    return !full->write_stream(std::string(65536, 'x'));
  }));
  EXPECT_LT(taken, 64U << 20);
  EXPECT_FALSE(full->gone());
}

TEST_F(ServerTest, a_drain_ends_streams_whole) {
  std::promise<std::shared_ptr<Responder>> streams;
  handlers["/watch"] = [&streams](const Request&, const auto& responder) {
    responder->begin_stream(text("a"));
    streams.set_value(responder);
  };
  Client client(port());
  client.get("/watch");
  client.read_head();
  EXPECT_EQ(client.read_chunk(), "a");
  const std::shared_ptr<Responder> stream = streams.get_future().get();
  const Instant begun = clock.now();
  server->drain(5s);
  EXPECT_LT(clock.now() - begun, 2s);
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(stream->write_stream("b"));
}

}  // namespace
}  // namespace scoria::http
