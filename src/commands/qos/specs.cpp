#include "commands/qos/specs.h"

#include <fmt/core.h>

#include "commands/once.h"
#include "commands/try_once.h"
#include "commands/types/refusals.h"
#include "store/qos/qos.h"
#include "store/types/types.h"

namespace scoria::commands {
namespace {

namespace qos = store::qos;

Result<> good_consumer(const std::string& consumer) {
  if (consumer == "front-end" || consumer == "back-end" || consumer == "both") return {};
  return refuse(RefusalCode::invalid_input, "Invalid input received: Consumer of QoS specs must be one of front-end, back-end and both, not '{}'.", consumer);
}

tl::unexpected<Refusal> no_such_specs(const std::string& id) { return refuse(RefusalCode::not_found, "No such qos_specs {}.", id); }

/// Decides on the specs as they are and does `change` to exactly those, again if somebody was faster.
template <class Change>
Result<> change_seen(Services& services, const std::string& id, Change&& change) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      const auto seen = qos::find(tx, id);
      if (!seen) return no_such_specs(id);
      if (const Result<> changed = change(tx, *seen); !changed) return refuse(changed.error());
      qos::count_change(tx);
      return true;
    });
    if (!done) continue;
    if (!*done) return refuse(done->error());
    return {};
  }
  return refuse(RefusalCode::conflict, "QoS specs {} change too fast; try again.", id);
}

Result<VolumeType> type_of(db::Transaction& tx, const std::string& id) {
  auto type = store::types::find_by_id(tx, id);
  if (!type) return no_such_type(id);
  return std::move(*type);
}

}  // namespace

Result<QosSpecs> create_qos(Services& services, const Context& context, const std::string& name, const Specs& specs, const std::string& consumer) {
  if (const auto good = good_consumer(consumer); !good) return refuse(good.error());
  QosSpecs made;
  made.id = services.random.uuid(), made.name = name, made.consumer = consumer, made.specs = specs;
  const auto make = [&](db::Transaction& tx) -> Result<QosSpecs> {
    remember(tx, context, {}, made.id);
    qos::insert(tx, made);
    return made;
  };
  const auto load = [](db::Transaction& tx, const std::string& id) { return qos::find(tx, id); };
  const auto landed = [&](db::Transaction& tx) { return qos::find(tx, made.id); };
  const auto explain = [](std::string_view guard) { return Refusal{RefusalCode::conflict, std::string(guard), {}}; };
  try {
    return once<QosSpecs>(services, context, load, [&] { return transact_once<QosSpecs>(services, make, explain, landed); });
  } catch (const db::ConstraintError& taken) {
    if (!taken.unique) throw;
    return refuse(RefusalCode::conflict, "QoS Specs {} already exists.", name);
  }
}

Result<> update_qos(Services& services, const std::string& id, const Specs& changes) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs& seen) -> Result<> {
    Specs specs = seen.specs;
    std::string consumer = seen.consumer;
    for (const auto& [key, value] : changes) {
      if (key == "consumer")
        consumer = value;
      else
        specs[key] = value;
    }
    if (const auto good = good_consumer(consumer); !good) return good;
    qos::change(tx, seen, consumer, specs);
    return {};
  });
}

Result<> remove_qos_keys(Services& services, const std::string& id, const std::vector<std::string>& keys) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs& seen) -> Result<> {
    Specs specs = seen.specs;
    for (const std::string& key : keys)
      if (specs.erase(key) == 0) return refuse(RefusalCode::not_found, "QoS spec {} has no spec with key {}.", id, key);
    qos::change(tx, seen, seen.consumer, specs);
    return {};
  });
}

Result<> delete_qos(Services& services, const std::string& id, bool force) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs& seen) -> Result<> {
    // An association takes the row of the specs first: none comes between.
    qos::touch(tx, seen.id);
    if (!force && !qos::types_of(tx, id).empty())
      return refuse(RefusalCode::invalid_input, "QoS Specs {} is still associated with entities.", id);
    qos::disassociate_all(tx, id);
    qos::remove(tx, id);
    return {};
  });
}

Result<> associate_qos(Services& services, const std::string& id, const std::string& type_id) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs&) -> Result<> {
    const auto type = type_of(tx, type_id);
    if (!type) return refuse(type.error());
    if (type->qos_specs_id == id) return {};
    if (!type->qos_specs_id.empty())
      return refuse(RefusalCode::invalid_input, "Type {} is already associated with another qos specs: {}.", type_id, type->qos_specs_id);
    qos::touch(tx, id);
    qos::associate(tx, type_id, id, "");
    return {};
  });
}

Result<> disassociate_qos(Services& services, const std::string& id, const std::string& type_id) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs&) -> Result<> {
    const auto type = type_of(tx, type_id);
    if (!type) return refuse(type.error());
    if (type->qos_specs_id != id) return {};
    qos::touch(tx, id);
    qos::associate(tx, type_id, "", id);
    return {};
  });
}

Result<> disassociate_qos_all(Services& services, const std::string& id) {
  return change_seen(services, id, [&](db::Transaction& tx, const QosSpecs&) -> Result<> {
    qos::touch(tx, id);
    qos::disassociate_all(tx, id);
    return {};
  });
}

}  // namespace scoria::commands
