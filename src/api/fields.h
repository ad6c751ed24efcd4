#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "api/microversion.h"
#include "api/routes.h"
#include "base/result.h"
#include "json/value.h"

/// Request bodies, checked against tables before any handler sees them.
namespace scoria::api {

/// What a text or a number must look like, beyond its JSON kind.
enum class Form {
  any,
  flag,                  // true, false, or a word that read_flag() understands
  up_to_40, up_to_255,   // characters
  from_1_to_255,
  described,             // up to 255 characters, no control characters but white space
  name,                  // 1 to 255 characters, not only white space
  trimmed_name,          // the same, white space around it not counted
  trimmed_optional,      // up to 255 characters, white space around it not counted
  host,                  // 1 to 255 of [a-zA-Z0-9-._#@:/+\[\]]
  uuid,
  positive,              // 1 … 2147483647, as a number or as digits
  natural,               // 0 … 2147483647, the same
  quota,                 // -1 … 2147483647, the same
  row_id,                // up to 11 digits
  long_text,             // up to 65535 bytes
  base64,
  progress,              // "80%"
  log_level,
  choice,                // one of the words
  closed,                // an object: keys that the table does not know are refused
  open,                  // an object: they are ignored
  some_of,               // closed, and at least one of the words is a key
  exactly_one_of,        // closed, and exactly one of the words is a key
  not_empty,             // closed, and has at least one key
  not_empty_open,        // open, and has at least one key
  quotas,                // an object of quota values; "id" and "tenant_id" may stand in it
  distinct,              // an array without repeats
  distinct_not_empty,
};

// JSON kinds a field may have; any: not even looked at.
inline constexpr unsigned kind_text = 1, kind_integer = 2, kind_flag = 4, kind_null = 8, kind_object = 16, kind_array = 32, kind_any = 63;

/// One field of a body, for a range of microversions.
struct SchemaField {
  std::string_view parent;  // "volume.metadata"; "" for the body itself
  std::string_view name;    // "*": every key of a map that no other row names; "[]": every item of an array
  int since;
  int until;
  unsigned kinds;
  bool required;
  Form form;
  std::string_view words;   // for choices and objects: words separated by spaces. For "*": how long a key may be, then the
                            // characters it may hold besides letters, digits, '-', '_' and ':' ("255. /")
};

struct Schema {
  std::string_view method, path, action;  // as in the route table
  std::span<const SchemaField> fields;
};

/// All schemas: made from request_fields.csv.
std::span<const Schema> schemas();
/// The schema of a route; nullptr for those that take no body, or any.
const Schema* find_schema(const Route& route);

/// Refuses invalid_input: "Invalid input for field/attribute <name>. Value: <value>. <why>".
Result<> check_body(const Schema& schema, Microversion version, const json::Value& body);

}  // namespace scoria::api
