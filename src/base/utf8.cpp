#include "base/utf8.h"

namespace scoria::utf8 {

CodePoint first(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  else if ((lead & 0xf0) == 0xe0) length = 3;
  else if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  else return {};
  if (lead == 0xe0) low = 0xa0;   // overlong
  if (lead == 0xed) high = 0x9f;  // surrogates
  if (lead == 0xf0) low = 0x90;   // overlong
  if (lead == 0xf4) high = 0x8f;  // beyond U+10FFFF
  std::uint32_t value = lead & (0xffU >> (length + 1));
  for (std::size_t index = 1; index < length; ++index) {
    if (index >= text.size() || byte(index) < low || byte(index) > high) return {0xfffd, index, false};
    value = value << 6 | (byte(index) & 0x3fU);
    low = 0x80;
    high = 0xbf;
  }
  return {value, length, true};
}

bool is_valid(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = first(text);
    if (!point.valid) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

}  // namespace scoria::utf8
