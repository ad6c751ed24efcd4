#pragma once
#include "api/endings.h"
#include "api/listing.h"
#include "api/volumes/pages.h"
#include "api/watch.h"
#include "commands/services.h"
#include "db/database.h"
#include "identity/compute.h"
#include "store/volumes/names.h"

namespace scoria::api {

/// What handlers work with. A handler authorises, reads the request, calls one command or reads the store, renders.
struct Services {
  commands::Services& commands;
  db::Database& database;
  store::volumes::Names& names;
  WrittenPages& pages;
  ListLimits lists;
  Watches* watches = nullptr;               // none: nothing can be watched here
  const DetachRule* detach_rule = nullptr;  // none: no compute service is near
  const Endings* endings = nullptr;         // none: the database is asked
};

}  // namespace scoria::api
