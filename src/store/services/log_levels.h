#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "db/database.h"

/// Log levels of processes, read and changed through the database: an API node cannot call another node.
namespace scoria::store::log_levels {

struct Setting {
  std::int64_t seq = 0;
  std::string host, prefix, level;
};

void set(db::Transaction& tx, const std::string& host, const std::string& prefix, const std::string& level);
/// What was asked for since, oldest first.
std::vector<Setting> since(db::Transaction& tx, std::int64_t seq);
/// The newest setting's number, 0 when there is none: a node that starts has nothing to catch up with.
std::int64_t newest(db::Transaction& tx);
/// A node tells its levels (a JSON object) for the services it runs.
void publish(db::Transaction& tx, std::int64_t incarnation, const std::string& levels);

struct Published {
  std::string host, binary, levels;
};
std::vector<Published> published(db::Transaction& tx);

}  // namespace scoria::store::log_levels
