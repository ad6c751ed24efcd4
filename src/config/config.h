#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/catalogue.h"
#include "config/fields.h"
#include "config/sources.h"

namespace scoria::config {

struct Snapshot;

/// An immutable configuration: every option of every section with the value that won. Cheap to copy; thread-safe.
class Config {
 public:
  /// Fills `Options` from the sections it declares. All values were checked by load(): this cannot fail.
  template <class Options>
  Options read() const {
    return read<Options>(backend);
  }
  /// The same for one backend: what its section sets, else [backend_defaults], else the defaults.
  template <class Options>
  Options read(std::string_view backend_section) const {
    Options out;
    Fields fields;
    out.declare(fields);
    fill(fields, backend_section);
    return out;
  }

  /// The backends that are enabled, in the order given.
  std::vector<std::string> backends() const;
  /// What the operator should know at start: options without effect, where to move them, old names.
  const std::vector<std::string>& notes() const;
  /// The whole configuration as a file, each value that is not a default with its origin above it; secrets masked.
  std::string show() const;
  /// Which value of `key` ("name" or "section.name") is in force, where it comes from, and the ones it hides.
  Result<std::string> explain(std::string_view key) const;

  struct Change {
    std::string key;            // "[section] name"
    std::string before, after;  // secrets masked
    bool live = false;          // else it wants a restart
  };
  struct Reloaded;
  /// Reads all sources again. This configuration stays as it is; refuses as load() does.
  Result<Reloaded> reload() const;

 private:
  friend Result<Config> load(const Catalogue& catalogue, const Sources& sources);
  explicit Config(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  void fill(Fields& fields, std::string_view backend_section) const;
  std::shared_ptr<const Snapshot> snapshot_;
};

struct Config::Reloaded {
  Config config;
  std::vector<Change> changes;
};

/// Reads and checks all sources. Refuses (invalid_input) with every problem found, one per line: unknown keys with a
/// suggestion, wrong values, unreadable files.
Result<Config> load(const Catalogue& catalogue, const Sources& sources);

}  // namespace scoria::config
