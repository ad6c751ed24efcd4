/* Doom before destroy (storage rules R1 to R4): an operation creates an object, perhaps a user deletes it, a reaper
 * collects what is left. No clocks, no fencing by the storage: any process may pause for ever between two statements.
 *  R1 a destructive storage call is made only on an object already doomed in the database, by an epoch-guarded update
 *  R2 a doomed name is never used again: the next attempt takes a new one
 *  R3 a new owner continues with its predecessor's object, if that is not doomed
 *  R4 create is idempotent by name
 *
 * search: safe
 * search: reaped fair
 * search: safe BUG=1     R1 broken: an attempt that met an error removes its object without dooming it
 * search: safe BUG=2     R2 broken: the doomed name is used again
 * search: safe BUG=3     the publish is not guarded by the epoch
 * search: reaped fair BUG=4     the reaper looks once: what a ghost makes late under a doomed name stays
 */
#include "bug.h"
#define WORKERS 3
#define EPOCHS 4
#define NAMES 3

mtype = { QUEUED, CLAIMED, DONE, DELETE_QUEUED, DELETING, GONE };
mtype state = QUEUED;
byte epoch, current, published, names;
bool object[NAMES + 1], doomed[NAMES + 1];

proctype worker() {
  byte me, n;
  do
  :: atomic { (state == QUEUED || state == CLAIMED) && epoch < EPOCHS ->      /* claim, or takeover at any time */
       epoch++; me = epoch; state = CLAIMED;
       if
       :: current != 0 && !doomed[current] -> n = current
       :: (current == 0 || doomed[current]) && names < NAMES -> names++; current = names; n = current
       :: (current == 0 || doomed[current]) && names == NAMES -> n = 0       /* the model's end of names */
       fi }
     if :: n == 0 -> break :: else fi;
     if :: break :: skip fi;                                                   /* crash */
     object[n] = true;                                                         /* created, any time later */
     if
     :: break                                                                  /* crash after the effect */
     :: atomic { if :: (epoch == me || BUG(3)) && state == CLAIMED -> published = n; state = DONE :: else fi }
     :: skip ->                                                                /* an error: the attempt is given up */
        if
        :: BUG(1) ->
             if :: epoch == me -> object[n] = false :: else fi;
             atomic { if :: epoch == me && state == CLAIMED -> state = QUEUED :: else fi }
        :: BUG(2) -> atomic { if :: epoch == me && state == CLAIMED -> doomed[n] = true; current = 0; names--; state = QUEUED :: else fi }
        :: else -> atomic { if :: epoch == me && state == CLAIMED -> doomed[n] = true; state = QUEUED :: else fi }
        fi
     fi
  :: atomic { (state == DELETE_QUEUED || state == DELETING) && epoch < EPOCHS ->
       epoch++; me = epoch; state = DELETING; n = published; doomed[n] = true }
     if :: break :: skip fi;
     object[n] = false;
     if :: break :: skip fi;
     atomic { if :: epoch == me && state == DELETING -> state = GONE; published = 0 :: else fi }
  :: epoch >= EPOCHS -> break
  od
}

proctype user() { if :: atomic { state == DONE -> state = DELETE_QUEUED } :: skip fi }

proctype reaper() {                     /* decides and acts in separate steps: it acts late */
  byte i;
  bool seen_gone[NAMES + 1];            /* BUG 4 only */
  do
  :: i = 1;
     do
     :: i <= NAMES ->
        if
        :: object[i] && doomed[i] && !seen_gone[i] -> object[i] = false
        :: !object[i] && doomed[i] && BUG(4) -> seen_gone[i] = true
        :: else
        fi;
        i++
     :: else -> break
     od;
     i = 0
  od
}

init { atomic { read_bug(); byte k = 0; do :: k < WORKERS -> run worker(); k++ :: else -> break od; run user(); run reaper() } }

#define kept (state != DONE || (object[published] && !doomed[published]))
#define leaked(i) (object[i] && (state == DONE || state == GONE) && (state == GONE || published != i))
ltl safe { [] kept }
ltl reaped { <> [] !(leaked(1) || leaked(2) || leaked(3)) }
