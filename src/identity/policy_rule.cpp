#include "identity/policy_rule.h"

#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace scoria::policy {
namespace {

constexpr int max_nesting = 50;

struct Token {
  enum class Kind { open, close, word_and, word_or, word_not, check, end };
  Kind kind = Kind::end;
  std::string_view text;
  std::size_t at = 0;  // from 1
};

using Kind = Expression::Kind;

constexpr std::array<std::pair<std::string_view, Attribute>, 15> attributes{{
    {"user_id", Attribute::user_id},
    {"user", Attribute::user_id},
    {"user_name", Attribute::user_name},
    {"user_domain_id", Attribute::user_domain_id},
    {"project_id", Attribute::project_id},
    {"tenant", Attribute::project_id},
    {"tenant_id", Attribute::project_id},
    {"project_name", Attribute::project_name},
    {"project_domain_id", Attribute::project_domain_id},
    {"domain_id", Attribute::domain_id},
    {"is_admin", Attribute::is_admin},
    {"is_admin_project", Attribute::is_admin_project},
    {"system_scope", Attribute::system_scope},
    {"roles", Attribute::roles},
    {"service_roles", Attribute::service_roles},
}};

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Words are separated by blanks; parentheses stand before and after a check, and inside it only in %(key)s.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> out;
  for (std::size_t i = 0; i < text.size();) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !is_space(text[end])) ++end;
    for (; i < end && text[i] == '('; ++i) out.push_back({Token::Kind::open, text.substr(i, 1), i + 1});
    std::size_t closing = end;
    while (closing > i && text[closing - 1] == ')') --closing;
    if (closing > i) {
      const std::string_view word = text.substr(i, closing - i);
      const std::string lower = lower_case(word);
      const Token::Kind kind = lower == "and"   ? Token::Kind::word_and
                               : lower == "or"  ? Token::Kind::word_or
                               : lower == "not" ? Token::Kind::word_not
                                                : Token::Kind::check;
      out.push_back({kind, word, i + 1});
    }
    for (; closing < end; ++closing) out.push_back({Token::Kind::close, text.substr(closing, 1), closing + 1});
    i = end;
  }
  out.push_back({Token::Kind::end, {}, text.size() + 1});
  return out;
}

tl::unexpected<Refusal> wrong(std::size_t at, std::string_view what) {
  return refuse(RefusalCode::invalid_input, "{} at character {}", what, at);
}

/// Reads Python's % formatting as far as rules use it: %(key)s and %%.
Result<std::vector<Piece>> pieces_of(std::string_view text, std::size_t at) {
  std::vector<Piece> out;
  const auto add = [&](std::string_view plain) {
    if (out.empty() || out.back().is_key) out.push_back({false, {}});
    out.back().text += plain;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '%') {
      if (text[i] == '(' || text[i] == ')') return wrong(at + i, "a parenthesis inside a check: %(key)s is meant?");
      add(text.substr(i++, 1));
    } else if (text.substr(i, 2) == "%%") {
      add("%");
      i += 2;
    } else {
      const std::size_t close = text.find(')', i);
      if (text.substr(i, 2) != "%(" || close == std::string_view::npos || text.substr(close, 2) != ")s" || close == i + 2)
        return wrong(at + i, "'%' that is neither %(key)s nor %%");
      out.push_back({true, std::string(text.substr(i + 2, close - i - 2))});
      i = close + 2;
    }
  }
  if (out.empty()) out.push_back({false, {}});
  return out;
}

/// The left side when it is a Python literal (a quoted text, True, False, None, a whole number): its text.
std::optional<std::string> literal_of(std::string_view left) {
  if (left.size() >= 2 && (left.front() == '\'' || left.front() == '"') && left.back() == left.front())
    return std::string(left.substr(1, left.size() - 2));
  if (left == "True" || left == "False" || left == "None") return std::string(left);
  if (!left.empty() && left.find_first_not_of("0123456789") == std::string_view::npos) return std::string(left);
  return std::nullopt;
}

Result<Expression> compare(std::string_view left, std::vector<Piece> match, std::size_t at) {
  Expression out;
  out.match = std::move(match);
  if (auto literal = literal_of(left)) {
    out.kind = Kind::literal;
    out.text = std::move(*literal);
    return out;
  }
  std::vector<std::string_view> known{"rule", "role"};
  for (const auto& [name, attribute] : attributes) {
    if (name == left) {
      out.kind = Kind::attribute;
      out.attribute = attribute;
      return out;
    }
    known.push_back(name);
  }
  if (left == "http" || left == "https") return wrong(at, "checks that ask another server (http:) are not supported, found");
  const std::string_view near = nearest(left, known);
  return wrong(at, fmt::format("'{}' is no attribute of a caller{},", left, near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near)));
}

Result<Expression> check_of(const Token& token) {
  if (token.text == "@") return Expression{.kind = Kind::always};
  if (token.text == "!") return Expression{.kind = Kind::never};
  const std::size_t colon = token.text.find(':');
  if (colon == std::string_view::npos) return wrong(token.at, fmt::format("'{}' is no check (kind:match)", token.text));
  const std::string_view left = token.text.substr(0, colon);
  const std::string_view right = token.text.substr(colon + 1);
  if (left == "rule") {
    if (right.empty()) return wrong(token.at, "'rule:' names no rule");
    return Expression{.kind = Kind::rule, .text = std::string(right)};
  }
  Result<std::vector<Piece>> match = pieces_of(right, token.at + colon + 1);
  if (!match) return refuse(match.error());
  if (left != "role") return compare(left, std::move(*match), token.at);
  for (Piece& piece : *match)
    if (!piece.is_key) piece.text = lower_case(piece.text);
  return Expression{.kind = Kind::role, .match = std::move(*match)};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  Result<Expression> whole() {
    if (now().kind == Token::Kind::end) return Expression{.kind = Kind::always};
    Result<Expression> out = either(0);
    if (out && now().kind == Token::Kind::close) return wrong(now().at, "')' without '('");
    if (out && now().kind != Token::Kind::end) return wrong(now().at, fmt::format("'and' or 'or' expected, found '{}'", now().text));
    return out;
  }

 private:
  const Token& now() const { return tokens_[next_]; }

  Result<Expression> either(int depth) { return chain(Token::Kind::word_or, Kind::any, depth); }
  Result<Expression> both(int depth) { return chain(Token::Kind::word_and, Kind::all, depth); }

  Result<Expression> chain(Token::Kind word, Kind kind, int depth) {
    const auto part = [&] { return kind == Kind::any ? both(depth) : single(depth); };
    Result<Expression> first = part();
    if (!first || now().kind != word) return first;
    Expression out{.kind = kind};
    out.parts.push_back(std::move(*first));
    while (now().kind == word) {
      ++next_;
      Result<Expression> another = part();
      if (!another) return another;
      out.parts.push_back(std::move(*another));
    }
    return out;
  }

  Result<Expression> single(int depth) {
    if (depth > max_nesting) return wrong(now().at, "nested too deeply");
    const Token token = now();
    if (token.kind == Token::Kind::check) {
      ++next_;
      return check_of(token);
    }
    if (token.kind == Token::Kind::word_not) {
      ++next_;
      Result<Expression> inner = single(depth + 1);
      if (!inner) return inner;
      Expression out{.kind = Kind::negate};
      out.parts.push_back(std::move(*inner));
      return out;
    }
    if (token.kind == Token::Kind::open) {
      ++next_;
      Result<Expression> inner = either(depth + 1);
      if (!inner) return inner;
      if (now().kind != Token::Kind::close) return wrong(token.at, "'(' that is never closed");
      ++next_;
      return inner;
    }
    return wrong(token.at, token.kind == Token::Kind::end ? "a check is missing" : fmt::format("a check expected, found '{}'", token.text));
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace

Result<Expression> parse_rule(std::string_view text) { return Parser(text).whole(); }

}  // namespace scoria::policy
