#pragma once
#include <vector>

#include "commands/services.h"
#include "domain/qos/qos_specs.h"
#include "identity/context.h"

/// Limits by type. Each change is one transaction; what is exported now follows within seconds.
namespace scoria::commands {

/// Refuses conflict when the name is taken, invalid_input for a consumer that is none.
Result<QosSpecs> create_qos(Services& services, const Context& context, const std::string& name, const Specs& specs, const std::string& consumer);
/// Sets these over its own; "consumer" among them is who keeps the limits.
Result<> update_qos(Services& services, const std::string& id, const Specs& changes);
/// Refuses not_found for a key it does not have.
Result<> remove_qos_keys(Services& services, const std::string& id, const std::vector<std::string>& keys);
/// Refuses invalid_input while types have it, unless `force`.
Result<> delete_qos(Services& services, const std::string& id, bool force);
/// A type has one at most; again the same is no change.
Result<> associate_qos(Services& services, const std::string& id, const std::string& type);
Result<> disassociate_qos(Services& services, const std::string& id, const std::string& type);
Result<> disassociate_qos_all(Services& services, const std::string& id);

}  // namespace scoria::commands
