#include <algorithm>

#include "base/check.h"
#include "db/engines/mariadb/words.h"

namespace scoria::db::mariadb {
namespace {

bool of_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::size_t end_of(std::string_view sql, std::size_t at) {
  if (sql[at] == '\'' || sql[at] == '"' || sql[at] == '`') return sql.find(sql[at], at + 1) + 1;
  if (!of_word(sql[at])) return at + 1;
  while (at < sql.size() && of_word(sql[at])) ++at;
  return at;
}

}  // namespace

Tokens tokens_of(std::string_view sql) {
  Tokens out;
  bool spaced = false;
  for (std::size_t at = 0; at < sql.size();) {
    if (sql[at] == ' ' || sql[at] == '\n' || sql[at] == '\t' || sql[at] == '\r') {
      spaced = true;
      ++at;
    } else if (sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at, 2) == "/*") {
      at = sql.find("*/", at) + 2;
    } else {
      const std::size_t end = end_of(sql, at);
      const std::string_view text = sql.substr(at, end - at);
      const bool quote = text[0] == '\'' || text[0] == '"' || text[0] == '`';
      const auto kind = quote ? Token::Kind::quoted : of_word(text[0]) ? Token::Kind::word : text == "?" ? Token::Kind::mark : Token::Kind::other;
      out.push_back({kind, std::string(text), spaced});
      spaced = false;
      at = end;
    }
  }
  return out;
}

std::string text_of(const Tokens& tokens, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t at = from; at < std::min(to, tokens.size()); ++at) {
    if (tokens[at].spaced && !out.empty()) out += ' ';
    out += tokens[at].text;
  }
  return out;
}

std::size_t find_word(const Tokens& tokens, std::string_view word, std::size_t from) {
  for (std::size_t at = from; at < tokens.size(); ++at) {
    if (tokens[at].is('(')) at = closing(tokens, at);
    if (tokens[at].is(word)) return at;
  }
  return tokens.size();
}

std::size_t closing(const Tokens& tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < tokens.size(); ++at) {
    depth += tokens[at].is('(') ? 1 : tokens[at].is(')') ? -1 : 0;
    if (depth == 0) return at;
  }
  SCORIA_CHECK(false, "SQL with an open parenthesis");
  return tokens.size();
}

}  // namespace scoria::db::mariadb
