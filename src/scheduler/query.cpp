#include "scheduler/query.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "json/parse.h"

namespace scoria::scheduler {
namespace {

constexpr int max_query_depth = 32;

/// "$capabilities.a" -> the fact; other values stand for themselves.
json::Value resolved(const json::Value& value, const json::Value& facts) {
  if (!value.is_string() || !value.string().starts_with('$')) return value;
  const json::Value* at = &facts;
  bool first = true;
  for (const std::string_view part : split(std::string_view(value.string()).substr(1), '.')) {
    const bool own_name = first && part == "capabilities" && at->find(part) == nullptr;  // the facts themselves
    first = false;
    if (own_name) continue;
    at = at->find(part);
    if (at == nullptr) return {};
  }
  return *at;
}

bool is_true(const json::Value& value) {
  if (value.is_null()) return false;
  if (value.is_bool()) return value.boolean();
  if (value.is_number()) return value.number() != 0;
  if (value.is_string()) return !value.string().empty();
  return value.is_array() ? !value.array().empty() : !value.object().empty();
}

/// -1, 0 or 1; nothing for unlike things.
std::optional<int> order_of(const json::Value& a, const json::Value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.is_number() && b.is_number()) return sign(a.number(), b.number());
  if (a.is_string() && b.is_string()) return sign(a.string(), b.string());
  if (a.is_bool() && b.is_bool()) return sign(a.boolean(), b.boolean());
  return std::nullopt;
}

bool compares(std::string_view command, const json::Value& left, const json::Value& right) {
  const std::optional<int> order = order_of(left, right);
  if (!order) return false;
  if (command == "=") return *order == 0;
  if (command == "<") return *order < 0;
  if (command == ">") return *order > 0;
  if (command == "<=") return *order <= 0;
  return *order >= 0;
}

bool is_comparison(std::string_view command) {
  return command == "=" || command == "<" || command == ">" || command == "<=" || command == ">=";
}

/// `items` are what follows the command, resolved and evaluated.
Result<bool> outcome_of(std::string_view command, const json::Array& items) {
  if (command == "and") return std::all_of(items.begin(), items.end(), is_true);
  if (command == "or") return std::any_of(items.begin(), items.end(), is_true);
  if (command == "not") return std::any_of(items.begin(), items.end(), [](const json::Value& item) { return !is_true(item); });
  if (!is_comparison(command) && command != "in") return refuse(RefusalCode::invalid_input, "'{}' is no command of a query", command);
  if (items.size() < 2) return false;
  const json::Value& first = items.front();
  if (command == "in") return std::any_of(items.begin() + 1, items.end(), [&first](const json::Value& item) { return compares("=", first, item); });
  return std::all_of(items.begin() + 1, items.end(), [&](const json::Value& item) { return compares(command, first, item); });
}

Result<bool> evaluate(const json::Value& query, const json::Value& facts, int depth) {
  if (depth > max_query_depth) return refuse(RefusalCode::invalid_input, "the query is nested too deeply");
  if (!query.is_array() || query.array().empty() || !query.array().front().is_string()) {
    return refuse(RefusalCode::invalid_input, "a query is a list that begins with its command, not {}", json::to_text(query));
  }
  json::Array items;
  for (std::size_t at = 1; at < query.array().size(); ++at) {
    const json::Value& item = query.array()[at];
    if (!item.is_array()) {
      items.push_back(resolved(item, facts));
      continue;
    }
    Result<bool> inner = evaluate(item, facts, depth + 1);
    if (!inner) return inner;
    items.emplace_back(*inner);
  }
  return outcome_of(query.array().front().string(), items);
}

}  // namespace

Result<bool> answers(const json::Value& query, const json::Value& facts) { return evaluate(query, facts, 0); }

}  // namespace scoria::scheduler
