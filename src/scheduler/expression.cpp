#include "scheduler/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace scoria::scheduler {
namespace {

using Outcome = Result<ExpressionValue>;

constexpr int max_depth = 100;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Numbers of this language; booleans count as 0 and 1.
std::optional<double> number_of(const ExpressionValue& value) {
  if (const double* number = std::get_if<double>(&value)) return *number;
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  return std::nullopt;
}

/// Descends by precedence, loosest first, evaluating as it reads. Both branches of a condition are evaluated.
class Evaluation {
 public:
  Evaluation(std::string_view text, const Variables& variables) : text_(text), variables_(variables) {}

  Outcome whole() {
    Outcome value = condition();
    if (!value) return value;
    if (peek() != '\0') return wrong("the end");
    return value;
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(std::string_view token) {
    peek();
    if (text_.substr(at_, token.size()) != token) return false;
    const std::size_t end = at_ + token.size();
    if (is_letter(token[0]) && end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) return false;  // "order" is not "or"
    at_ = end;
    return true;
  }

  tl::unexpected<Refusal> wrong(std::string_view expected) const {
    return refuse(RefusalCode::invalid_input, "at character {} of '{}' there should be {}", at_ + 1, text_, expected);
  }

  Outcome condition() {
    if (++depth_ > max_depth) return refuse(RefusalCode::invalid_input, "the expression is nested too deeply");
    Outcome value = disjunction();
    if (value && take("?")) {
      Outcome yes = condition();
      if (!yes) return yes;
      if (!take(":")) return wrong("':'");
      Outcome no = condition();
      if (!no) return no;
      value = is_true(*value) ? std::move(yes) : std::move(no);
    }
    --depth_;
    return value;
  }

  Outcome disjunction() {
    Outcome left = conjunction();
    while (left && (take("or") || take("|"))) {
      Outcome right = conjunction();
      if (!right) return right;
      left = is_true(*left) || is_true(*right);
    }
    return left;
  }

  Outcome conjunction() {
    Outcome left = comparison();
    while (left && (take("and") || take("&"))) {
      Outcome right = comparison();
      if (!right) return right;
      left = is_true(*left) && is_true(*right);
    }
    return left;
  }

  Outcome comparison() {
    Outcome left = negation();
    while (left) {
      const std::string_view op = comparator();
      if (op.empty()) return left;
      Outcome right = negation();
      if (!right) return right;
      left = compare(op, *left, *right);
    }
    return left;
  }

  std::string_view comparator() {
    for (const std::string_view op : {"<=", ">=", "==", "!=", "<>", "<", ">"}) {
      if (take(op)) return op;
    }
    return {};
  }

  static Outcome compare(std::string_view op, const ExpressionValue& left, const ExpressionValue& right) {
    const std::optional<double> a = number_of(left);
    const std::optional<double> b = number_of(right);
    int order = 0;
    if (a && b) {
      order = *a < *b ? -1 : *a > *b ? 1 : 0;
    } else if (!a && !b) {
      order = std::get<std::string>(left).compare(std::get<std::string>(right));
    } else {
      if (op == "==") return false;
      if (op == "!=" || op == "<>") return true;
      return refuse(RefusalCode::invalid_input, "a number and a text cannot be compared with {}", op);
    }
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    if (op == ">=") return order >= 0;
    return (order == 0) == (op == "==");
  }

  Outcome negation() {
    peek();
    const bool unequal = text_.substr(at_, 2) == "!=";
    if (!unequal && (take("not") || take("!"))) {
      if (++depth_ > max_depth) return refuse(RefusalCode::invalid_input, "the expression is nested too deeply");
      Outcome value = negation();
      --depth_;
      if (!value) return value;
      return !is_true(*value);
    }
    return sum();
  }

  Outcome sum() {
    Outcome left = product();
    while (left) {
      const char op = peek();
      if (op != '+' && op != '-') return left;
      ++at_;
      left = apply(op, left, product());
    }
    return left;
  }

  Outcome product() {
    Outcome left = signed_value();
    while (left) {
      const char op = peek();
      if (op != '*' && op != '/') return left;
      ++at_;
      left = apply(op, left, signed_value());
    }
    return left;
  }

  Outcome signed_value() {
    const char sign = peek();
    if (sign != '-' && sign != '+') return power();
    ++at_;
    if (++depth_ > max_depth) return refuse(RefusalCode::invalid_input, "the expression is nested too deeply");
    Outcome value = apply(sign, Outcome(0.0), signed_value());
    --depth_;
    return value;
  }

  Outcome power() {
    Outcome base = operand();
    if (!base || peek() != '^') return base;
    ++at_;
    if (++depth_ > max_depth) return refuse(RefusalCode::invalid_input, "the expression is nested too deeply");
    Outcome value = apply('^', base, power());
    --depth_;
    return value;
  }

  static Outcome apply(char op, const Outcome& left, const Outcome& right) {
    if (!left) return left;
    if (!right) return right;
    const std::optional<double> a = number_of(*left);
    const std::optional<double> b = number_of(*right);
    if (!a || !b) return refuse(RefusalCode::invalid_input, "'{}' needs numbers", op);
    if (op == '/' && *b == 0) return refuse(RefusalCode::invalid_input, "division by zero");
    double out = *a + *b;
    if (op == '-') out = *a - *b;
    if (op == '*') out = *a * *b;
    if (op == '/') out = *a / *b;
    if (op == '^') out = std::pow(*a, *b);
    if (!std::isfinite(out)) return refuse(RefusalCode::invalid_input, "'{}' gives no finite number", op);
    return out;
  }

  Outcome operand() {
    const char next = peek();
    if (next == '(') return in_parentheses();
    if (next == '\'' || next == '"') return quoted();
    if (is_digit(next) || next == '.') return number();
    if (is_letter(next)) return named();
    return wrong("a value");
  }

  Outcome in_parentheses() {
    ++at_;
    Outcome value = condition();
    if (value && !take(")")) return wrong("')'");
    return value;
  }

  Outcome quoted() {
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return wrong("a text with its closing quote");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }

  Outcome number() {
    double out = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (error != std::errc{}) return wrong("a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    return out;
  }

  std::string_view word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Outcome named() {
    const std::size_t begin = at_;
    const std::string_view name = word();
    if (peek() == '(') return function(name);
    if (take(".")) {
      const std::size_t inner = at_;
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == ':' || text_[at_] == '.')) ++at_;
      if (at_ > inner) return variables_(name, text_.substr(inner, at_ - inner));
    }
    if (name == "True" || name == "true") return true;
    if (name == "False" || name == "false") return false;
    at_ = begin;
    return wrong("a variable such as stats.free_capacity_gb");
  }

  Outcome function(std::string_view name) {
    if (name != "abs" && name != "max" && name != "min") return wrong("abs, max or min");
    std::vector<double> arguments;
    do {
      ++at_;  // the parenthesis, or the comma
      const Outcome value = condition();
      if (!value) return value;
      const std::optional<double> number = number_of(*value);
      if (!number) return refuse(RefusalCode::invalid_input, "{} needs numbers", name);
      arguments.push_back(*number);
    } while (peek() == ',');
    if (!take(")")) return wrong("')'");
    if (name == "abs") return arguments.size() == 1 ? Outcome(std::abs(arguments[0])) : Outcome(wrong("one argument of abs"));
    const auto [least, most] = std::minmax_element(arguments.begin(), arguments.end());
    return name == "max" ? *most : *least;
  }

  std::string_view text_;
  const Variables& variables_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<ExpressionValue> evaluate(std::string_view expression, const Variables& variables) { return Evaluation(expression, variables).whole(); }

bool is_true(const ExpressionValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag;
  if (const double* number = std::get_if<double>(&value)) return *number != 0;
  return !std::get<std::string>(value).empty();
}

}  // namespace scoria::scheduler
