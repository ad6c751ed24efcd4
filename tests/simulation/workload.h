#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "simulation/cluster.h"

namespace scoria::simulation {

/// What a client knows of something it asked for.
enum class Known { no, perhaps, yes };

/// A volume as its client believes it to be. One client at a time works with it, so this is a sequential model.
struct ModelVolume {
  std::string name, id;     // id empty: the answer to the create was lost
  std::int64_t gib = 0;
  Known created = Known::no, deleted = Known::no, cancelled = Known::no;
  bool must_fail = false;   // the array was told to refuse it for good
};

/// Clients that send commands, and the comparison of what they were promised with what is.
class Workload {
 public:
  explicit Workload(Cluster& cluster) : cluster_(cluster) {}
  /// One client: `commands` requests, one after the other, with waits between them.
  void client(int number);
  /// After healing and quiet: everything is as the answers said.
  void compare();

 private:
  void create(int number);
  void remove(ModelVolume& volume);
  void cancel(ModelVolume& volume);
  ModelVolume* one_of(int number);
  void compare(const ModelVolume& volume);
  void compare_quota();
  std::string id_of(const ModelVolume& volume);

  Cluster& cluster_;
  struct Owned {
    int client;
    ModelVolume volume;
  };
  std::deque<Owned> volumes_;
  int names_ = 0;
};

}  // namespace scoria::simulation
