#include "scheduler/specs.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "json/parse.h"

namespace scoria::scheduler {
namespace {

constexpr std::string_view capabilities_scope = "capabilities";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\n", at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  text = trimmed(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool truth_of(std::string_view text) {
  const std::string word = lower_case(trimmed(text));
  return word == "1" || word == "t" || word == "true" || word == "on" || word == "y" || word == "yes";
}

bool is_one_of(std::string_view text, const std::vector<std::string_view>& words) {
  for (std::size_t at = 1; at < words.size(); at += 2) {  // <or> a <or> b
    if (words[at] == text) return true;
  }
  return false;
}

std::optional<bool> compare_numbers(std::string_view op, std::string_view left, std::string_view right) {
  if (op != "=" && op != "==" && op != "!=" && op != ">=" && op != "<=") return std::nullopt;
  const std::optional<double> a = number_in(left);
  const std::optional<double> b = number_in(right);
  if (!a || !b) return false;
  if (op == "==") return *a == *b;
  if (op == "!=") return *a != *b;
  if (op == "<=") return *a <= *b;
  return *a >= *b;
}

std::optional<bool> compare_texts(std::string_view op, std::string_view left, std::string_view right) {
  if (op == "s==") return left == right;
  if (op == "s!=") return left != right;
  if (op == "s<") return left < right;
  if (op == "s<=") return left <= right;
  if (op == "s>") return left > right;
  if (op == "s>=") return left >= right;
  return std::nullopt;
}

/// Names of one protocol that mean the same.
std::vector<std::string_view> protocol_names(std::string_view name) {
  static const std::vector<std::vector<std::string_view>> families{
      {"iSCSI", "iscsi"}, {"FC", "fibre_channel", "fc"}, {"NFS", "nfs"}, {"NVMe-oF", "NVMeOF", "nvmeof"}};
  for (const auto& family : families) {
    if (std::find(family.begin(), family.end(), name) != family.end()) return family;
  }
  return {name};
}

const json::Value* look_up(const json::Value& facts, std::string_view path) {
  const json::Value* at = &facts;
  for (const std::string_view part : split(path, ':')) {
    at = at->find(part);
    if (at == nullptr || at->is_null()) return nullptr;
  }
  return at;
}

bool any_meets(const json::Value& value, std::string_view path, std::string_view requirement) {
  if (value.is_array()) {
    return std::any_of(value.array().begin(), value.array().end(), [&](const json::Value& item) { return any_meets(item, path, requirement); });
  }
  if (path != "storage_protocol" || !value.is_string()) return meets(value, requirement);
  const std::vector<std::string_view> names = protocol_names(value.string());
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return meets(json::Value(std::string(name)), requirement); });
}

}  // namespace

std::optional<std::string> as_text(const json::Value& value) {
  if (value.is_string()) return value.string();
  if (value.is_bool()) return value.boolean() ? "True" : "False";
  if (value.is_number()) return json::to_text(value);
  return std::nullopt;
}

bool meets(const json::Value& value, std::string_view requirement) {
  const std::optional<std::string> text = as_text(value);
  const std::vector<std::string_view> words = words_of(requirement);
  if (!text) return false;
  if (words.empty()) return *text == requirement;
  const std::string_view op = words[0];
  const std::string_view wanted = words.size() > 1 ? words[1] : std::string_view{};
  if (op == "<or>") return is_one_of(*text, words);
  if (op == "<is>") return words.size() > 1 && truth_of(*text) == truth_of(wanted);
  if (op == "<in>") return words.size() > 1 && text->find(wanted) != std::string::npos;
  if (const std::optional<bool> met = compare_numbers(op, *text, wanted)) return *met;
  if (const std::optional<bool> met = compare_texts(op, *text, wanted)) return words.size() > 1 && *met;
  return *text == requirement;
}

bool capability_meets(const json::Value& facts, std::string_view key, std::string_view requirement, std::string& why) {
  std::string_view path = key;
  if (const std::size_t colon = key.find(':'); colon != std::string_view::npos) {
    if (key.substr(0, colon) != capabilities_scope) return true;
    path = key.substr(colon + 1);
  }
  const json::Value* value = look_up(facts, path);
  if (value == nullptr) {
    why = fmt::format("the volume type wants {} = '{}', the pool does not report {}", key, requirement, path);
    return false;
  }
  if (any_meets(*value, path, requirement)) return true;
  why = fmt::format("the volume type wants {} = '{}', the pool has '{}'", key, requirement, as_text(*value).value_or(json::to_text(*value)));
  return false;
}

}  // namespace scoria::scheduler
