#include "json/parse.h"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>

#include "json/writer.h"

namespace scoria::json {

namespace {

using boost::json::string_view;
using Error = boost::json::error_code;

/// Receives what Boost's parser finds and builds a Value bottom to top.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  Value take() { return std::move(root_); }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return open(); }
  bool on_array_begin(Error&) { return open(); }
  bool on_object_end(std::size_t, Error&) {
    Object members = std::move(open_.back().members);
    open_.pop_back();
    return put(Value(std::move(members)));
  }
  bool on_array_end(std::size_t, Error&) {
    Array items = std::move(open_.back().items);
    open_.pop_back();
    return put(Value(std::move(items)));
  }

  bool on_key_part(string_view part, std::size_t, Error&) { return gather(part); }
  bool on_key(string_view part, std::size_t, Error&) {
    gather(part);
    open_.back().members.emplace_back().first = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(string_view part, std::size_t, Error&) { return gather(part); }
  bool on_string(string_view part, std::size_t, Error&) {
    gather(part);
    return put(Value(std::exchange(text_, {})));
  }

  bool on_number_part(string_view part, Error&) { return gather(part); }
  bool on_int64(std::int64_t number, string_view, Error&) {
    text_.clear();
    return put(Value(number));
  }
  bool on_uint64(std::uint64_t number, string_view, Error&) {
    text_.clear();
    return put(Value(static_cast<double>(number)));
  }
  // Boost's own conversion may be off by an ulp; the digits are read again, exactly.
  bool on_double(double rough, string_view part, Error& error) {
    gather(part);
    double number = 0;
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), number);
    text_.clear();
    if (read.ec != std::errc{} && std::fabs(rough) > 1) {  // below 1 it is out of range because it is nearly 0
      error = boost::json::error::exponent_overflow;
      return false;
    }
    return put(Value(number));
  }
  bool on_bool(bool flag, Error&) { return put(Value(flag)); }
  bool on_null(Error&) { return put(Value()); }
  bool on_comment_part(string_view, Error&) { return true; }
  bool on_comment(string_view, Error&) { return true; }

 private:
  struct Frame {
    Object members;  // an open object's last member waits for its value
    Array items;
  };

  bool open() {
    open_.emplace_back();
    return true;
  }
  bool gather(string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Frame& frame = open_.back(); !frame.members.empty()) {
      frame.members.back().second = std::move(value);
    } else {
      frame.items.push_back(std::move(value));
    }
    return true;
  }

  std::vector<Frame> open_;
  std::string text_;
  Value root_;
};

}  // namespace

Result<Value> parse(std::string_view text, std::size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::basic_parser<Builder> parser(options);
  Error error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size()) error = boost::json::error::extra_data;
  if (error) return refuse(RefusalCode::invalid_input, "Not valid JSON at byte {}: {}", read, error.message());
  return parser.handler().take();
}

std::string to_text(const Value& value, bool spaced) { return Writer(spaced).value(value).take(); }

}  // namespace scoria::json
