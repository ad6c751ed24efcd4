#include <fcntl.h>

#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include "base/hash.h"
#include "locks/locks.h"
#include "os/files.h"

/// Locks of one machine: they die with their holder and only with it, so they need no lease and no token.
namespace scoria::locks {
namespace {

class ProcessLocks final : public Locks {
 public:
  ProcessLocks(Clock& clock, Random& random) : Locks(clock, random) {}
  Reach reach() const override { return Reach::process; }

 private:
  struct Taken {
    std::mutex mutex;
    std::set<std::string> names;  // guarded by mutex
  };

  class InProcess final : public Held {
   public:
    InProcess(std::vector<std::string> names, std::shared_ptr<Taken> taken) : Held(std::move(names), 0), taken_(std::move(taken)) {}
    ~InProcess() override {
      const std::lock_guard lock(taken_->mutex);
      for (const std::string& name : names()) taken_->names.erase(name);
    }
    bool valid() const override { return true; }

   private:
    const std::shared_ptr<Taken> taken_;
  };

  Result<std::shared_ptr<const Held>> try_acquire(const std::vector<std::string>& names) override {
    {
      const std::lock_guard lock(taken_->mutex);
      for (const std::string& name : names)
        if (taken_->names.contains(name)) return nullptr;
      taken_->names.insert(names.begin(), names.end());
    }
    return std::make_shared<const InProcess>(names, taken_);
  }

  const std::shared_ptr<Taken> taken_ = std::make_shared<Taken>();
};

/// One file for all names, a byte for each: nothing is left behind when a name is never used again.
class HostLocks final : public Locks {
 public:
  HostLocks(Clock& clock, Random& random, const std::string& directory) : Locks(clock, random), path_(directory + "/scoria-locks") {
    std::filesystem::create_directories(directory);
  }
  Reach reach() const override { return Reach::host; }

 private:
  class OnHost final : public Held {
   public:
    OnHost(std::vector<std::string> names, os::Fd file) : Held(std::move(names), 0), file_(std::move(file)) {}
    bool valid() const override { return true; }

   private:
    const os::Fd file_;  // the locks live as long as it is open
  };

  static std::int64_t byte_of(const std::string& name) { return static_cast<std::int64_t>(fnv1a(name) >> 2U); }

  Result<std::shared_ptr<const Held>> try_acquire(const std::vector<std::string>& names) override {
    try {
      os::Fd file = os::open_file(path_, O_RDWR | O_CREAT);
      for (const std::string& name : names)
        if (!os::try_lock_byte(file, byte_of(name))) return nullptr;
      return std::make_shared<const OnHost>(names, std::move(file));
    } catch (const std::system_error& failure) {
      return refuse(RefusalCode::unavailable, "{}", failure.what());
    }
  }

  const std::string path_;
};

}  // namespace

std::unique_ptr<Locks> make_process_locks(Clock& clock, Random& random) { return std::make_unique<ProcessLocks>(clock, random); }

std::unique_ptr<Locks> make_host_locks(Clock& clock, Random& random, std::string directory) {
  return std::make_unique<HostLocks>(clock, random, directory);
}

}  // namespace scoria::locks
