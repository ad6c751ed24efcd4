#include "db/migration_text.h"

#include <fmt/core.h>

#include "base/text.h"

namespace scoria::db {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

constexpr std::string_view batches_of_words = "-- batches of ", by_word = " by ";

/// A statement, and the section it stands in.
struct Piece {
  std::string section;  // "-- all:", "-- sqlite:", "-- batches of volume by id:" …
  std::string sql;
};

bool is_section(std::string_view line) {
  return line == "-- all:" || line == "-- sqlite:" || line == "-- postgres:" || line == "-- mariadb:" || (line.starts_with(batches_of_words) && line.ends_with(':'));
}

std::vector<Piece> pieces_of(std::string_view sql) {
  std::vector<Piece> out;
  std::string section = "-- all:", statement;
  while (!sql.empty()) {
    const std::string_view line = trimmed(take_line(sql));
    if (is_section(line)) section = line;
    if (line.empty() || line.starts_with("--")) continue;
    statement += line;
    statement += '\n';
    if (!line.ends_with(';')) continue;
    statement.resize(statement.size() - 2);
    out.push_back({section, std::move(statement)});
    statement.clear();
  }
  if (!statement.empty()) throw Error("a migration's last statement does not end with ';'");
  return out;
}

}  // namespace

bool is_contract(const Migration& step) {
  std::string_view text = step.sql;
  return trimmed(take_line(text)) == "-- contract";
}

std::vector<std::string> statements_of(const Migration& step, Engine engine) {
  const std::string_view own = engine == Engine::postgres ? "-- postgres:" : engine == Engine::mariadb ? "-- mariadb:" : "-- sqlite:";
  std::vector<std::string> out;
  for (Piece& piece : pieces_of(step.sql))
    if (piece.section == "-- all:" || piece.section == own) out.push_back(std::move(piece.sql));
  return out;
}

std::vector<Batches> batches_of(const Migration& step) {
  std::vector<Batches> out;
  for (const Piece& piece : pieces_of(step.sql)) {
    if (!piece.section.starts_with(batches_of_words)) continue;
    const std::string words = piece.section.substr(batches_of_words.size(), piece.section.size() - batches_of_words.size() - 1);
    const std::size_t by = words.find(by_word), range = piece.sql.find("{batch}");
    if (by == std::string::npos) throw Error(fmt::format("migration {}: a fill is announced by '-- batches of TABLE by KEY:'", step.version));
    if (range == std::string::npos) throw Error(fmt::format("migration {}: a fill's statement names no {{batch}}", step.version));
    Batches batches{words.substr(0, by), words.substr(by + by_word.size()), piece.sql};
    batches.sql.replace(range, std::string_view("{batch}").size(), fmt::format("{0} > ? AND {0} <= ?", batches.key));
    out.push_back(std::move(batches));
  }
  return out;
}

}  // namespace scoria::db
