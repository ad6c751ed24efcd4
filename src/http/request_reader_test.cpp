#include "http/request_reader.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace scoria::http {
namespace {

using State = RequestReader::State;

constexpr RequestReader::Limits small{.header_bytes = 512, .body_bytes = 100};

/// 0 when a whole request was read; else the status of the refusal, or -1 when more is waited for.
int status_of(std::string_view text, RequestReader::Limits limits = small) {
  RequestReader reader(limits);
  const State state = reader.feed(text);
  if (state == State::refused) return reader.refused_status();
  return state == State::complete ? 0 : -1;
}

std::string post(std::string_view headers, std::string_view body = {}) { return fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}\r\n{}", headers, body); }

TEST(RequestReader, a_request_is_the_same_however_its_bytes_come) {
  const std::string text = "PUT /v3/x?limit=5 HTTP/1.1\r\nHost: h\r\nX-Twice: a\r\nx-twice:  b \r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    RequestReader reader(small);
    std::vector<Request> requests;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random.below(seed < 20 ? 1 : 40), text.size() - at);
      State state = reader.feed(std::string_view(text).substr(at, count));
      while (state == State::complete) {
        requests.push_back(reader.take());
        state = reader.state();
      }
      ASSERT_NE(state, State::refused) << "seed " << seed << ": " << reader.refused_why();
      at += count;
    }
    ASSERT_EQ(requests.size(), 2U) << "seed " << seed;
    EXPECT_EQ(requests[0].method, "PUT");
    EXPECT_EQ(requests[0].target, "/v3/x?limit=5");
    EXPECT_EQ(requests[0].path, "/v3/x");
    EXPECT_EQ(*requests[0].find_query("limit"), "5");
    EXPECT_EQ(requests[0].headers.count("X-TWICE"), 2U);
    EXPECT_EQ(*requests[0].headers.find("x-Twice"), "a");
    EXPECT_EQ(requests[0].body, "hello");
    EXPECT_EQ(requests[1].method, "GET");
    EXPECT_EQ(requests[1].headers.items().size(), 1U);
    EXPECT_EQ(reader.state(), State::idle);
  }
}

TEST(RequestReader, chunked_bodies_are_put_together) {
  RequestReader reader(small);
  ASSERT_EQ(reader.feed(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Auth-Token: late\r\n\r\n")), State::complete);
  const Request request = reader.take();
  EXPECT_EQ(request.body, "abcdefg");
  EXPECT_EQ(request.headers.find("X-Auth-Token"), nullptr) << "a trailer must not become a header";
}

TEST(RequestReader, what_two_readers_could_split_differently_is_refused) {
  EXPECT_EQ(status_of(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(status_of(post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")), 400);
  EXPECT_EQ(status_of(post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc")), 400);
  EXPECT_EQ(status_of(post("Content-Length: 3, 3\r\n", "abc")), 400);
  EXPECT_EQ(status_of(post("Content-Length: +3\r\n", "abc")), 400);
  EXPECT_EQ(status_of(post("Content-Length: -1\r\n")), 400);
  EXPECT_EQ(status_of(post("Content-Length: 99999999999999999999\r\n")), 400);
  EXPECT_EQ(status_of(post("Content-Length:\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked, identity\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: identity\r\n")), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "zz\r\n\r\n")), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "3\r\nabcXY0\r\n")), 400);
  EXPECT_EQ(status_of(post("Bad Name: x\r\n")), 400);
  EXPECT_EQ(status_of(post("Name : x\r\n")), 400);
}

TEST(RequestReader, a_bad_request_line_is_refused) {
  for (const char* text : {"\x16\x03\x01\x02", "GET\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTQ/1.1\r\n\r\n", "G\x01T / HTTP/1.1\r\n\r\n",
                           "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
                           "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"}) {
    EXPECT_EQ(status_of(text), 400) << text;
  }
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(status_of("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
}

TEST(RequestReader, headers_are_limited) {
  EXPECT_EQ(status_of(post("X: " + std::string(300, 'a') + "\r\n")), 0);
  EXPECT_EQ(status_of(post("X: " + std::string(600, 'a') + "\r\n")), 431);
  EXPECT_EQ(status_of("GET /" + std::string(600, 'a')), 431);
  EXPECT_EQ(status_of(std::string(600, 'A')), 431);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "3;" + std::string(600, 'x'))), 400);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "0\r\n" + std::string(600, 'x'))), 400);
  // A client that sends byte by byte costs no more than one that sends all at once.
  RequestReader reader(small);
  std::size_t fed = 0;
  while (reader.feed("a") != State::refused && fed < 2000) ++fed;
  EXPECT_EQ(reader.refused_status(), 431);
  EXPECT_LE(fed, 512U);
}

TEST(RequestReader, bodies_are_limited) {
  EXPECT_EQ(status_of(post("Content-Length: 100\r\n", std::string(100, 'a'))), 0);
  EXPECT_EQ(status_of(post("Content-Length: 101\r\n")), 413) << "refused before the body comes";
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "65\r\n" + std::string(101, 'a'))), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "40\r\n" + std::string(64, 'a') + "\r\n40\r\n" + std::string(64, 'a'))), 413);
  EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n")), 400);
}

TEST(RequestReader, the_connection_is_kept_as_the_client_says) {
  const auto kept = [](std::string_view text) {
    RequestReader reader(small);
    EXPECT_EQ(reader.feed(text), State::complete) << text;
    return reader.keep_alive();
  };
  EXPECT_TRUE(kept("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(kept("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(kept("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(kept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(RequestReader, a_client_that_waits_for_100_is_told_apart) {
  RequestReader reader(small);
  ASSERT_EQ(reader.feed(post("Expect: 100-continue\r\nContent-Length: 3\r\n")), State::body);
  EXPECT_TRUE(reader.take_continue());
  EXPECT_FALSE(reader.take_continue());
  EXPECT_EQ(reader.feed("abc"), State::complete);
  EXPECT_EQ(status_of(post("Expect: 100-continue\r\nContent-Length: 101\r\n")), 413);
  EXPECT_EQ(status_of(post("Expect: a cake\r\nContent-Length: 3\r\n")), 417);
}

}  // namespace
}  // namespace scoria::http
