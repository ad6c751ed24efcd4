#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "db/dialect.h"
#include "db/engines/mariadb/words.h"

namespace scoria::db::mariadb {
namespace {

constexpr std::string_view key_text = "VARCHAR(255)";
constexpr std::string_view table_options = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

std::string quoted(const std::string& name) { return name.starts_with('"') ? name : '"' + name + '"'; }

/// The items between the parentheses that begin at `open`.
std::vector<Tokens> items_of(const Tokens& tokens, std::size_t open) {
  std::vector<Tokens> out(1);
  for (std::size_t at = open + 1, end = closing(tokens, open); at < end; ++at) {
    const std::size_t last = tokens[at].is('(') ? closing(tokens, at) : at;
    if (tokens[at].is(',')) {
      out.emplace_back();
    } else {
      out.back().insert(out.back().end(), tokens.begin() + static_cast<std::ptrdiff_t>(at), tokens.begin() + static_cast<std::ptrdiff_t>(last) + 1);
    }
    at = last;
  }
  return out;
}

/// What a table's CREATE or an index names as a key: (a, b DESC).
std::vector<std::string> keys_of(const Tokens& tokens, std::size_t open) {
  std::vector<std::string> out;
  for (const Tokens& item : items_of(tokens, open)) {
    std::string text = quoted(item.at(0).text);
    if (item.size() > 1) text += " " + text_of(item, 1);
    out.push_back(text);
  }
  return out;
}

struct Index {
  std::string table, name;
  bool unique = false;
  std::vector<std::string> keys;
  std::set<std::string> columns;
};

/// CREATE [UNIQUE] INDEX name ON table(keys) [WHERE condition]
Index read_index(const Tokens& tokens) {
  Index out;
  out.unique = tokens[1].is("UNIQUE");
  const std::size_t at = find_word(tokens, "ON");
  SCORIA_CHECK(at + 2 < tokens.size(), "CREATE INDEX without ON");
  out.name = tokens[at - 1].text;
  out.table = tokens[at + 1].text;
  out.keys = keys_of(tokens, at + 2);
  for (const Tokens& item : items_of(tokens, at + 2)) out.columns.insert(item.at(0).text);
  const std::size_t where = find_word(tokens, "WHERE", at);
  if (where + 2 >= tokens.size()) return out;
  SCORIA_CHECK(!out.unique, "a unique index over some rows only");
  const bool chosen = tokens[where + 2].is('=') || tokens[where + 2].is("IN");
  if (chosen && out.columns.insert(tokens[where + 1].text).second) out.keys.insert(out.keys.begin(), quoted(tokens[where + 1].text));
  return out;
}

bool is_constraint(const Tokens& item) {
  return item[0].is("PRIMARY") || item[0].is("UNIQUE") || item[0].is("FOREIGN") || item[0].is("CHECK") || item[0].is("CONSTRAINT") ||
         item[0].is("KEY");  // as it stands in what this has made
}

bool is_key(const Tokens& column) {
  return std::any_of(column.begin(), column.end(), [](const Token& token) { return token.is("PRIMARY") || token.is("UNIQUE") || token.is("REFERENCES"); });
}

std::string column_text(Tokens column, bool key) {
  column[0].text = quoted(column[0].text);
  if (column.size() > 1 && column[1].is("TEXT")) column[1].text = key ? key_text : "LONGTEXT";
  return text_of(column);
}

/// CREATE TABLE with the indexes that belong to it.
std::string table_text(const Tokens& tokens, const std::vector<Index>& indexes) {
  std::size_t open = 2;
  while (!tokens[open].is('(')) ++open;
  const std::string name = tokens[open - 1].text;
  std::set<std::string> keys;
  const std::vector<Tokens> items = items_of(tokens, open);
  for (const Tokens& item : items) {
    const auto list = std::find_if(item.begin(), item.end(), [](const Token& token) { return token.is('('); });
    if (!is_constraint(item) || item[0].is("CHECK") || list == item.end()) continue;
    for (const Tokens& key : items_of(item, static_cast<std::size_t>(list - item.begin()))) keys.insert(key.at(0).text);
  }
  for (const Index& index : indexes) keys.insert(index.columns.begin(), index.columns.end());
  std::vector<std::string> lines;
  for (const Tokens& item : items) {
    if (!is_constraint(item)) {
      lines.push_back(column_text(item, is_key(item) || keys.contains(item[0].text)));
    } else if (item[0].is("PRIMARY") || (item[0].is("UNIQUE") && !item[1].is("KEY"))) {
      const auto list = std::find_if(item.begin(), item.end(), [](const Token& token) { return token.is('('); });
      lines.push_back(fmt::format("{} ({})", item[0].is("PRIMARY") ? "PRIMARY KEY" : "UNIQUE",
                                  fmt::join(keys_of(item, static_cast<std::size_t>(list - item.begin())), ", ")));
    } else {
      lines.push_back(text_of(item));
    }
  }
  for (const Index& index : indexes)
    lines.push_back(fmt::format("{} {} ({})", index.unique ? "UNIQUE KEY" : "KEY", quoted(index.name), fmt::join(index.keys, ", ")));
  return fmt::format("CREATE TABLE IF NOT EXISTS {} ({}){}", quoted(name), fmt::join(lines, ", "), table_options);
}

/// ALTER TABLE t ADD COLUMN c TEXT …; DROP COLUMN c; RENAME COLUMN a TO b
std::string altered(Tokens tokens) {
  for (std::size_t at = 3; at < tokens.size(); ++at) {
    if (tokens[at].is("TEXT")) tokens[at].text = "LONGTEXT";
    if (!tokens[at].is("COLUMN") || tokens[at + 1].is("IF")) continue;
    if (tokens[at - 1].is("ADD")) tokens[at].text = "COLUMN IF NOT EXISTS";
    if (tokens[at - 1].is("DROP") || tokens[at - 1].is("RENAME")) tokens[at].text = "COLUMN IF EXISTS";
  }
  return text_of(tokens);
}

std::string dropped(Tokens tokens) {
  if (!tokens[2].is("IF")) tokens[1].text += " IF EXISTS";  // of an index run_step() says where
  return text_of(tokens);
}

}  // namespace

std::vector<std::string> schema_words(const std::vector<std::string>& statements) {
  std::vector<Tokens> all;
  std::set<std::string> made;  // tables
  std::map<std::string, std::vector<Index>> of_tables;
  for (const std::string& one : statements) {
    Tokens tokens = tokens_of(translate(Engine::mariadb, one));
    if (tokens[0].is("CREATE") && tokens[1].is("TABLE")) made.insert(tokens[tokens[2].is("IF") ? 5 : 2].text);
    if (tokens[0].is("CREATE") && !tokens[1].is("TABLE") && find_word(tokens, "ON") < tokens.size()) {
      Index index = read_index(tokens);
      if (made.contains(index.table)) {
        of_tables[index.table].push_back(std::move(index));
        continue;
      }
    }
    all.push_back(std::move(tokens));
  }
  std::vector<std::string> out;
  for (const Tokens& tokens : all) {
    if (tokens[0].is("CREATE") && tokens[1].is("TABLE")) {
      out.push_back(table_text(tokens, of_tables[tokens[tokens[2].is("IF") ? 5 : 2].text]));
    } else if (tokens[0].is("CREATE") && find_word(tokens, "ON") < tokens.size()) {
      const Index index = read_index(tokens);
      out.push_back(fmt::format("CREATE {}INDEX IF NOT EXISTS {} ON {} ({})", index.unique ? "UNIQUE " : "", quoted(index.name), quoted(index.table), fmt::join(index.keys, ", ")));
    } else if (tokens[0].is("ALTER")) {
      out.push_back(altered(tokens));
    } else if (tokens[0].is("DROP")) {
      out.push_back(dropped(tokens));
    } else {
      out.push_back(text_of(tokens));
    }
  }
  return out;
}

}  // namespace scoria::db::mariadb
