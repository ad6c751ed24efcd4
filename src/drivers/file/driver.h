#pragma once
#include <atomic>
#include <memory>

#include "drivers/file/file.h"
#include "drivers/file/layers.h"
#include "drivers/file/map.h"

namespace scoria::drivers::file {

/// A configured pool and what its file system was found to be able to.
struct PoolState {
  FilePool config;
  std::atomic<bool> probed{false};
  std::atomic<bool> reflink{false};
};

class FileDriver final : public Driver, public Extends, public Snapshots, public Flattens, public ChangedBlocks, public Holds {
 public:
  FileDriver(Clock& clock, FileOptions options);

  std::string vendor() const override { return "Scoria"; }
  DriverResult<> check(const Call& call) override;
  DriverResult<std::vector<PoolReport>> pools(const Call& call) override;
  DriverResult<Probe> probe(const Call& call, const ObjectRef& object) override;
  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override;
  DriverResult<> remove(const Call& call, const ObjectRef& object) override;
  DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) override;
  DriverResult<Location> locate(const Call& call, const ObjectRef& object) override;
  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override;

  DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) override;
  DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) override;
  DriverResult<> flatten(const Call& call, const ObjectRef& object) override;
  DriverResult<std::vector<Extent>> changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) override;
  DriverResult<std::shared_ptr<void>> hold(const Call& call, const ObjectRef& object) override;

 private:
  /// An object's pool, open for this call.
  struct Place {
    PoolState* pool = nullptr;
    os::Fd directory;
    std::string folder_of(const std::string& name) const { return pool->config.directory + "/" + name; }
  };
  /// What a share makes.
  struct Target {
    ObjectRef object;
    Bytes size;
    bool read_only = false;
  };

  DriverResult<Place> open_pool(const std::string& name);
  DriverResult<Place> place(const Call& call, const ObjectRef& object);
  DriverResult<> check_size(const PoolState& pool, Bytes size) const;
  DriverResult<> check_pool(PoolState& pool);
  DriverResult<PoolReport> report(const std::string& name);
  Found find(const Place& at, const std::string& name) const { return find_object(at.directory, name, options_.deployment); }
  DriverResult<Locked> lock(const Call& call, const Place& at, const std::string& name, Duration patience = 2s) {
    return lock_object(clock_, call, at.directory, name, options_.deployment, patience);
  }
  Shape shape(const Call& call, const Place& at, const std::string& name) const { return {clock_, call, options_.live, at.folder_of(name), name, at.pool->reflink}; }
  DriverResult<> grow_head(const Call& call, const Place& at, const ObjectRef& object, Found& found, Bytes size);
  DriverResult<> remove_named(const Call& call, const Place& at, const std::string& name);

  // snapshots.cpp. Each answers false when blocks cannot be shared: the bytes must be copied. True also when somebody else
  // made the target meanwhile.
  DriverResult<bool> share(const Call& call, const Place& at, const ObjectRef& source, const Target& target);
  DriverResult<bool> share_blocks(const Place& at, const Found& source, const ObjectRef& from, const Target& target);
  DriverResult<bool> share_chain(const Call& call, const Place& at, const Found& source, const ObjectRef& from, const std::vector<Layer>& chain,
                                 const Target& target);
  bool can_share_blocks(const Place& at, const Found& source) const;
  DriverResult<> begin_copy(const Place& at, const ObjectRef& source, const Target& target, bool own_source);
  DriverResult<> fill(const Call& call, const Place& at, const ObjectRef& target);
  DriverResult<> fill_from(const Call& call, const Place& from, const std::string& source, const Found& target);
  DriverResult<std::vector<Piece>> steady_places(const Call& call, const Place& at, const std::string& name);
  DriverResult<> drop_own_source(const Call& call, const ObjectRef& object, const Description& description);

  // flatten.cpp
  DriverResult<HeadState> begin_flatten(const Call& call, const Place& at, const std::string& name, bool used, std::string& file);
  DriverResult<> flatten_into(const Call& call, const Place& at, const std::string& name, const HeadState& before, const std::string& file);
  DriverResult<> merge_below(const Call& call, const Place& at, const std::string& name, const HeadState& before, const std::string& file);

  Clock& clock_;
  const FileOptions options_;
  std::vector<std::unique_ptr<PoolState>> pools_;
};

}  // namespace scoria::drivers::file
