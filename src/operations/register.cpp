#include "operations/services.h"
#include "operations/volumes/create.h"
#include "operations/volumes/delete.h"

namespace scoria::operations {

void register_all(engine::Kinds& kinds, Services& services) {
  kinds.add(std::make_unique<CreateVolume>(services));
  kinds.add(std::make_unique<DeleteVolume>(services));
}

}  // namespace scoria::operations
