#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// One rule of oslo.policy's language as a tree: `and or not ( ) @ !` over checks `kind:match`.
namespace scoria::policy {

/// What a check may ask about the caller.
enum class Attribute : std::uint8_t {
  user_id, user_name, user_domain_id, project_id, project_name, project_domain_id, domain_id, is_admin, is_admin_project,
  system_scope, roles, service_roles,
};

/// The right side of a check: text and %(key)s, which stand for attributes of the target.
struct Piece {
  bool is_key = false;
  std::string text;
};

struct Expression {
  enum class Kind : std::uint8_t { always, never, all, any, negate, role, rule, attribute, literal };
  Kind kind = Kind::never;
  Attribute attribute = Attribute::user_id;
  std::string text;              // rule: its name; literal: the left side
  std::vector<Piece> match;      // role, attribute, literal
  std::vector<Expression> parts; // all, any, negate
  std::size_t rule = 0;          // rule: its index, once linked
};

/// Parses one rule text; empty text is `always`. Refuses invalid_input with the position (from 1) in the message. Nesting
/// is bounded, so any text is safe to give.
Result<Expression> parse_rule(std::string_view text);

}  // namespace scoria::policy
