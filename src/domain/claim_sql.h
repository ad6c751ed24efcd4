#pragma once

/// Claims stand in the resource row, so taking one is the same single-row compare-and-set as the state change that goes
/// with it. A table whose rows can be claimed has x_op, x_mode, next_op, s_ops and rev; these are the only ways to
/// change them. The counting of readers stands in engine/claims.h.

/// SET: takes X or L; parameters: operation id, mode.
#define SCORIA_TAKE_CLAIM "x_op = ?, x_mode = ?, rev = rev + 1"
/// WHERE: nobody holds X or L.
#define SCORIA_UNCLAIMED "x_op IS NULL"
/// SET: gives X or L back, or hands it to the operation that waits for it. With `x_op = ?` in the WHERE.
#define SCORIA_GIVE_CLAIM_BACK \
  "x_op = next_op, x_mode = CASE WHEN next_op IS NULL THEN NULL ELSE 'X' END, next_op = NULL, rev = rev + 1"
/// WHERE: S may be taken, nobody holds X or is promised it.
#define SCORIA_READABLE "(x_op IS NULL OR (x_mode = 'L' AND next_op IS NULL))"
/// SET: who gets X when its holder ends; parameter: operation id. Only deletions wait so: the row is `deleting` from the
/// commit that hands it over.
#define SCORIA_PROMISE_CLAIM "next_op = ?, rev = rev + 1"
