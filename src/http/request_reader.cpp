#include "http/request_reader.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/check.h"
#include "http/target.h"

namespace scoria::http {

namespace beast = boost::beast;
using beast::http::field;

struct RequestReader::Parser {
  beast::http::request_parser<beast::http::string_body> beast;
};

RequestReader::RequestReader(Limits limits) : limits_(limits) {}
RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::feed(std::string_view bytes) {
  if (state_ == State::refused) return state_;
  pending_.append(bytes);
  if (state_ != State::complete) advance();
  return state_;
}

Request RequestReader::take() {
  SCORIA_CHECK(state_ == State::complete, "no whole request to take");
  Request out = std::move(request_);
  request_ = {};
  parser_.reset();
  wants_continue_ = false;
  state_ = State::idle;
  if (!pending_.empty()) advance();
  return out;
}

void RequestReader::advance() {
  if (state_ == State::idle) {
    // Some clients send a line end too many after a body.
    pending_.erase(0, std::min(pending_.find_first_not_of("\r\n"), pending_.size()));
    if (pending_.empty()) return;
    state_ = State::header;
    parser_ = std::make_unique<Parser>();
    parser_->beast.header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser_->beast.body_limit(limits_.body_bytes);
  }
  auto& parser = parser_->beast;
  std::size_t used = 0;
  while (state_ != State::refused && !parser.is_done() && used < pending_.size()) {
    beast::error_code error;
    used += parser.put(boost::asio::buffer(pending_.data() + used, pending_.size() - used), error);
    if (error == beast::http::error::header_limit) return refuse(431, "The header of the request is too large.");
    if (error == beast::http::error::body_limit) return refuse(413, "The body of the request is too large.");
    if (error && error != beast::http::error::need_more) return refuse(400, "The request is no valid HTTP: " + error.message() + ".");
    if (state_ == State::header && parser.is_header_done()) read_header();
    if (error) break;
  }
  pending_.erase(0, used);
  if (state_ == State::refused) return;
  if (parser.is_done()) {
    request_.body = std::move(parser.get().body());
    state_ = State::complete;
  } else if (state_ == State::body && pending_.size() > limits_.header_bytes) {
    refuse(400, "A chunk of the request has a line without end.");  // the parser itself would wait for ever
  }
}

/// Takes over the header. What comes behind it (trailers of a chunked body) must not change it any more.
void RequestReader::read_header() {
  state_ = State::body;
  const auto& message = parser_->beast.get();
  for (const auto& item : message) request_.headers.add(std::string(item.name_string()), std::string(item.value()));
  request_.method = std::string(message.method_string());
  request_.target = std::string(message.target());
  version_1_1_ = message.version() == 11;
  keep_alive_ = message.keep_alive();

  if (message.version() != 10 && message.version() != 11) return refuse(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
  const std::string* length = request_.headers.find("Content-Length");
  if (length != nullptr && (request_.headers.count("Content-Length") > 1 || length->find_first_not_of("0123456789") != std::string::npos))
    return refuse(400, "The request has more than one Content-Length.");
  const std::string* encoding = request_.headers.find("Transfer-Encoding");
  if (encoding != nullptr && (!parser_->beast.chunked() || !beast::iequals(*encoding, "chunked") || !version_1_1_))
    return refuse(400, "The Transfer-Encoding of the request is not supported.");
  const std::size_t hosts = request_.headers.count("Host");
  if (hosts > 1 || (hosts == 0 && version_1_1_)) return refuse(400, "The request must have one Host.");

  Result<Target> target = read_target(request_.target);
  if (!target) return refuse(400, target.error().message);
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);

  const std::string* expect = request_.headers.find("Expect");
  if (expect == nullptr || !version_1_1_) return;
  if (!beast::iequals(*expect, "100-continue")) return refuse(417, "The expectation of the request cannot be met.");
  wants_continue_ = true;
}

void RequestReader::refuse(int status, std::string why) {
  state_ = State::refused;
  keep_alive_ = false;
  refused_status_ = status;
  refused_why_ = std::move(why);
  pending_.clear();
}

}  // namespace scoria::http
