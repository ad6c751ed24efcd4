#pragma once
#include <string>
#include <string_view>

#include "http/message.h"

namespace scoria::http {

/// How the bytes of a response are laid out.
struct Framing {
  bool keep_alive = true;
  bool stream = false;      // no length: chunked, or up to the end of the connection before HTTP/1.1
  bool version_1_1 = true;
  std::string_view date;    // value of the header; empty: none
};

/// Status line and headers with the empty line behind them. A line end in a header is replaced by a space, so that no text
/// of a caller can add headers.
std::string head_text(const Response& response, const Framing& framing);

/// Whether a response of that status has a body at all.
bool has_body(int status);

/// The standard's phrase for a status; "Unknown" for others.
std::string_view reason_phrase(int status);

/// One chunk of a chunked body; text is not empty.
std::string chunk_text(std::string_view text);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace scoria::http
