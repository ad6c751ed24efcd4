#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "http/request_reader.h"
#include "http/response_text.h"
#include "http/router.h"

namespace {

using scoria::http::Request;
using scoria::http::RequestReader;
using scoria::http::Router;

const Router& router() {
  static const Router made = [] {
    Router out;
    out.restrict("project_id", [](std::string_view text) { return text.find_first_not_of("0123456789abcdef-") == std::string_view::npos; });
    out.add("GET", "/v3/{project_id?}/volumes", 0);
    out.add("GET", "/v3/{project_id?}/volumes/detail", 1);
    out.add("PUT", "/v3/{project_id?}/volumes/{volume_id}/metadata/{key}", 2);
    out.add("POST", "/v3/{project_id?}/volumes/{volume_id}/action", 3);
    return out;
  }();
  return made;
}

struct Read {
  std::vector<Request> requests;
  RequestReader::State end = RequestReader::State::idle;
};

/// What a connection that sends `text` in pieces of `piece` bytes is understood to ask.
Read read_all(std::string_view text, std::size_t piece) {
  RequestReader reader({.header_bytes = 4096, .body_bytes = 65536});
  Read out;
  while (!text.empty() && reader.state() != RequestReader::State::refused) {
    reader.feed(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
    while (reader.state() == RequestReader::State::complete) out.requests.push_back(reader.take());
  }
  out.end = reader.state();
  SCORIA_CHECK(out.end != RequestReader::State::refused || !reader.refused_why().empty(), "a refusal without a reason");
  return out;
}

void check_request(const Request& request) {
  SCORIA_CHECK(request.path == "*" || request.path.starts_with('/'), "a path that does not begin with /");
  SCORIA_CHECK((request.path + "/").find("/../") == std::string::npos, "a path that leaves its parent");
  SCORIA_CHECK(scoria::utf8::is_valid(request.path) && request.path.find('\0') == std::string::npos, "a path that is no text");
  for (const auto& [name, value] : request.query) SCORIA_CHECK(scoria::utf8::is_valid(name) && scoria::utf8::is_valid(value), "a query that is no text");

  const Router::Match match = router().match(request.method, request.path);
  SCORIA_CHECK((match.outcome == Router::Outcome::found) == (match.handler >= 0), "a match without a handler");
  for (const auto& [name, text] : match.captures) SCORIA_CHECK(!text.empty() && text.find('/') == std::string_view::npos, "a capture beyond its segment");

  // An answer that repeats what the client sent stays one answer.
  scoria::http::Response response{.status = 200, .headers = {}, .body = request.body, .content_type = "text/plain"};
  response.headers.add("X-Echo", request.target);
  for (const auto& [name, value] : request.query) response.headers.add("X-Query", value);
  const std::string head = scoria::http::head_text(response, {});
  SCORIA_CHECK(head.find("\r\n\r\n") == head.size() - 4, "a header that ends too early");
}

}  // namespace

/// Any bytes as what a client sends: read the same way in one piece, byte by byte and in between, and routed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto [whole, end] = read_all(text, std::max<std::size_t>(size, 1));
  for (const Request& request : whole) check_request(request);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{512}}) {
    const auto [pieces, end_of_pieces] = read_all(text, piece);
    SCORIA_CHECK(pieces.size() == whole.size() && end == end_of_pieces, "requests that depend on how their bytes come");
    for (std::size_t index = 0; index < whole.size(); ++index) {
      SCORIA_CHECK(whole[index].target == pieces[index].target && whole[index].body == pieces[index].body &&
                       whole[index].headers.items() == pieces[index].headers.items(),
                   "a request that depends on how its bytes come");
    }
  }
  return 0;
}
