#include "store/services/activity.h"

namespace scoria::store::services {

std::vector<Activity> activities(db::Transaction& tx) {
  const db::Rows rows = tx.query(
      "SELECT COALESCE(s.cluster, s.host), s.host, s.activity, s.unproven, CASE WHEN n.state IN ('up', 'draining') AND n.lease_until > scoria_now() THEN 1 ELSE 0 END "
      "FROM service s LEFT JOIN node n ON n.inc = s.inc WHERE s.binary_name = 'cinder-volume' ORDER BY 1, 2");
  std::vector<Activity> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text(), rows.at(i, 4).flag()});
  return out;
}

void tell_activity(db::Transaction& tx, const std::string& host, const std::string& cluster, std::string_view activity, const std::string& unproven) {
  tx.run("UPDATE service SET activity = ?, unproven = ? WHERE host = ? AND binary_name = 'cinder-volume'", {activity, db::or_null(unproven), host});
  if (activity == owner)
    tx.run("UPDATE service SET activity = ? WHERE cluster = ? AND host <> ? AND binary_name = 'cinder-volume' AND activity = ?", {standby, cluster, host, owner});
}

}  // namespace scoria::store::services
