#pragma once
#include <string>
#include <string_view>

#include "operations/services.h"
#include "store/chores/chores.h"
#include "store/objects/objects.h"

namespace scoria::reconcile {

/// Every kind of finding there is.
inline constexpr std::string_view finding_kinds[] = {"object.foreign", "object.orphan", "object.misplaced", "object.undying", "object.damaged", "object.short",
                                                     "object.long", "object.missing", "attachment.stale", "export.unknown"};

struct InventoryOptions {
  Duration period = std::chrono::minutes{10};  // between the ends of two looks through a backend
  Duration pause = std::chrono::seconds{1};    // between two pages
  Duration grace = std::chrono::hours{1};      // how long something is only told before anything is done about it
  std::size_t page = 100;                      // names
};

/// Compares what a backend holds with the ledger and the resources, for ever, a page at a time, on one node per backend.
/// A listing only nominates (it may be old or partial): each verdict is a probe, of a row that did not change meanwhile.
/// What differs is a finding (store/findings); what is done about it, and when nothing is, stands in
/// docs/explanation/reconciler.md.
class Inventory {
 public:
  Inventory(operations::Services& services, InventoryOptions options) : services_(services), options_(options) {}
  /// Looks at the next page, if that is due and no other node's turn. True: it was.
  bool turn(operations::Backend& backend);

 private:
  struct Page;
  store::chores::Next look(operations::Backend& backend, const std::string& progress);
  void compare(operations::Backend& backend, const Page& page);
  void unknown(operations::Backend& backend, const Page& page, const std::string& name);
  void known(operations::Backend& backend, const Page& page, const store::objects::Listed& object);
  void present(operations::Backend& backend, const Page& page, const store::objects::Listed& object, const drivers::Probe& probe);
  void missing(operations::Backend& backend, const Page& page, const store::objects::Listed& object);
  void give_up(operations::Backend& backend, const store::objects::Listed& object);
  void tell(operations::Backend& backend, const Page& page, std::string_view kind, const std::string& name, const std::string& text);
  bool older(operations::Backend& backend, const Page& page, std::string_view kind, const std::string& name);
  void end(operations::Backend& backend);
  drivers::Call call() const;

  operations::Services& services_;
  const InventoryOptions options_;
};

}  // namespace scoria::reconcile
