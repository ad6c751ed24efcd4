#include "app/bootstrap.h"

#include "domain/types/volume_type.h"

namespace scoria::app {

std::string bootstrap(db::Database& database, Random& random, Sealer& sealer) {
  const std::string deployment = random.uuid(), type = random.uuid(), sample = sealer.seal("sample", "setting:sealed_sample");
  return database.write([&](db::Transaction& tx) {
    tx.run("INSERT INTO setting (name, value) VALUES ('deployment', ?) ON CONFLICT (name) DO NOTHING", {deployment});
    tx.run("INSERT INTO setting (name, value) VALUES ('sealed_sample', ?) ON CONFLICT (name) DO NOTHING", {sample});
    tx.run("INSERT INTO volume_type (id, name, description, is_public, extra_specs, created_at) VALUES (?, ?, 'Default Volume Type', 1, '{}', scoria_now()) "
           "ON CONFLICT (name) DO NOTHING",
           {type, builtin_default_type});
    return tx.query("SELECT value FROM setting WHERE name = 'deployment'").at(0, 0).text();
  });
}

}  // namespace scoria::app
