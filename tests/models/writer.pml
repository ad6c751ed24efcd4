/* One writer (storage rule R5): what a paused data mover can do after its successor published. doom.pml knows only
 * whether an object exists, this one knows what is in it. A mover writes a source into an unpublished object; its
 * successor adopts the object for writing only when no other handle on it is open (its lock is free), else it dooms
 * the object and fills the next name; publishes; the user writes; then the old mover wakes up. A crash closes the
 * handle, a pause does not.
 *
 * search: safe
 * search: ends fair
 * search: safe BUG=1     the object is adopted whatever handle is open
 * search: safe BUG=2     the object is published before it is full
 */
#include "bug.h"
#define WORKERS 3
#define EPOCHS 4
#define NAMES 4

mtype = { READY, RUNNING, DONE };
mtype = { EMPTY, PART, FULL, USER };
mtype state = READY;
mtype data[NAMES + 1] = EMPTY;
byte epoch, current, published, names, finished;
byte handles[NAMES + 1];
bool doomed[NAMES + 1];
bool user_wrote;

proctype mover() {
  byte me, n;
  do
  :: atomic { state != DONE && epoch < EPOCHS ->                /* claim or takeover, at any time */
       epoch++; me = epoch; state = RUNNING;
       if
       :: current != 0 && (handles[current] == 0 || BUG(1)) -> n = current
       :: current != 0 && handles[current] != 0 && !BUG(1) -> doomed[current] = true; names++; current = names; n = current
       :: current == 0 -> names++; current = names; n = current
       fi;
       handles[n]++ }
     if :: atomic { handles[n]--; break } :: skip fi;           /* crash */
     data[n] = PART;                                            /* each write arbitrarily late */
     if :: atomic { handles[n]--; break } :: skip fi;
     if
     :: BUG(2) -> atomic { if :: epoch == me && state == RUNNING -> published = n; state = DONE :: else fi }
     :: else
     fi;
     data[n] = FULL;
     atomic { if :: epoch == me && state == RUNNING -> published = n; state = DONE :: else fi;
              handles[n]-- }
  :: state == DONE || epoch >= EPOCHS -> break
  od;
  finished++
}

proctype user() { state == DONE -> atomic { data[published] = USER; user_wrote = true } }
init { atomic { read_bug(); byte k = 0; do :: k < WORKERS -> run mover(); k++ :: else -> break od; run user() } }

#define whole (data[published] != EMPTY && data[published] != PART && !doomed[published])
ltl safe { [] ((state != DONE || whole) && (!user_wrote || data[published] == USER)) }
ltl ends { <> (finished == WORKERS) }
