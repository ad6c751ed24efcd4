#include "config/fields.h"

#include <limits>

#include "config/value.h"

namespace scoria::config {
namespace {

Kind kind_of(const Slot& slot) {
  struct {
    Kind operator()(const bool*) const { return Kind::boolean; }
    Kind operator()(const int*) const { return Kind::integer; }
    Kind operator()(const std::int64_t*) const { return Kind::integer; }
    Kind operator()(const std::uint16_t*) const { return Kind::port; }
    Kind operator()(const double*) const { return Kind::real; }
    Kind operator()(const std::string*) const { return Kind::text; }
    Kind operator()(const std::vector<std::string>*) const { return Kind::list; }
    Kind operator()(const Bytes*) const { return Kind::size; }
    Kind operator()(const Duration*) const { return Kind::duration; }
    Kind operator()(const Secret*) const { return Kind::secret; }
  } kind;
  return std::visit(kind, slot);
}

}  // namespace

void Fields::section(std::string_view name, std::string_view about) {
  section_ = name;
  sections_.emplace_back(name, about);
}

Option& Fields::add(std::string_view name, Slot slot, std::string_view help) {
  Field field{{}, slot};
  field.option.section = section_;
  field.option.name = name;
  field.option.help = help;
  field.option.kind = kind_of(slot);
  field.option.fallback = to_text(slot, field.option.kind);
  field.option.driver = driver_;
  if (std::holds_alternative<int*>(slot)) {
    field.option.smallest = std::numeric_limits<int>::min();
    field.option.largest = std::numeric_limits<int>::max();
  } else if (std::holds_alternative<std::uint16_t*>(slot)) {
    field.option.smallest = 0;
    field.option.largest = 65535;
  }
  fields_.push_back(std::move(field));
  return fields_.back().option;
}

}  // namespace scoria::config
