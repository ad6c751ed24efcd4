#include "identity/policy.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include "base/check.h"
#include "base/text.h"
#include "identity/policy_defaults.h"
#include "identity/policy_file.h"
#include "observe/log.h"
#include "os/files.h"

namespace scoria {

using policy::Attribute;
using policy::Expression;
using policy::Piece;
using Kind = Expression::Kind;

namespace policy {

struct Rule {
  std::string name;
  Expression expression;
};

}  // namespace policy

using policy::Rule;

namespace {

/// A rule that expands to more checks than this is refused: checking must stay cheap whatever a file says.
constexpr std::size_t max_checks = 1000;

// ---- asking ----

struct Question {
  const std::vector<Rule>& rules;
  const Context& context;
  const PolicyTarget& target;
};

/// The target's attribute; without a target, the caller is asked about their own project.
std::optional<std::string_view> attribute_of_target(const Question& question, std::string_view key) {
  if (question.target.empty()) {
    if (key == "project_id") return question.context.project_id;
    if (key == "user_id") return question.context.user_id;
    return std::nullopt;
  }
  const auto at = question.target.find(key);
  if (at == question.target.end()) return std::nullopt;
  return at->second;
}

/// The right side with every %(key)s filled in; nothing if the target lacks one. `room` holds a text put together.
std::optional<std::string_view> fill(const Question& question, const std::vector<Piece>& match, std::string& room) {
  if (match.size() == 1) return match[0].is_key ? attribute_of_target(question, match[0].text) : std::string_view(match[0].text);
  for (const Piece& piece : match) {
    const auto part = piece.is_key ? attribute_of_target(question, piece.text) : std::string_view(piece.text);
    if (!part) return std::nullopt;
    room += *part;
  }
  return room;
}

bool among(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string_view flag_text(bool flag) { return flag ? "True" : "False"; }

/// An attribute that the caller does not have equals nothing, not even an empty one of the target.
bool equals(std::string_view attribute, std::string_view wanted) { return !attribute.empty() && attribute == wanted; }

bool attribute_is(const Context& context, Attribute attribute, std::string_view wanted) {
  switch (attribute) {
    case Attribute::user_id: return equals(context.user_id, wanted);
    case Attribute::user_name: return equals(context.user_name, wanted);
    case Attribute::user_domain_id: return equals(context.user_domain_id, wanted);
    case Attribute::project_id: return equals(context.project_id, wanted);
    case Attribute::project_name: return equals(context.project_name, wanted);
    case Attribute::project_domain_id: return equals(context.project_domain_id, wanted);
    case Attribute::domain_id: return equals(context.domain_id, wanted);
    case Attribute::is_admin: return flag_text(context.is_admin) == wanted;
    case Attribute::is_admin_project: return flag_text(context.is_admin_project) == wanted;
    case Attribute::system_scope: return context.system_scope && wanted == "all";
    case Attribute::roles: return among(context.roles, wanted);
    case Attribute::service_roles: return among(context.service_roles, wanted);
  }
  return false;
}

bool has_role(const Question& question, const std::vector<Piece>& match) {
  if (match.size() == 1 && !match[0].is_key) return among(question.context.roles, match[0].text);
  std::string room;
  const auto role = fill(question, match, room);
  return role && among(question.context.roles, lower_case(*role));
}

bool holds(const Expression& expression, const Question& question) {
  const auto part_holds = [&question](const Expression& part) { return holds(part, question); };
  switch (expression.kind) {
    case Kind::always: return true;
    case Kind::never: return false;
    case Kind::all: return std::all_of(expression.parts.begin(), expression.parts.end(), part_holds);
    case Kind::any: return std::any_of(expression.parts.begin(), expression.parts.end(), part_holds);
    case Kind::negate: return !holds(expression.parts.front(), question);
    case Kind::rule: return holds(question.rules[expression.rule].expression, question);
    case Kind::role: return has_role(question, expression.match);
    case Kind::attribute:
    case Kind::literal: {
      std::string room;
      const auto wanted = fill(question, expression.match, room);
      if (!wanted) return false;
      return expression.kind == Kind::literal ? *wanted == expression.text : attribute_is(question.context, expression.attribute, *wanted);
    }
  }
  return false;
}

const Rule* find_rule(const std::vector<Rule>& rules, std::string_view name) {
  const auto at = std::lower_bound(rules.begin(), rules.end(), name, [](const Rule& rule, std::string_view other) { return rule.name < other; });
  return at != rules.end() && at->name == name ? &*at : nullptr;
}

// ---- loading ----

/// Puts defaults and a file's rules together and checks that every rule can be asked.
class Loader {
 public:
  Loader(policy::FileRules file, std::string name, bool enforce_new_defaults)
      : file_(std::move(file)), file_name_(std::move(name)), enforce_new_defaults_(enforce_new_defaults) {}

  Result<std::vector<Rule>> load() {
    for (const policy::DefaultRule& rule : policy::default_rules()) rules_.push_back({std::string(rule.name), effective(rule)});
    policy::FileRules added = file_;
    for (const Rule& rule : rules_) added.erase(rule.name);
    for (const auto& [name, rule] : added) rules_.push_back({name, rule.expression});
    std::sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) { return a.name < b.name; });
    used_.resize(rules_.size());
    for (Rule& rule : rules_)
      if (auto linked = link(rule.expression, rule.name); !linked) return refuse(linked.error());
    if (auto finite = check_sizes(); !finite) return refuse(finite.error());
    for (const auto& [name, rule] : added) note_if_idle(name, rule.line);
    return std::move(rules_);
  }

  std::vector<std::string> take_warnings() { return std::move(warnings_); }

 private:
  static Expression built_in(std::string_view text) {
    auto parsed = policy::parse_rule(text);
    SCORIA_CHECK(parsed.has_value(), "a default rule does not parse");
    return std::move(*parsed);
  }

  /// What holds for a default: the file's word under the new name, else under the old one, else the default, which lets
  /// in whom the older default let in until the operator asks for the new ones alone.
  Expression effective(const policy::DefaultRule& rule) {
    if (const auto own = file_.find(rule.name); own != file_.end()) return own->second.expression;
    if (!rule.deprecated_name.empty() && rule.deprecated_name != rule.name) {
      const auto old = file_.find(rule.deprecated_name);
      if (old != file_.end() && !(old->second.expression.kind == Kind::rule && old->second.expression.text == rule.name)) {
        warnings_.push_back(fmt::format("{}:{}: rule '{}' is now called '{}'", file_name_, old->second.line, rule.deprecated_name, rule.name));
        return old->second.expression;
      }
    }
    Expression now = built_in(rule.check);
    if (enforce_new_defaults_ || rule.deprecated_name.empty() || rule.deprecated_check == rule.check) return now;
    Expression either{.kind = Kind::any};
    either.parts.push_back(std::move(now));
    either.parts.push_back(built_in(rule.deprecated_check));
    return either;
  }

  std::string place(std::string_view rule) const {
    const auto at = file_.find(rule);
    return at == file_.end() ? fmt::format("rule '{}'", rule) : fmt::format("{}:{}: rule '{}'", file_name_, at->second.line, rule);
  }

  std::string hint(std::string_view name) const {
    std::vector<std::string_view> known;
    for (const Rule& rule : rules_)
      if (rule.name != name) known.emplace_back(rule.name);
    const std::string_view near = nearest(name, known);
    return near.empty() ? std::string{} : fmt::format(" (did you mean '{}'?)", near);
  }

  Result<> link(Expression& expression, const std::string& rule) {
    if (expression.kind == Kind::rule) {
      const Rule* named = find_rule(rules_, expression.text);
      if (named == nullptr)
        return refuse(RefusalCode::invalid_input, "{} names the unknown rule '{}'{}", place(rule), expression.text, hint(expression.text));
      expression.rule = static_cast<std::size_t>(named - rules_.data());
      used_[expression.rule] = true;
    }
    for (Expression& part : expression.parts)
      if (auto linked = link(part, rule); !linked) return linked;
    return {};
  }

  /// How many checks asking a rule may need. Refuses cycles and rules that expand without measure.
  Result<> check_sizes() {
    std::vector<std::size_t> sizes(rules_.size(), unknown);
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (auto size = size_of_rule(i, sizes, 0); !size) return refuse(size.error());
    return {};
  }

  Result<std::size_t> size_of_rule(std::size_t index, std::vector<std::size_t>& sizes, std::size_t depth) {
    const std::string& name = rules_[index].name;
    if (sizes[index] == in_progress) return refuse(RefusalCode::invalid_input, "{} leads back to itself", place(name));
    if (sizes[index] != unknown) return sizes[index];
    sizes[index] = in_progress;
    Result<std::size_t> size = depth > max_checks ? Result<std::size_t>(depth) : size_of(rules_[index].expression, sizes, depth);
    if (!size) return size;
    if (*size > max_checks) return refuse(RefusalCode::invalid_input, "{} expands to more than {} checks", place(name), max_checks);
    return sizes[index] = *size;
  }

  Result<std::size_t> size_of(const Expression& expression, std::vector<std::size_t>& sizes, std::size_t depth) {
    std::size_t sum = 1;
    if (expression.kind == Kind::rule) {
      Result<std::size_t> size = size_of_rule(expression.rule, sizes, depth + 1);
      return size ? Result<std::size_t>(sum + *size) : size;
    }
    for (const Expression& part : expression.parts) {
      Result<std::size_t> size = size_of(part, sizes, depth);
      if (!size) return size;
      sum += *size;
    }
    return sum;
  }

  /// A file may define rules of its own for others to name; one that nobody names is a slip of the pen.
  void note_if_idle(const std::string& name, int line) {
    const auto is_old_name = [&](const policy::DefaultRule& rule) { return rule.deprecated_name == name; };
    const auto defaults = policy::default_rules();
    const Rule* rule = find_rule(rules_, name);
    if (rule == nullptr || used_[static_cast<std::size_t>(rule - rules_.data())] || std::any_of(defaults.begin(), defaults.end(), is_old_name)) return;
    warnings_.push_back(fmt::format("{}:{}: no such rule: '{}'{}; it changes nothing", file_name_, line, name, hint(name)));
  }

  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);
  static constexpr std::size_t in_progress = static_cast<std::size_t>(-2);

  policy::FileRules file_;
  std::string file_name_;
  bool enforce_new_defaults_;
  std::vector<Rule> rules_;
  std::vector<bool> used_;  // named by another rule
  std::vector<std::string> warnings_;
};

}  // namespace

struct Policy::Rules {
  std::vector<Rule> list;  // by name
  std::vector<std::string> warnings;
};

Policy::Policy(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
Policy::~Policy() = default;

Result<std::shared_ptr<const Policy>> Policy::load(const std::string& yaml_file, bool enforce_new_defaults) {
  if (yaml_file.empty()) return from_text({}, {}, enforce_new_defaults);
  std::string text;
  try {
    text = os::read_file(yaml_file);
  } catch (const std::system_error& failure) {
    return refuse(RefusalCode::invalid_input, "{}: the policy file cannot be read: {}", yaml_file, failure.what());
  }
  return from_text(text, yaml_file, enforce_new_defaults);
}

Result<std::shared_ptr<const Policy>> Policy::from_text(std::string_view yaml, const std::string& name, bool enforce_new_defaults) {
  Result<policy::FileRules> file = policy::read_rules(yaml, name);
  if (!file) return refuse(file.error());
  Loader loader(std::move(*file), name, enforce_new_defaults);
  Result<std::vector<Rule>> list = loader.load();
  if (!list) return refuse(list.error());
  auto rules = std::make_unique<Rules>(Rules{std::move(*list), loader.take_warnings()});
  for (const std::string& warning : rules->warnings) log::warning("policy", {}, "{}", warning);
  return std::shared_ptr<const Policy>(new Policy(std::move(rules)));
}

const std::vector<std::string>& Policy::warnings() const { return rules_->warnings; }

bool Policy::allows(std::string_view rule, const Context& context, const PolicyTarget& target) const {
  const Rule* found = find_rule(rules_->list, rule);
  SCORIA_CHECK(found != nullptr, "a policy rule that does not exist is asked");
  return holds(found->expression, {rules_->list, context, target});
}

Result<> Policy::enforce(std::string_view rule, const Context& context, const PolicyTarget& target) const {
  if (allows(rule, context, target)) return {};
  return refuse(RefusalCode::forbidden, "Policy doesn't allow {} to be performed.", rule);
}

}  // namespace scoria
