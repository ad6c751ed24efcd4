#include "commands/quotas/update.h"

#include <fmt/core.h>

#include <algorithm>

namespace scoria::commands {
namespace {

using store::quotas::Entry;

Refusal unguarded(std::string_view guard) { return {RefusalCode::conflict, std::string(guard), {}}; }

/// The entries that `changes` name.
Result<std::vector<std::pair<Entry*, std::int64_t>>> chosen(std::vector<Entry>& entries, const QuotaChanges& changes) {
  std::vector<std::pair<Entry*, std::int64_t>> out;
  std::string unknown;
  for (const auto& [key, limit] : changes) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&key = key](const Entry& entry) { return entry.key == key; });
    if (found == entries.end()) unknown += fmt::format("{}{}", unknown.empty() ? "" : ", ", key);
    else out.emplace_back(&*found, limit);
  }
  if (!unknown.empty()) return refuse(RefusalCode::invalid_input, "Bad key(s) in quota set: {}", unknown);
  return out;
}

}  // namespace

Result<std::vector<Entry>> update_quotas(Services& services, const std::string& project, const QuotaChanges& changes) {
  const auto change = [&](db::Transaction& tx) -> Result<std::vector<Entry>> {
    std::vector<Entry> entries = store::quotas::of_project(tx, project, services.options.quotas);
    const auto named = chosen(entries, changes);
    if (!named) return refuse(named.error());
    for (const auto& [entry, limit] : *named) {
      if (limit >= 0 && limit < entry->in_use)
        return refuse(RefusalCode::invalid_input, "Quota limit for {} must not be less than what is in use: {} was asked for, {} are used.", entry->key, limit,
                      entry->in_use);
      entry->limit = limit;
      store::quotas::set(tx, project, *entry, limit);
    }
    return entries;
  };
  return services.database.transact(change, unguarded);
}

Result<std::vector<Entry>> update_quota_class(Services& services, const std::string& name, const QuotaChanges& changes) {
  const auto change = [&](db::Transaction& tx) -> Result<std::vector<Entry>> {
    std::vector<Entry> entries = store::quotas::of_class(tx, name, services.options.quotas);
    const auto named = chosen(entries, changes);
    if (!named) return refuse(named.error());
    for (const auto& [entry, limit] : *named) {
      entry->limit = limit;
      store::quotas::set_class(tx, name, *entry, limit);
    }
    return entries;
  };
  return services.database.transact(change, unguarded);
}

void reset_quotas(Services& services, const std::string& project) {
  services.database.write([&](db::Transaction& tx) { store::quotas::reset(tx, project); });
}

}  // namespace scoria::commands
