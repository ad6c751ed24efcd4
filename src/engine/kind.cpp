#include "engine/kind.h"

#include "base/check.h"
#include "db/values.h"

namespace scoria::engine {

Outcome Outcome::advance(std::string context, Commit commit) {
  Outcome out;
  out.action = Action::advance;
  out.context = std::move(context);
  out.commit = std::move(commit);
  return out;
}

Outcome&& Outcome::onto(std::string new_queue, std::string new_backend) && {
  queue = std::move(new_queue);
  backend = std::move(new_backend);
  return std::move(*this);
}

Outcome&& Outcome::back_to(std::string step) && {
  to_step = std::move(step);
  return std::move(*this);
}

Outcome Outcome::retry(std::string reason, bool counted) {
  Outcome out;
  out.action = Action::retry;
  out.text = std::move(reason);
  out.counted = counted;
  return out;
}

Outcome Outcome::wait(std::string waits_on, std::string reason, Commit commit) {
  Outcome out;
  out.action = Action::wait;
  out.waits_on = std::move(waits_on);
  out.text = std::move(reason);
  out.commit = std::move(commit);
  return out;
}

Outcome Outcome::succeed(Commit commit, std::any told) {
  Outcome out;
  out.action = Action::succeed;
  out.commit = std::move(commit);
  out.told = std::move(told);
  return out;
}

Outcome Outcome::fail(std::string code, std::string text, Commit commit) {
  Outcome out;
  out.action = Action::fail;
  out.code = std::move(code);
  out.text = std::move(text);
  out.commit = std::move(commit);
  return out;
}

Outcome Outcome::stopped() { return {}; }

bool Kind::cancellable_at(std::string_view step) const {
  for (const std::string_view name : steps()) {
    if (name == point_of_no_return()) return false;
    if (name == step) return true;
  }
  return false;
}

std::string_view Kind::step_after(std::string_view step, int version) const {
  const auto all = steps();
  const auto at = std::find(all.begin(), all.end(), step);
  SCORIA_CHECK(step.empty() || at != all.end(), "an operation is at a step its kind does not have");
  for (std::size_t next = step.empty() ? 0 : static_cast<std::size_t>(at - all.begin()) + 1; next < all.size(); ++next)
    if (has_step(next, version)) return all[next];
  return {};
}

void Kinds::add(std::unique_ptr<Kind> kind) {
  const std::string name(kind->name());
  SCORIA_CHECK(kinds_.emplace(name, std::move(kind)).second, "a kind of operation is registered twice");
  std::vector<std::string> known;
  for (const auto& [of, one] : kinds_)
    for (int version = one->oldest_version(); version <= one->version(); ++version) known.push_back(of + "/" + std::to_string(version));
  known_ = db::list_of(known);
}

const Kind* Kinds::find(std::string_view name, int version) const {
  const Kind* kind = find(name);
  return kind != nullptr && kind->oldest_version() <= version && version <= kind->version() ? kind : nullptr;
}

const Kind* Kinds::find(std::string_view name) const {
  const auto found = kinds_.find(name);
  return found == kinds_.end() ? nullptr : found->second.get();
}

std::vector<const Kind*> Kinds::all() const {
  std::vector<const Kind*> out;
  for (const auto& [name, kind] : kinds_) out.push_back(kind.get());
  return out;
}

}  // namespace scoria::engine
