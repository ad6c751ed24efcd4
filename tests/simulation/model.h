#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulation/cluster.h"

namespace scoria::simulation {

/// What a client knows of something it asked for: refused, the answer was lost, accepted.
enum class Known { no, perhaps, yes };

using Stamps = std::vector<std::uint64_t>;

struct ModelSnapshot {
  std::string name, id;  // id empty: the answer to the create was lost
  Known created = Known::no, deleted = Known::no, cancelled = Known::no;
  std::optional<Stamps> bytes;  // of its volume when it was asked for, if they were known
};

struct ModelAttachment {
  std::string instance;  // unique: finds it when the answer was lost
  Known created = Known::no, completed = Known::no, removed = Known::no;
};

/// A volume as its client believes it to be. One client at a time works with it, so this is a sequential model; where an
/// answer was lost it holds every possibility. Bytes are followed exactly: by what operations did, and by what the
/// client's host wrote.
struct ModelVolume {
  int client = 0;
  std::string name, id;
  std::set<std::int64_t> sizes;  // GiB it may have
  Known created = Known::no, deleted = Known::no, cancelled = Known::no;
  bool must_fail = false;        // the array was told to refuse it for good
  bool cannot_grow = false;      // the array was told to refuse that
  bool cascade_stopped = false;  // a part of its deletion was cancelled
  bool from_something = false;
  std::optional<Stamps> source;  // the bytes of its source, if they were known
  std::string source_snapshot;   // id, if a snapshot is the source
  std::optional<Stamps> bytes;
  std::int64_t seen_operation = 0;  // the last one whose effect is in `bytes`
  std::deque<ModelSnapshot> snapshots;
  std::deque<ModelAttachment> attachments;
};

class Model {
 public:
  explicit Model(Cluster& cluster) : cluster_(cluster) {}
  std::deque<ModelVolume> volumes;

  /// Brings the bytes of a volume up to date if nobody works on it just now, and compares them with the array's. Gives
  /// the name of its object, empty if somebody works on it.
  std::string follow(ModelVolume& volume);
  /// The host of an idle volume writes a block, if its bytes are known.
  void write(ModelVolume& volume);
  /// After healing and quiet: everything is as the answers said.
  void compare();

 private:
  void compare(ModelVolume& volume);
  void compare(const ModelVolume& volume, const ModelSnapshot& snapshot);
  void compare(const ModelVolume& volume, const ModelAttachment& attachment);
  void compare_quota();
  void apply(ModelVolume& volume, const std::string& kind, const std::string& input);
  std::optional<Stamps> bytes_of_snapshot(const std::string& id);
  std::string last_error(const std::string& resource);
  Cluster& cluster_;
};

}  // namespace scoria::simulation
