#pragma once
#include <functional>
#include <string>

#include "commands/volumes/delete.h"
#include "simulation/model.h"
#include "store/attachments/attachments.h"

namespace scoria::simulation {

/// Clients that send commands one after the other and keep the model of what they were answered.
class Workload {
 public:
  Workload(Cluster& cluster, Model& model) : cluster_(cluster), model_(model) {}
  /// One client: `commands` requests with waits between them.
  void client(int number);

  // One request each; scenarios use them too.
  ModelVolume& create(int client, std::int64_t gib);
  ModelVolume& create_from(int client, ModelVolume& source, ModelSnapshot* snapshot);
  void remove(ModelVolume& volume, const commands::DeleteVolumeRequest& how = {});
  /// An empty volume that was not asked for yet, and the request for it: any number of times with one key.
  ModelVolume& wish(int client, std::int64_t gib);
  void create_once(int client, std::int64_t gib);
  Known create_with_key(ModelVolume& volume, const std::string& key);
  void extend(ModelVolume& volume, std::int64_t more);
  ModelSnapshot& take_snapshot(ModelVolume& volume);
  void remove(ModelVolume& volume, ModelSnapshot& snapshot);
  void revert(ModelVolume& volume);
  ModelAttachment& attach(ModelVolume& volume);
  void complete(ModelVolume& volume, ModelAttachment& attachment);
  void detach(ModelVolume& volume, ModelAttachment& attachment);
  void cancel(ModelVolume& volume);

 private:
  enum class Wish { create, create_once, copy, clone, remove, extend, revert, snapshot, remove_snapshot, cancel, attachment };
  std::vector<Wish> wishes() const;
  void ask_for(Wish wish, int client, ModelVolume& volume);
  std::optional<store::attachments::Placed> find(commands::Services& services, const ModelAttachment& attachment);
  using Call = std::function<void(commands::Services&, const Context&)>;
  ModelVolume& create(int client, std::int64_t gib, ModelVolume* source, ModelSnapshot* snapshot);
  void note_whole(ModelVolume& volume);
  ModelVolume* one_of(int client);
  ModelSnapshot* one_of(ModelVolume& volume);
  ModelAttachment* attachment_of(ModelVolume& volume);
  void change_attachments(ModelVolume& volume);
  Known ask(const std::string& name, const std::function<std::optional<Refusal>(commands::Services&, const Context&)>& work);
  std::string id_of(std::string_view table, const std::string& id, const std::string& name);
  void note_cancelled(ModelVolume& volume, const std::string& kind, const std::string& resource, Known answer);

  Cluster& cluster_;
  Model& model_;
  int names_ = 0;
};

}  // namespace scoria::simulation
