#include "operations/sections.h"

#include <fmt/core.h>

#include "base/check.h"
#include "operations/backends.h"

namespace scoria::operations {
namespace {

using drivers::DriverError;
using drivers::DriverResult;
using drivers::FailureClass;
using drivers::Scope;

constexpr Duration longest_wait = std::chrono::seconds{5};  // a worker waits with it; beyond that the operation does

tl::unexpected<DriverError> failed(FailureClass kind, std::string text) { return tl::unexpected(DriverError{kind, std::move(text)}); }

std::vector<std::string> names_of(const Backend& backend, const drivers::Section& section, const std::vector<drivers::ObjectRef>& objects) {
  const std::string name = fmt::format("{}/{}", backend.name, section.name);
  if (section.scope != Scope::volume) return {name};
  std::vector<std::string> out;
  for (const drivers::ObjectRef& object : objects) out.push_back(name + "/" + object.name);
  return out;
}

/// The call runs under this lock: it carries the token, and does not outlive the lock.
void carry(drivers::Call& call, const std::shared_ptr<const locks::Held>& held) {
  if (held->token() != 0) call.fences.push_back({held->names(), held->token()});
  call.stop = [before = std::move(call.stop), held] { return !held->valid() || (before && before()); };
}

}  // namespace

engine::Commit Entered::proven(engine::Commit changes) const {
  if (held_.empty()) return changes;
  return [held = held_, changes = std::move(changes)](db::Transaction& tx) {
    for (const auto& one : held) one->prove(tx);
    if (changes) changes(tx);
  };
}

DriverResult<Entered> enter(Backend& backend, drivers::Act act, const std::vector<drivers::ObjectRef>& objects, drivers::Call& call) {
  Entered out;
  if (!backend.ownership.together()) {
    auto owner = backend.ownership.lease();
    if (owner == nullptr || !owner->valid()) return failed(FailureClass::busy, fmt::format("another node owns backend {}", backend.name));
    carry(call, owner);
    out.add(std::move(owner));
  }
  const drivers::Section section = backend.driver->section(act);
  if (section.scope == Scope::none || objects.empty()) return out;
  locks::Locks* locks = section.scope == Scope::host ? backend.host_locks.get() : backend.locks.get();
  SCORIA_CHECK(locks != nullptr, "a driver needs locks and has none");
  const Deadline limit = Deadline::in(locks->clock(), longest_wait).sooner(call.deadline);
  auto held = locks->acquire(names_of(backend, section, objects), limit);
  if (!held) return failed(held.error().code == RefusalCode::conflict ? FailureClass::busy : FailureClass::transient, held.error().message);
  carry(call, *held);
  out.add(std::move(*held));
  return out;
}

}  // namespace scoria::operations
