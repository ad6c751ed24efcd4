#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/database.h"
#include "domain/ids.h"

/// Who serves exports in a cluster, and where each volume is served. A host holds a lease; portals belong to hosts; a volume
/// has one place, so that one machine at a time opens its image.
namespace scoria::store::portals {

struct Host {
  std::string name;
  std::int64_t generation = 0;
  bool expired = false;
};

struct Portal {
  std::string name;
  std::string host;           // empty: nobody
  std::string previous_host;  // who had it before
  std::int64_t generation = 0;
};

/// Makes this host and the portals known; its generation as it is now. Idempotent.
std::int64_t join(db::Transaction& tx, const std::string& cluster, const std::string& host, const std::vector<std::string>& portals);
/// The lease from now on. False: others declared the host dead; its portals are theirs.
bool renew(db::Transaction& tx, const std::string& host, std::int64_t generation, Duration lease);
std::vector<Host> hosts(db::Transaction& tx, const std::string& cluster);
std::vector<Portal> all(db::Transaction& tx, const std::string& cluster);
/// Declares a host dead whose lease has run out, and frees its portals. False: it has renewed, or another was faster.
bool fence(db::Transaction& tx, const Host& host);
/// Takes a free portal. Guard "export_host.lease": the taker's own lease holds. False: another was faster.
bool claim(db::Transaction& tx, const Portal& portal, const std::string& host, std::int64_t host_generation);

/// The place of this very machine, for what cannot move.
inline std::string home_place(const std::string& host) { return "host/" + host; }
inline bool is_home(std::string_view place) { return place.starts_with("host/"); }
/// Where work at a place waits: who holds the place serves it.
inline std::string queue_of(const std::string& place) { return "exports/" + place; }

/// Where a volume is served; nothing when it has never been. `used`: an attachment other than `except` has, or is getting, a
/// connection there.
struct Place {
  std::string name;
  bool used = false;
};
std::optional<Place> place_of(db::Transaction& tx, const VolumeId& volume, std::string_view except = {});
/// Moves a volume that is not served now, or is served nowhere yet, if it has not changed since `volume_rev`. Guard "volume.rev".
void put(db::Transaction& tx, const VolumeId& volume, std::int64_t volume_rev, const std::string& place);
void forget(db::Transaction& tx, const VolumeId& volume);

struct Served {
  std::string attachment_id;
  std::string backend;
};
/// The attachments that have a connection at a place.
std::vector<Served> served_at(db::Transaction& tx, const std::string& place);

}  // namespace scoria::store::portals
