#pragma once
#include <set>
#include <string>

#include "operations/services.h"

namespace scoria::reconcile {

/// Brings the exports of this node up to date with the limits of their volumes' types: all of them after a change of
/// limits anywhere, each until it is done. Exports that are made take the limits of that moment.
class Limits {
 public:
  explicit Limits(operations::Services& services);
  void turn();

 private:
  bool apply(const std::string& attachment_id);

  operations::Services& services_;
  std::int64_t seen_;
  std::set<std::string> pending_;
};

}  // namespace scoria::reconcile
