#include "store/volumes/list.h"

namespace scoria::store::volumes {

Summary summary(db::Transaction& tx, const std::string& project) {
  const std::string where = project.empty() ? "" : " WHERE project_id = ?";
  const db::Values values = project.empty() ? db::Values{} : db::Values{project};
  const db::Rows sums = tx.query("SELECT count(*), CAST(coalesce(sum(size_gib), 0) AS BIGINT) FROM volume" + where, values);
  Summary out{sums.at(0, 0).integer(), sums.at(0, 1).integer(), {}};
  const db::Rows texts = tx.query("SELECT DISTINCT metadata FROM volume" + (where.empty() ? std::string(" WHERE") : where + " AND") + " metadata <> '{}'", values);
  for (std::size_t i = 0; i < texts.size(); ++i) out.metadata.push_back(texts.at(i, 0).text());
  return out;
}

}  // namespace scoria::store::volumes
