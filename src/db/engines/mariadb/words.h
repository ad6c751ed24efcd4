#pragma once
#include <string>
#include <string_view>
#include <vector>

/// From the SQL that is written once for all engines to MariaDB's. The fragments of db/dialect.h are gone by then.
namespace scoria::db::mariadb {

struct Token {
  enum class Kind { word, quoted, mark, other };  // mark: a parameter
  Kind kind = Kind::other;
  std::string text;
  bool spaced = false;  // stands apart from the one before
  bool is(std::string_view word) const { return kind == Kind::word && text == word; }
  bool is(char character) const { return kind == Kind::other && text[0] == character; }
};
using Tokens = std::vector<Token>;

Tokens tokens_of(std::string_view sql);
std::string text_of(const Tokens& tokens, std::size_t from = 0, std::size_t to = std::string::npos);
/// The first of these words outside parentheses, from `from` on; the number of tokens if there is none.
std::size_t find_word(const Tokens& tokens, std::string_view word, std::size_t from = 0);
/// The parenthesis that closes the one at `open`.
std::size_t closing(const Tokens& tokens, std::size_t open);

/// How one SQL text is run.
struct Plan {
  enum class Kind {
    plain,
    insert_or_not,     // INSERT IGNORE: what its warnings tell must be duplicates only
    upsert,            // rows that were there count as touched, as new ones do
    update_returning,  // MariaDB has none: find and lock the rows, change them, read them
  };
  Kind kind = Kind::plain;
  std::string text;        // what is run; of update_returning: the SELECT that finds the rows, "{keys}" where their keys are named
  std::size_t parameters = 0;
  // Of update_returning only:
  std::string table, target;  // target: with its alias
  std::string key;            // of the rows found; empty: the table's primary key
  std::string set, returning;
  std::size_t set_parameters = 0, find_parameters = 0;
  bool find_first = false;  // the parameters of the SELECT stand before those of SET
};

/// Translates one statement, fragments included.
Plan plan(std::string_view sql);

/// A statement of a changed schema, or several that belong together: text columns of keys become VARCHAR(255), others
/// LONGTEXT; an index over some rows becomes one over all, led by the column that chose them; what exists already is passed over, so that
/// a step which died half-way can be repeated. Indexes of a new table are made with it.
std::vector<std::string> schema_words(const std::vector<std::string>& statements);

/// True for a statement that commits by itself: CREATE, ALTER, DROP …
bool changes_schema(std::string_view sql);

}  // namespace scoria::db::mariadb
