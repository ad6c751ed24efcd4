/* Claims on one resource, in its own row: S (a clone reads it), L (an attach), X (a delete that waits for the readers),
 * next_op (a force delete that takes over from the attach it cancels), and cancel against publish. Every operation may
 * be taken over at any time (a pause) or after its owner's crash; the ghost goes on. MISHAPS bounds both, so that the
 * searches for liveness end.
 *  - the ending commit of an operation, whatever the end, gives back its claims, wakes who waited, hands x_op to next_op
 *  - a delete dooms only in a commit that sees no reader; a doomed object goes when its last child has gone (R6)
 *  - every step commit carries epoch and cancel_req: either the publish wins, or the cancel
 *
 * search: safe
 * search: ends
 * search: safe BUG=1          a cancelled reader does not give S back
 * search: ends BUG=1     ... and the delete waits for ever
 * search: safe BUG=2          the delete dooms while there are readers
 * search: safe BUG=3          the ending commit is not guarded by the epoch
 * search: safe BUG=4          next_op gets the resource in a second transaction: another attach slips between
 * search: safe BUG=5          the publish does not look at cancel_req
 * search: safe BUG=6          an operation is claimed without looking at its state
 * search: safe BUG=7          a doomed object is destroyed while a child hangs on it
 * search: ends BUG=8     the last reader does not wake the waiting delete
 * search: safe BUG=9          an attach is accepted without looking at x_op
 */
#include "bug.h"
#define WORKERS 2
#ifndef MISHAPS
#define MISHAPS 2
#endif

#define NOBODY 0
#define CLONE 1
#define ATTACH 2
#define REMOVE 3
#define OTHER 4        /* a second attach */

mtype = { NONE, READY, WAITING, RUNNING, SUCCEEDED, CANCELLED };
mtype = { AVAILABLE, ATTACHING, IN_USE, DELETING, DELETED };
mtype op[5] = NONE;
byte epoch[5];
bool cancel[5], orphan[5];                   /* orphan: its owner is dead */
mtype status = AVAILABLE;
byte x_op, next_op, s_ops;
bool x_is_l, object = true, doomed, child, cancel_accepted, force_accepted, handing;
byte mishaps, decided;                       /* decided: users who made up their mind */
bool broken;                                 /* a check inside an atomic step failed */

#define is_live(o) (op[o] == READY || op[o] == WAITING || op[o] == RUNNING)

inline wake_delete() {
  if :: s_ops == 0 && op[REMOVE] == WAITING && x_op == REMOVE && !BUG(8) -> op[REMOVE] = READY :: else fi
}
inline take_for_delete() {
  x_op = REMOVE; x_is_l = false; status = DELETING; next_op = NOBODY;
  if :: s_ops > 0 && !BUG(2) -> op[REMOVE] = WAITING :: else -> op[REMOVE] = READY fi
}
inline end_clone(how) {
  op[CLONE] = how;
  if :: how == CANCELLED && BUG(1) -> skip
     :: else -> if :: s_ops == 0 -> broken = true :: else -> s_ops-- fi
  fi;
  wake_delete()
}
inline end_attach(o, how, rest) {
  op[o] = how; x_op = NOBODY; status = rest;
  if :: next_op != NOBODY && !BUG(4) -> take_for_delete() :: next_op != NOBODY && BUG(4) -> handing = true :: else fi
}

inline accept_attach(o) {
  atomic {
    if
    :: op[o] == NONE && ((x_op == NOBODY && status == AVAILABLE) || (BUG(9) && status != DELETED)) ->
         x_op = o; x_is_l = true; status = ATTACHING; op[o] = READY;
         if :: force_accepted -> broken = true :: else fi         /* nothing slips in front of an accepted force delete */
    :: else
    fi }
}

/* One command each, at any time, or never. */
proctype clone_user() {
  if
  :: atomic { x_op == NOBODY || x_is_l -> if :: status != DELETED -> s_ops++; op[CLONE] = READY :: else fi }
     if
     :: atomic { is_live(CLONE) -> cancel[CLONE] = true; cancel_accepted = true;
                 if :: op[CLONE] == READY -> end_clone(CANCELLED) :: else fi }   /* nothing done yet: at once */
     :: skip
     fi
  :: skip
  fi;
  decided++
}
proctype attach_user() { if :: accept_attach(ATTACH) :: skip fi; if :: accept_attach(OTHER) :: skip fi; decided++ }
proctype delete_user() {
  if
  :: atomic { x_op == NOBODY && status == AVAILABLE -> take_for_delete() }
  :: atomic { x_op != NOBODY && x_is_l ->                          /* force: cancel, and be the next */
       cancel[x_op] = true; next_op = REMOVE; op[REMOVE] = WAITING; force_accepted = true;
       if
       :: op[x_op] == READY -> if :: x_op == ATTACH -> end_attach(ATTACH, CANCELLED, AVAILABLE)
                                  :: else -> end_attach(OTHER, CANCELLED, AVAILABLE) fi
       :: else
       fi }
  :: skip
  fi;
  decided++
}
proctype hander() { end: do :: atomic { handing && x_op == NOBODY -> handing = false; take_for_delete() } od }  /* BUG 4 only */

inline claim(o) {
  epoch[o]++; me = epoch[o]; op[o] = RUNNING; orphan[o] = false; mine = o
}
#define claimable(o) (op[o] == READY || (op[o] == RUNNING && (orphan[o] || mishaps < MISHAPS)))
inline count_takeover(o) { if :: op[o] == RUNNING && !orphan[o] -> mishaps++ :: else fi }
#define guarded(o) ((epoch[o] == me || BUG(3)) && (op[o] == RUNNING || BUG(3)))

inline crash_perhaps() {
  if
  :: atomic { mishaps < MISHAPS -> mishaps++; if :: epoch[mine] == me -> orphan[mine] = true :: else fi; goto next }
  :: skip
  fi
}

proctype worker() {
  byte me, mine; bool seen;
  end: do
  :: atomic { claimable(CLONE) -> count_takeover(CLONE); claim(CLONE) }
     crash_perhaps();
     seen = object;                                                /* reads the source */
     crash_perhaps();
     atomic {
       if
       :: guarded(CLONE) && (!cancel[CLONE] || BUG(5)) ->
            if :: !seen || cancel[CLONE] -> broken = true :: else fi;
            child = true; end_clone(SUCCEEDED)
       :: guarded(CLONE) && cancel[CLONE] && !BUG(5) -> end_clone(CANCELLED)
       :: else
       fi;
       goto next }
  :: atomic { claimable(ATTACH) -> count_takeover(ATTACH); claim(ATTACH) }
     crash_perhaps();
     atomic {
       if
       :: guarded(ATTACH) && !cancel[ATTACH] -> end_attach(ATTACH, SUCCEEDED, IN_USE)
       :: guarded(ATTACH) && cancel[ATTACH] -> end_attach(ATTACH, CANCELLED, AVAILABLE)
       :: else
       fi;
       goto next }
  :: atomic { claimable(OTHER) -> count_takeover(OTHER); claim(OTHER) }
     atomic {
       if
       :: guarded(OTHER) && !cancel[OTHER] -> end_attach(OTHER, SUCCEEDED, IN_USE)
       :: guarded(OTHER) && cancel[OTHER] -> end_attach(OTHER, CANCELLED, AVAILABLE)
       :: else
       fi;
       goto next }
  :: atomic { claimable(REMOVE) -> count_takeover(REMOVE); claim(REMOVE) }
     crash_perhaps();
     atomic { if :: guarded(REMOVE) && (s_ops == 0 || BUG(2)) -> doomed = true :: else -> goto next fi }
     crash_perhaps();
     if :: !child || BUG(7) -> object = false :: else fi;          /* with a child it stays doomed, for the reaper */
     crash_perhaps();
     atomic { if :: guarded(REMOVE) -> op[REMOVE] = SUCCEEDED; status = DELETED; x_op = NOBODY :: else fi; goto next }
  :: atomic { BUG(6) && (op[CLONE] == SUCCEEDED || op[CLONE] == CANCELLED) && epoch[CLONE] < 3 -> claim(CLONE) }
     atomic { if :: guarded(CLONE) -> end_clone(SUCCEEDED) :: else fi; goto next }
next: me = 0; mine = 0; seen = false
  od
}
proctype reaper() {
  end: do
  :: atomic { child && doomed -> child = false }                   /* the clone is flattened, or deleted */
  :: atomic { object && doomed && !child -> object = false }
  od
}

init { atomic { read_bug(); byte k = 0; do :: k < WORKERS -> run worker(); k++ :: else -> break od;
                run clone_user(); run attach_user(); run delete_user(); run reaper(); run hander() } }

#define counted ((s_ops == 1 && is_live(CLONE)) || (s_ops == 0 && !is_live(CLONE)))
#define owned ((x_op != NOBODY && is_live(x_op)) == (status == ATTACHING || status == DELETING) || handing)
#define cancels (!(cancel_accepted && op[CLONE] == SUCCEEDED))
#define based (!child || object)
#define all_ended (!is_live(CLONE) && !is_live(ATTACH) && !is_live(OTHER) && !is_live(REMOVE))
ltl safe { [] (!broken && counted && owned && cancels && based) }
ltl ends { <> [] (all_ended && (!doomed || !object)) }
