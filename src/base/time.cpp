#include "base/time.h"

#include <algorithm>
#include <charconv>

namespace scoria {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

struct Civil {
  std::chrono::year_month_day date;
  int hour, minute, second, micro;
};

Civil civil(Timestamp time) {
  const std::chrono::sys_time<Duration> point{Duration{time.micros}};
  const auto day = std::chrono::floor<days>(point);
  auto rest = (point - day).count();
  Civil out{std::chrono::year_month_day{day}, 0, 0, 0, 0};
  out.micro = static_cast<int>(rest % 1'000'000);
  rest /= 1'000'000;
  out.second = static_cast<int>(rest % 60);
  out.minute = static_cast<int>(rest / 60 % 60);
  out.hour = static_cast<int>(rest / 3600);
  return out;
}

bool number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool literal(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool fraction(std::string_view& text, int& micros) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  int scale = 100'000;
  for (micros = 0; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    micros += (text.front() - '0') * scale;
    scale /= 10;
  }
  return true;
}

bool zone(std::string_view& text, int& offset_minutes) {
  offset_minutes = 0;
  if (text.empty() || literal(text, 'Z')) return text.empty();
  const bool negative = text.front() == '-';
  if (!negative && text.front() != '+') return false;
  text.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!number(text, 2, hours)) return false;
  literal(text, ':');
  if (!number(text, 2, minutes) || !text.empty()) return false;
  offset_minutes = (hours * 60 + minutes) * (negative ? -1 : 1);
  return true;
}

}  // namespace

std::array<char, 26> iso_characters(Timestamp time) {
  const Civil c = civil(time);
  constexpr std::string_view zero = "0000-00-00T00:00:00.000000";
  std::array<char, zero.size()> out{};
  std::copy(zero.begin(), zero.end(), out.begin());
  const auto put = [&out](std::size_t last, int value) {
    for (; value > 0; value /= 10) out[last--] = static_cast<char>('0' + value % 10);
  };
  put(3, static_cast<int>(c.date.year()) % 10'000);
  put(6, static_cast<int>(static_cast<unsigned>(c.date.month()))), put(9, static_cast<int>(static_cast<unsigned>(c.date.day())));
  put(12, c.hour), put(15, c.minute), put(18, c.second), put(25, c.micro);
  return out;
}

std::string to_iso(Timestamp time) {
  const auto characters = iso_characters(time);
  return {characters.data(), characters.size()};
}

std::string to_rfc3339(Timestamp time) { return to_iso(time) + "Z"; }

bool parse_time(std::string_view text, Timestamp& out) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0, offset = 0;
  if (!number(text, 4, year) || !literal(text, '-') || !number(text, 2, month) || !literal(text, '-') || !number(text, 2, day)) return false;
  if (!text.empty()) {
    if (!literal(text, 'T') && !literal(text, ' ')) return false;
    if (!number(text, 2, hour) || !literal(text, ':') || !number(text, 2, minute)) return false;
    if (literal(text, ':') && !number(text, 2, second)) return false;
    if (literal(text, '.') && !fraction(text, micros)) return false;
    if (!zone(text, offset)) return false;
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return false;
  const auto base = sys_days{date}.time_since_epoch();
  out.micros = (Duration{base} + std::chrono::hours{hour} + std::chrono::minutes{minute - offset} + std::chrono::seconds{second}).count() + micros;
  return true;
}

}  // namespace scoria
