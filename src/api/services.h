#pragma once
#include "api/listing.h"
#include "commands/services.h"
#include "db/database.h"

namespace scoria::api {

/// What handlers work with. A handler authorises, reads the request, calls one command or reads the store, renders.
struct Services {
  commands::Services& commands;
  db::Database& database;
  ListLimits lists;
};

}  // namespace scoria::api
