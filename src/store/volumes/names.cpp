#include "store/volumes/names.h"

#include <set>

#include "db/values.h"

namespace scoria::store::volumes {
namespace {

/// The one with that key; usually the same as for the volume before.
template <class Map>
const typename Map::mapped_type* look_up(const Map& map, std::string_view key, typename Map::const_iterator& last) {
  if (last == map.end() || last->first != key) last = map.find(key);
  return last == map.end() ? nullptr : &last->second;
}

void fill(const Names::Known& known, std::span<Shown> volumes) {
  auto last_type = known.types.end();
  auto last_backend = known.backends.end();
  for (Shown& volume : volumes) {
    if (const Names::Type* type = look_up(known.types, volume.type, last_type)) volume.type_name = type->name;
    if (const Names::Backend* backend = look_up(known.backends, volume.backend, last_backend)) volume.service_uuid = backend->service, volume.cluster = backend->cluster;
  }
}

std::vector<std::string> list_of(const std::set<std::string_view>& names) { return {names.begin(), names.end()}; }

}  // namespace

struct Names::Missing {
  std::set<std::string_view> types, backends;
};

Names::Missing Names::missing(const Known& known, std::span<const Shown> volumes) const {
  Missing out;
  const Instant oldest = clock_.now() + -lifetime_;
  auto last_type = known.types.end();
  auto last_backend = known.backends.end();
  for (const Shown& volume : volumes) {
    const Type* type = look_up(known.types, volume.type, last_type);
    if (type == nullptr || type->at < oldest) out.types.insert(volume.type);
    if (volume.backend.empty()) continue;
    const Backend* backend = look_up(known.backends, volume.backend, last_backend);
    if (backend == nullptr || backend->at < oldest) out.backends.insert(volume.backend);
  }
  return out;
}

std::shared_ptr<const Names::Known> Names::fill_in(db::Database& database, std::span<Shown> volumes) {
  std::shared_ptr<const Known> known;
  std::uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    if (known_->types.size() + known_->backends.size() >= most_) known_ = std::make_shared<Known>();
    known = known_, forgotten = forgotten_;
  }
  if (const Missing asked = missing(*known, volumes); !asked.types.empty() || !asked.backends.empty()) {
    known = read(database, *known, asked);
    const std::lock_guard lock(mutex_);
    if (forgotten == forgotten_) known_ = known;
  }
  fill(*known, volumes);
  return known;
}

/// `known` and what is missing in it. Whoever finds something missing asks for it, also if others do so at the same time: nobody
/// waits for another's answer.
std::shared_ptr<const Names::Known> Names::read(db::Database& database, const Known& known, const Missing& missing) {
  auto out = std::make_shared<Known>(known);
  const Instant now = clock_.now();
  for (const std::string_view id : missing.types) out->types[std::string(id)] = {{}, now};
  for (const std::string_view name : missing.backends) out->backends[std::string(name)] = {{}, {}, now};
  database.read([&](db::Transaction& tx) {
    if (!missing.types.empty()) {
      const db::Rows types = tx.query("SELECT id, name FROM volume_type WHERE {in:id:?}", {db::list_of(list_of(missing.types))});
      for (std::size_t i = 0; i < types.size(); ++i) out->types[types.at(i, 0).text()].name = types.at(i, 1).text();
    }
    if (missing.backends.empty()) return;
    const db::Value names = db::list_of(list_of(missing.backends));
    const db::Rows services = tx.query("SELECT host, id FROM service WHERE {in:host:?} AND binary_name = 'cinder-volume'", {names});
    for (std::size_t i = 0; i < services.size(); ++i) out->backends[services.at(i, 0).text()].service = services.at(i, 1).text();
    const db::Rows clusters = tx.query("SELECT name, cluster FROM backend WHERE {in:name:?} AND cluster IS NOT NULL", {names});
    for (std::size_t i = 0; i < clusters.size(); ++i) out->backends[clusters.at(i, 0).text()].cluster = clusters.at(i, 1).text();
  });
  return out;
}

void Names::forget() {
  const std::lock_guard lock(mutex_);
  known_ = std::make_shared<Known>();
  ++forgotten_;
}

std::uint64_t Names::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

}  // namespace scoria::store::volumes
