#pragma once
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace scoria::api {

/// Pages of volumes in detail as they were last written, each for `lifetime` from when it was first written. Whoever asks for a page
/// again has the database tell the revisions of its volumes, and only of those that are others now the rest. A page that is asked for
/// once is not kept: only that it was.
class WrittenPages {
 public:
  struct Volume {
    std::string id;
    std::int64_t rev = 0;
    std::string json;             // with nothing attached
    std::size_t attachments = 0;  // where they go in it
  };
  using Page = std::vector<std::shared_ptr<const Volume>>;
  struct Found {
    bool again = false;  // asked for within the lifetime: worth keeping
    std::shared_ptr<const Page> page;
  };

  /// Of more than `most` bytes it begins anew.
  explicit WrittenPages(Clock& clock, Duration lifetime = std::chrono::seconds{1}, std::size_t most = std::size_t{16} << 20)
      : clock_(clock), lifetime_(lifetime), most_(most) {}

  /// `key`: everything that decides how volumes are written for this request, and which.
  Found find(const std::string& key);
  /// In place of what is kept under the key, if it still is; it does not live longer by that.
  void keep(const std::string& key, Page page);
  /// Bytes of texts and keys.
  std::size_t size() const;

 private:
  struct Kept {
    Instant until;
    std::size_t bytes = 0;
    std::shared_ptr<const Page> page;
  };
  void grow(std::size_t bytes);
  void expire();

  Clock& clock_;
  const Duration lifetime_;
  const std::size_t most_;
  mutable std::mutex mutex_;  // guards all below
  std::map<std::string, Kept, std::less<>> kept_;
  std::deque<std::map<std::string, Kept, std::less<>>::iterator> oldest_first_;
  std::size_t bytes_ = 0;
};

}  // namespace scoria::api
