#pragma once
#include <atomic>
#include <memory>

#include "drivers/file/file.h"
#include "drivers/file/object.h"

namespace scoria::drivers::file {

/// A configured pool and what its file system was found to be able to.
struct PoolState {
  FilePool config;
  std::atomic<bool> probed{false};
  std::atomic<bool> reflink{false};
};

class FileDriver final : public Driver, public Extends {
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

 private:
  /// An object's pool, open for this call.
  struct Place {
    PoolState* pool = nullptr;
    os::Fd directory;
    std::string path_of(const ObjectRef& object, const Layer& layer) const { return pool->config.directory + "/" + object.name + "/" + layer.file; }
  };
  DriverResult<Place> place(const Call& call, const ObjectRef& object);
  DriverResult<> check_size(const PoolState& pool, Bytes size) const;
  DriverResult<> check_pool(PoolState& pool);
  PoolReport report(PoolState& pool);

  Clock& clock_;
  const FileOptions options_;
  std::vector<std::unique_ptr<PoolState>> pools_;
};

}  // namespace scoria::drivers::file
