#include "operations/attachments/connect.h"
#include "operations/attachments/remove.h"
#include "operations/services.h"
#include "operations/snapshots/create.h"
#include "operations/snapshots/delete.h"
#include "operations/volumes/create.h"
#include "operations/volumes/delete.h"
#include "operations/volumes/extend.h"
#include "operations/volumes/revert.h"

namespace scoria::operations {

void register_all(engine::Kinds& kinds, Services& services) {
  kinds.add(std::make_unique<CreateVolume>(services));
  kinds.add(std::make_unique<DeleteVolume>(services));
  kinds.add(std::make_unique<ExtendVolume>(services));
  kinds.add(std::make_unique<RevertVolume>(services));
  kinds.add(std::make_unique<CreateSnapshot>(services));
  kinds.add(std::make_unique<DeleteSnapshot>(services));
  kinds.add(std::make_unique<ConnectAttachment>(services));
  kinds.add(std::make_unique<RemoveAttachment>(services));
}

}  // namespace scoria::operations
