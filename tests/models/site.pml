/* A change of site: backend_state.gen rises while creates run. Each claim copies the generation under a shared lock on
 * that row; the commit that raises it takes every running operation from its owner (epoch + 1) and only afterwards are
 * the volumes listed and moved. A volume created on the old site must never be published behind the list's back.
 *
 * search: safe
 * search: ends fair
 * search: safe BUG=1     the generation is read before the claim, without the lock
 * search: safe BUG=2     running operations keep their owners
 * search: safe BUG=3     the volumes are listed before the commit that raises the generation
 * search: safe BUG=4     step commits are not guarded by the epoch
 */
#include "bug.h"
#define WORKERS 2
#define OPS 2
#define CHANGES 2
#define MISHAPS 1

mtype = { READY, RUNNING, DONE };
mtype op[OPS] = READY;
byte epoch[OPS], op_gen[OPS], site[OPS];
byte gen, locks, moved;                /* moved: the last generation whose move is complete */
bool wanted, orphan[OPS];              /* the failover waits for the row; an operation's owner is dead */
byte mishaps;                          /* crashes, and takeovers from the living */

#define claimable(o) (op[o] == READY || (op[o] == RUNNING && (orphan[o] || mishaps < MISHAPS)))

proctype worker() {
  byte o, me, g;
  end: do
  :: if :: claimable(0) -> o = 0 :: claimable(1) -> o = 1 :: op[0] == DONE && op[1] == DONE -> break fi;
     if
     :: BUG(1) -> g = gen
     :: else -> atomic { !wanted -> locks++; g = gen }                   /* SELECT gen FOR SHARE: queues behind a writer */
     fi;
     atomic {
       if
       :: claimable(o) ->
            if :: op[o] == RUNNING && !orphan[o] -> mishaps++ :: else fi;
            epoch[o]++; me = epoch[o]; op[o] = RUNNING; op_gen[o] = g; orphan[o] = false
       :: else -> me = 0
       fi;
       if :: BUG(1) :: else -> locks-- fi }
     if
     :: me != 0 ->
        if
        :: atomic { mishaps < MISHAPS -> mishaps++; if :: epoch[o] == me -> orphan[o] = true :: else fi; me = 0 }  /* crash */
        :: skip
        fi;
        atomic {                                                         /* created on the site of g; publish */
          if
          :: me != 0 && (epoch[o] == me || BUG(4)) && op[o] == RUNNING -> op[o] = DONE; site[o] = g
          :: else
          fi }
     :: else
     fi;
     me = 0; g = 0; o = 0
  od
}

inline move(o) { if :: op[o] == DONE && site[o] < target -> site[o] = target :: else fi }
proctype failover() {
  byte target;
  do
  :: gen < CHANGES ->
     target = gen + 1;
     if :: BUG(3) -> move(0); move(1) :: else fi;
     wanted = true;
     atomic { (locks == 0 || BUG(1)) -> gen = target; wanted = false;
       if
       :: BUG(2) -> skip
       :: else ->
          if :: op[0] == RUNNING -> op[0] = READY; epoch[0]++; orphan[0] = false :: else fi;
          if :: op[1] == RUNNING -> op[1] = READY; epoch[1]++; orphan[1] = false :: else fi
       fi }
     if :: BUG(3) -> skip :: else -> move(0); move(1) fi;
     moved = target
  :: else -> break
  od
}
init { atomic { read_bug(); byte k = 0; do :: k < WORKERS -> run worker(); k++ :: else -> break od; run failover() } }

#define current(o) ((op[o] != RUNNING || op_gen[o] == gen) && (op[o] != DONE || site[o] >= moved))
ltl safe { [] (current(0) && current(1)) }
ltl ends { <> (op[0] == DONE && op[1] == DONE && moved == CHANGES) }
