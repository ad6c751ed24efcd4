#include "db/engines/mariadb/words.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "db/dialect.h"

namespace scoria::db::mariadb {
namespace {

// Names of ours that MariaDB reserves. Key words of ours are upper case, names lower case.
constexpr std::string_view reserved[] = {"groups", "key", "keys", "rank", "release", "rows", "usage"};
// No row is changed, and the statement fails: see refuse_unless().
constexpr std::string_view two_rows = "(SELECT 1 UNION ALL SELECT 2)";

void replace(Tokens& tokens, std::size_t from, std::size_t to, std::string_view with) {
  Tokens words = tokens_of(with);
  if (!words.empty()) words.front().spaced = from >= tokens.size() || tokens[from].spaced;
  const auto at = tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(from), tokens.begin() + static_cast<std::ptrdiff_t>(to));
  tokens.insert(at, words.begin(), words.end());
}

std::string type_in_cast(std::string_view type) {
  if (type == "TEXT") return "CHAR";
  return type == "BIGINT" || type == "INTEGER" ? "SIGNED" : "";
}

/// Words that stand for others wherever they are.
void replace_words(Tokens& tokens) {
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    const auto next = [&](std::size_t ahead) -> const Token& {
      static const Token none;
      return at + ahead < tokens.size() ? tokens[at + ahead] : none;
    };
    Token& token = tokens[at];
    if (token.is("scoria_now")) {
      // The time at which the statement began, without the session's time zone.
      replace(tokens, at, at + 3, "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))");
    } else if (token.is("NULLS")) {
      replace(tokens, at, at + 2, "");  // as everywhere else: first when ascending, last when descending
    } else if (token.is("excluded") && next(1).text == ".") {
      replace(tokens, at, at + 3, fmt::format("VALUES({})", next(2).text));
    } else if (token.is("AS") && next(2).text == ")" && !type_in_cast(next(1).text).empty()) {
      tokens[at + 1].text = type_in_cast(next(1).text);
    } else if (token.text == "/") {
      token = {Token::Kind::word, "DIV", true};
      if (at + 1 < tokens.size()) tokens[at + 1].spaced = true;
    }
    Token& now = tokens[std::min(at, tokens.size() - 1)];
    if (now.kind == Token::Kind::word && std::find(std::begin(reserved), std::end(reserved), now.text) != std::end(reserved)) {
      now.kind = Token::Kind::quoted;
      now.text = '"' + now.text + '"';
    }
  }
}

/// IN (SELECT … LIMIT n), which MariaDB knows only one level deeper.
void wrap_limits(Tokens& tokens) {
  for (std::size_t at = 0; at + 2 < tokens.size(); ++at) {
    if (!tokens[at].is("IN") || !tokens[at + 1].is('(') || !tokens[at + 2].is("SELECT")) continue;
    const std::size_t end = closing(tokens, at + 1);
    const std::size_t limit = find_word(tokens, "LIMIT", at + 2);
    if (limit > end) continue;
    replace(tokens, end, end, ") AS limited");
    replace(tokens, at + 2, at + 2, "SELECT * FROM (");
  }
}

/// "a = x, b = y" becomes "a = IF(condition, x, …)", where the last fails: nothing is assigned, no row is touched.
std::string refuse_unless(const std::string& condition, Tokens assignments) {
  const auto equals = std::find_if(assignments.begin(), assignments.end(), [](const Token& token) { return token.is('='); });
  SCORIA_CHECK(equals != assignments.end(), "DO UPDATE SET without an assignment");
  const auto first = static_cast<std::size_t>(equals - assignments.begin()) + 1;
  std::size_t end = first;
  while (end < assignments.size() && !assignments[end].is(',')) end = assignments[end].is('(') ? closing(assignments, end) + 1 : end + 1;
  const std::string value = text_of(assignments, first, end);
  replace(assignments, first, end, fmt::format("IF({}, {}, {})", condition, value, two_rows));
  return text_of(assignments);
}

void plan_upsert(Tokens tokens, std::size_t conflict, Plan& out) {
  const std::size_t action = find_word(tokens, "DO", conflict);
  SCORIA_CHECK(action + 1 < tokens.size(), "ON CONFLICT without DO");
  const std::size_t returning = find_word(tokens, "RETURNING", action);
  const std::string tail = returning < tokens.size() ? " " + text_of(tokens, returning) : "";
  if (tokens[action + 1].is("NOTHING")) {
    out.kind = Plan::Kind::insert_or_not;
    tokens[0].text = "INSERT IGNORE";
    out.text = text_of(tokens, 0, conflict) + tail;
    return;
  }
  out.kind = Plan::Kind::upsert;
  const std::size_t set = action + 3;  // DO UPDATE SET
  const std::size_t where = std::min(find_word(tokens, "WHERE", set), returning);
  Tokens assignments(tokens.begin() + static_cast<std::ptrdiff_t>(set), tokens.begin() + static_cast<std::ptrdiff_t>(where));
  // The condition comes to stand before the assigned values: only where it has parameters and they have none is the order kept.
  const auto marks = [](const Tokens& in, std::size_t from, std::size_t to) {
    return std::count_if(in.begin() + static_cast<std::ptrdiff_t>(from), in.begin() + static_cast<std::ptrdiff_t>(to),
                         [](const Token& token) { return token.kind == Token::Kind::mark; });
  };
  const bool conditional = where < returning;
  SCORIA_CHECK(!conditional || marks(tokens, set, where) == 0 || marks(tokens, where, returning) == 0, "DO UPDATE SET … WHERE with parameters in both");
  const std::string values = conditional ? refuse_unless(text_of(tokens, where + 1, returning), std::move(assignments)) : text_of(assignments);
  out.text = fmt::format("{} ON DUPLICATE KEY UPDATE {}{}", text_of(tokens, 0, conflict), values, tail);
}

std::size_t marks_in(const Tokens& tokens, std::size_t from, std::size_t to) {
  std::size_t count = 0;
  for (std::size_t at = from; at < std::min(to, tokens.size()); ++at) count += tokens[at].kind == Token::Kind::mark ? 1u : 0u;
  return count;
}

/// UPDATE … RETURNING, alone or behind a CTE that finds the rows: WITH c AS (SELECT …) UPDATE … WHERE key IN (SELECT key FROM c).
void plan_update(const Tokens& tokens, std::size_t update, Plan& out) {
  const std::size_t set = find_word(tokens, "SET", update);
  const std::size_t where = find_word(tokens, "WHERE", set);
  const std::size_t returning = find_word(tokens, "RETURNING", where);
  SCORIA_CHECK(returning < tokens.size(), "UPDATE … RETURNING needs a WHERE");
  out.kind = Plan::Kind::update_returning;
  out.table = tokens[update + 1].text;
  out.target = text_of(tokens, update + 1, set);
  out.set = text_of(tokens, set + 1, where);
  out.returning = text_of(tokens, returning + 1);
  out.set_parameters = marks_in(tokens, set, where);
  if (update > 0) {
    const std::size_t open = 3;  // WITH c AS (
    out.find_first = true;
    out.key = tokens[where + 1].text;
    out.find_parameters = marks_in(tokens, 0, update);
    out.text = text_of(tokens, open + 1, closing(tokens, open));
    SCORIA_CHECK(tokens[where + 2].is("IN") && marks_in(tokens, where, returning) == 0, "UPDATE behind a CTE by anything but its keys");
    return;
  }
  out.find_parameters = marks_in(tokens, where, returning);
  out.text = fmt::format("SELECT {{keys}} FROM {} WHERE {} FOR UPDATE", out.target, text_of(tokens, where + 1, returning));
}

/// UPDATE t SET a = x FROM (SELECT …) s WHERE …, which MariaDB writes with all its tables in front, and then wants to be told whose
/// column is assigned. The order of parameters stays, for the assignments have none.
void move_from(Tokens& tokens) {
  const std::size_t set = find_word(tokens, "SET"), from = find_word(tokens, "FROM", set), where = find_word(tokens, "WHERE", from);
  if (!tokens[0].is("UPDATE") || from >= tokens.size()) return;
  SCORIA_CHECK(marks_in(tokens, set, from) == 0 && where < tokens.size(), "UPDATE … FROM with parameters in its assignments, or without WHERE");
  const std::string& table = tokens[1].text;
  std::string assigned;
  for (std::size_t at = set + 1; at < from;) {
    std::size_t end = at;
    while (end < from && !tokens[end].is(',')) end = tokens[end].is('(') ? closing(tokens, end) + 1 : end + 1;
    assigned += fmt::format("{}{}.{}", assigned.empty() ? "" : ", ", table, text_of(tokens, at, end));
    at = end + 1;
  }
  tokens = tokens_of(fmt::format("UPDATE {}, {} SET {} {}", text_of(tokens, 1, set), text_of(tokens, from + 1, where), assigned, text_of(tokens, where)));
}

}  // namespace

bool changes_schema(std::string_view sql) {
  sql.remove_prefix(std::min(sql.find_first_not_of(" \n"), sql.size()));
  return sql.starts_with("CREATE ") || sql.starts_with("ALTER ") || sql.starts_with("DROP ");
}

Plan plan(std::string_view sql) {
  Plan out;
  const std::string whole = translate(Engine::mariadb, sql);
  if (changes_schema(whole)) {
    const std::vector<std::string> words = schema_words({whole});
    out.text = words.empty() ? "DO 0" : words.front();
    return out;
  }
  Tokens tokens = tokens_of(whole);
  SCORIA_CHECK(!tokens.empty(), "an empty statement");
  replace_words(tokens);
  wrap_limits(tokens);
  move_from(tokens);
  out.parameters = marks_in(tokens, 0, tokens.size());
  std::size_t conflict = 0;
  while (conflict < tokens.size() && !(tokens[conflict].is("ON") && conflict + 1 < tokens.size() && tokens[conflict + 1].is("CONFLICT"))) ++conflict;
  const std::size_t update = tokens[0].is("WITH") ? find_word(tokens, "UPDATE") : 0;
  if (tokens[0].is("INSERT") && conflict < tokens.size()) {
    plan_upsert(std::move(tokens), conflict, out);
  } else if (update < tokens.size() && tokens[update].is("UPDATE") && find_word(tokens, "RETURNING") < tokens.size()) {
    plan_update(tokens, update, out);
  } else {
    out.text = text_of(tokens);
  }
  return out;
}

}  // namespace scoria::db::mariadb
