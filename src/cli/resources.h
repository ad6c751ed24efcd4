#pragma once
#include "cli/verbs.h"

/// What all kinds of resources have in common.
namespace scoria::cli {

struct Kind {
  std::string name;     // "volume"
  std::string plural;   // of its list and its path
  std::string path;     // "/volumes"
  std::string listed;   // appended for the list: "/detail"
  bool by_name;         // lists can be asked for a name
  Columns columns;      // of lists
  Columns sheet;        // of one
};
const Kind& volume_kind();
const Kind& snapshot_kind();
const Kind& type_kind();
const Kind& attachment_kind();

/// By id, name, or the beginning of an id (4 characters or more): exactly one.
Result<json::Value> find(Client& client, const Kind& kind, const std::string& what);
Result<std::string> find_id(Client& client, const Kind& kind, const std::string& what);

/// GET of one again, after it has changed.
Result<json::Value> again(Client& client, const Kind& kind, const std::string& id);

/// Shows what a call answered with; with --wait first follows the operations that the call started, then shows the resource
/// as it is then (nothing when it is gone).
Result<> conclude(Session& session, const Kind& kind, const std::string& id);

/// Whole GiB of 10, 10G, 512M, 1.5T (rounded up). Refuses what is no size.
Result<std::int64_t> gib_of(const std::string& text);
/// key=value of each --property.
Result<std::map<std::string, std::string>> properties_of(const std::vector<std::string>& texts);
/// {"outer": {…}}: texts that are empty and a size of 0 are left out.
std::string body_of(std::string_view outer, const std::vector<std::pair<std::string, std::string>>& texts, std::int64_t size = 0,
                    const std::map<std::string, std::string>& metadata = {});
/// {"outer": {k: v, …}}
std::string map_of(std::string_view outer, const std::map<std::string, std::string>& texts);
/// Text for a URL's query.
std::string escaped(const std::string& text);

// Verbs that several kinds have.
std::vector<Option> filters(std::vector<Option> more);
Result<> list_of(Session& session, const Kind& kind, const std::vector<std::pair<std::string, std::string>>& query);

}  // namespace scoria::cli
