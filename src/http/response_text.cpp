#include "http/response_text.h"

#include <algorithm>
#include <array>

namespace scoria::http {

namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr std::array phrases{
    Phrase{100, "Continue"}, Phrase{200, "OK"}, Phrase{201, "Created"}, Phrase{202, "Accepted"}, Phrase{204, "No Content"},
    Phrase{206, "Partial Content"}, Phrase{300, "Multiple Choices"}, Phrase{301, "Moved Permanently"}, Phrase{302, "Found"},
    Phrase{304, "Not Modified"}, Phrase{307, "Temporary Redirect"}, Phrase{308, "Permanent Redirect"}, Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"}, Phrase{403, "Forbidden"}, Phrase{404, "Not Found"}, Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"}, Phrase{408, "Request Timeout"}, Phrase{409, "Conflict"}, Phrase{410, "Gone"},
    Phrase{412, "Precondition Failed"}, Phrase{413, "Request Entity Too Large"}, Phrase{415, "Unsupported Media Type"},
    Phrase{417, "Expectation Failed"}, Phrase{422, "Unprocessable Entity"}, Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"}, Phrase{500, "Internal Server Error"}, Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"}, Phrase{503, "Service Unavailable"}, Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"}, Phrase{507, "Insufficient Storage"}};

bool is_servers_own(std::string_view name) {
  const auto same = [name](std::string_view other) {
    return std::equal(name.begin(), name.end(), other.begin(), other.end(), [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  };
  return same("Connection") || same("Content-Length") || same("Transfer-Encoding");
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  for (const std::string_view part : {name, std::string_view(": "), value}) {
    for (const char letter : part) out.push_back(letter == '\r' || letter == '\n' || letter == '\0' ? ' ' : letter);
  }
  out.append("\r\n");
}

}  // namespace

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string_view reason_phrase(int status) {
  const auto found = std::find_if(phrases.begin(), phrases.end(), [status](const Phrase& phrase) { return phrase.status == status; });
  return found == phrases.end() ? "Unknown" : found->text;
}

std::string head_text(const Response& response, const Framing& framing) {
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason_phrase(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers.items()) {
    if (!is_servers_own(name)) add_header(out, name, value);
  }
  if (!framing.date.empty()) add_header(out, "Date", framing.date);
  const bool typed = (framing.stream || !response.body.empty()) && has_body(response.status);
  if (typed && !response.content_type.empty() && response.headers.find("Content-Type") == nullptr)
    add_header(out, "Content-Type", response.content_type);
  if (framing.stream) {
    if (framing.version_1_1) out.append("Transfer-Encoding: chunked\r\n");
  } else if (has_body(response.status)) {
    out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  }
  if (!framing.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (!framing.version_1_1) {
    out.append("Connection: keep-alive\r\n");
  }
  return out.append("\r\n");
}

std::string chunk_text(std::string_view text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); }

}  // namespace scoria::http
