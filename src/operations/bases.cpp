#include "operations/bases.h"

#include "store/objects/objects.h"

namespace scoria::operations {

drivers::DriverResult<Bases> bases_of(Backend& backend, const drivers::Call& call, std::initializer_list<drivers::ObjectRef> objects) {
  Bases out;
  for (const drivers::ObjectRef& object : objects) {
    const auto probe = backend.driver->probe(call, object);
    if (!probe) return tl::unexpected(probe.error());
    out.emplace_back(object.name, probe->base.name);
  }
  return out;
}

void record_bases(db::Transaction& tx, const std::string& backend, const Bases& bases) {
  for (const auto& [name, base] : bases) store::objects::set_base(tx, backend, name, base);
}

}  // namespace scoria::operations
