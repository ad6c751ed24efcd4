#pragma once
#include <string>
#include <string_view>

#include "db/database.h"

namespace scoria::db {

/// SQL is written once; this turns it into an engine's own words. `?` becomes `$1`, `$2` … where the engine wants it,
/// never inside quotes or comments, and fragments in braces become what the engine says instead:
///
///   {seq}                     type of a key column the database counts up; a number is never given twice
///   {skip_locked}             ends a SELECT that claims: locks its rows, passes over locked ones
///   {for_update} {for_share}  ends a SELECT whose rows must stay as they are until the commit
///   {greatest} {least}        functions of two or more arguments, none of them null
///   {contains:column:?}       true if the text contains the parameter; case matters; null for null
///   {json_text:column:?}      the string value of this key of a JSON object, null if it has none; any key is fine
///                             (MariaDB: but one with both a control character and one beyond ASCII)
///   {in:column:?}             true if the text column is one of list_of(texts) (db/values.h)
///   {in_numbers:column:?}     the same for an integer column and list_of(numbers)
///
/// Engines call it once per SQL text: their statement caches are keyed by the text as written. An unknown fragment
/// aborts. Callers keep to this on every engine: what decides is one UPDATE whose WHERE looks at the row it changes, its
/// count checked by guard() or change(), never a read followed by a write; key words are upper case, names lower case.
///
/// MariaDB's engine turns further words of ours into its own (engines/mariadb/words.h): ON CONFLICT, UPDATE … RETURNING
/// (by a WHERE alone, or behind WITH c AS (SELECT key …) by WHERE key IN (SELECT key FROM c)), NULLS FIRST, CAST, IN
/// (SELECT … LIMIT), indexes over some rows. In DO UPDATE SET … WHERE only one of both parts has parameters.
std::string translate(Engine engine, std::string_view sql);

}  // namespace scoria::db
