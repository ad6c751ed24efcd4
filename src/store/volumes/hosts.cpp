#include "store/volumes/hosts.h"

#include "db/values.h"

namespace scoria::store::volumes {

std::map<std::string, std::string, std::less<>> hosts_of(db::Transaction& tx, const std::vector<std::string>& ids, const std::string& project) {
  std::map<std::string, std::string, std::less<>> out;
  if (ids.empty()) return out;
  const db::Rows rows = tx.query("SELECT id, backend, pool FROM volume WHERE {in:id:?} AND project_id = ? AND backend IS NOT NULL", {db::list_of(ids), project});
  for (std::size_t row = 0; row < rows.size(); ++row) out.emplace(rows.at(row, 0).text(), rows.at(row, 1).text() + "#" + rows.at(row, 2).text());
  return out;
}

}  // namespace scoria::store::volumes
