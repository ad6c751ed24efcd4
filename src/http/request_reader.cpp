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

namespace {

constexpr std::size_t largest_header = 60000;  // Beast keeps the length of a field in 16 bits

/// Beast 1.81 aborts when the last chunk ("0", two line ends) is shown to it byte by byte (corrected later by its pull 2861).
/// No chunked body that is still open ends with less than that, so it is safe to wait for so much.
template <class Parser>
std::size_t least_bytes(const Parser& parser) {
  return parser.is_header_done() && parser.chunked() ? 5 : 1;
}

}  // namespace

RequestReader::RequestReader(Limits limits) : limits_(limits) {
  limits_.header_bytes = std::min(limits_.header_bytes, largest_header);
}
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
    if (pending_[0] < 'A' || pending_[0] > 'z') return refuse(400, "The request is no HTTP.");  // TLS, for example
    state_ = State::header;
    header_searched_ = 0;
  }
  if (state_ == State::header && !find_header_end()) return;
  auto& parser = parser_->beast;
  std::size_t used = 0;
  while (state_ != State::refused && !parser.is_done() && pending_.size() - used >= least_bytes(parser)) {
    beast::error_code error;
    const std::size_t body_before = parser.get().body().size();
    const std::size_t taken = parser.put(boost::asio::buffer(pending_.data() + used, pending_.size() - used), error);
    used += taken;
    if (error == beast::http::error::body_limit) return refuse(413, "The body of the request is too large.");
    if (error && error != beast::http::error::need_more) return refuse(400, "The request is no valid HTTP: " + error.message() + ".");
    if (state_ == State::header && parser.is_header_done()) {
      read_header();
    } else if (std::max(taken - (parser.get().body().size() - body_before), error ? pending_.size() - used : 0) > limits_.header_bytes) {
      return refuse(400, "A line or the trailer of a chunk is too long.");
    }
    if (error) break;
  }
  pending_.erase(0, used);
  if (state_ == State::refused || !parser.is_done()) return;
  request_.body = std::move(parser.get().body());
  state_ = State::complete;
}

/// Beast sees a header only when it is whole: its own limit depends on how the bytes come.
bool RequestReader::find_header_end() {
  const std::size_t end = pending_.find("\r\n\r\n", header_searched_);
  const std::size_t size = end == std::string::npos ? pending_.size() : end + 4;
  if (size > limits_.header_bytes) {
    refuse(431, "The header of the request is too large.");
    return false;
  }
  if (end == std::string::npos) {
    header_searched_ = size > 3 ? size - 3 : 0;
    return false;
  }
  parser_ = std::make_unique<Parser>();
  parser_->beast.header_limit(static_cast<std::uint32_t>(size) + 1);
  parser_->beast.body_limit(limits_.body_bytes);
  return true;
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
