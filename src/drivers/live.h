#pragma once
#include "drivers/driver.h"

namespace scoria::drivers {

/// What a driver asks of whoever serves a volume's bytes right now (exports), when it moves a volume in use from one
/// file to another. Keyed by Location::path. Each answers false when nobody on this machine has `from` open for writing:
/// nothing was done, the driver goes on alone. Idempotent: already at `to` is true. The driver has made `to` durable as
/// the volume's place (locate() answers it) before it calls redirect(), so a crash in between is mended by the next
/// ensure() of the export or the next call of the driver, whichever comes first.
class LiveUse {
 public:
  virtual ~LiveUse() = default;

  /// Can whoever uses `at`, if anybody, follow it to an overlay? Permanent when not: the message names who, and the way out.
  virtual DriverResult<> movable(const Location& at) = 0;

  /// `to` is an empty qcow2 overlay whose base is `from`. After true every write goes to `to`, `from` is flushed and
  /// never written again; clients notice nothing. `busy` when a protocol in use cannot do it, or its clients were let in
  /// without Location::write_through: the message says which.
  virtual DriverResult<bool> redirect(const Call& call, const Location& from, const Location& to) = 0;

  /// Is `at` attached here for use, even if its daemon is just being started again?
  virtual bool serves(const Location& at) = 0;

  /// What `at`, a qcow2 overlay, hangs on has been replaced on disk, in its place, by `base`, which holds the same bytes: who
  /// has `at` open opens the new one and lets go of the old. Nobody has it open: success.
  virtual DriverResult<> rebase(const Call& call, const Location& at, const Location& base) = 0;

  /// Grows the open image to `size` (a multiple of 512). How clients see it is Exporter::grow's business.
  virtual DriverResult<bool> resize(const Call& call, const Location& at, Bytes size) = 0;
};

}  // namespace scoria::drivers
