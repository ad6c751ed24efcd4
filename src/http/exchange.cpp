#include "http/exchange.h"

#include "base/check.h"

namespace scoria::http {

void Mailbox::put(Posted posted) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  items_.push_back(std::move(posted));
  if (items_.size() == 1) wake_();
}

std::vector<Posted> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(items_, {});
}

void Mailbox::close() {
  std::vector<Posted> dropped;  // freed outside the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(items_);
}

void Answer::post(Posted::Kind kind, Response response, std::string piece) {
  mailbox_->put({kind, exchange_, std::move(response), std::move(piece)});
}

void Answer::send(Response response) {
  State open = State::open;
  if (state_.compare_exchange_strong(open, State::done)) post(Posted::Kind::answer, std::move(response));
}

bool Answer::begin_stream(Response response) {
  State open = State::open;
  if (gone() || !state_.compare_exchange_strong(open, State::stream)) return false;
  exchange_->stream_bytes += response.body.size();
  post(Posted::Kind::begin_stream, std::move(response));
  return true;
}

bool Answer::write_stream(std::string piece) {
  SCORIA_CHECK(state_ != State::open, "a piece of a stream that has not begun");
  if (gone() || state_ != State::stream || exchange_->stream_bytes + piece.size() > max_stream_buffer_) return false;
  if (piece.empty()) return true;
  exchange_->stream_bytes += piece.size();
  post(Posted::Kind::piece, {}, std::move(piece));
  return true;
}

void Answer::end_stream() {
  State stream = State::stream;
  if (state_.compare_exchange_strong(stream, State::done)) post(Posted::Kind::end_stream);
}

void Answer::abandon() {
  if (state_.exchange(State::done) != State::done) post(Posted::Kind::abandoned);
}

}  // namespace scoria::http
