#include "config/options/common.h"

#include "config/options/api.h"
#include "config/options/backend.h"
#include "config/options/database.h"
#include "config/options/exports.h"
#include "config/options/general.h"
#include "config/options/housekeeping.h"
#include "config/options/identity.h"
#include "config/options/quotas.h"
#include "config/options/scheduler.h"

namespace scoria::config {

Catalogue common() {
  Catalogue out;
  out.add<GeneralOptions>().add<LogOptions>().add<ApiOptions>().add<QuotaOptions>().add<SchedulerOptions>().add<IdentityOptions>();
  return out.add<KeystoneOptions>().add<DatabaseOptions>().add<EngineOptions>().add<HousekeepingOptions>().add<ExportOptions>().add<BackendOptions>();
}

}  // namespace scoria::config
