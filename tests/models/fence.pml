/* Leases without a leader: every node beats, every node fences whose lease ran out, by the database's clock only. Time
 * runs in rounds: each round every running node that reaches the database beats and sweeps, in any order. Faults: the
 * database stalls (nobody's beat arrives, leases run out, nodes come back up to two rounds apart), two of three nodes are
 * cut off at once, a node crashes. The mass-fence guard: who fences must have its own last three beats on time; and when
 * more than half of the members look dead, only leases that ran out a whole lease ago count, and so for the three
 * beats after it saw that (else the first of them to return makes the others look like a minority).
 *
 * search: just
 * search: found fair
 * search: just BUG=1     no guard: after a stall the first to return fences the others
 * search: just BUG=2     one beat on time is held to be enough
 * search: just BUG=3     no care when most look dead: a short cut of two of three fences both
 * search: just BUG=4     that care ends as soon as fewer than half look dead
 * search: found fair BUG=5     a node that met one late beat never fences again
 */
#include "bug.h"
#define NODES 3
#define LEASE 4
#define STALL 6        /* rounds, at most */
#define CUT 6          /* rounds, at most, of the cut that must not fence: longer than one lease, shorter than two */

byte lease[NODES], over[NODES];       /* rounds left; rounds since it ran out */
byte on_time[NODES], late[NODES];     /* beats on time, up to 3; rounds until it is back after a stall */
bool up[NODES], fenced[NODES], acted[NODES], cut[NODES], blamed[NODES];
byte stall, cut_left, stalls = 1, cuts = 1, crashes = 1;
byte in_round;                        /* nodes that still act in this round */
byte suspicion[NODES];                /* sweeps during which it trusts short absences no more */
bool unjust;

#define reaches(n) (up[n] && !fenced[n] && stall == 0 && !cut[n] && late[n] == 0)
#define dead(n) (lease[n] == 0 && !fenced[n])
#define looks_dead ((dead(0) -> 1 : 0) + (dead(1) -> 1 : 0) + (dead(2) -> 1 : 0))
#define members ((fenced[0] -> 0 : 1) + (fenced[1] -> 0 : 1) + (fenced[2] -> 0 : 1))

inline fence_one(m) {
  if
  :: dead(m) && (suspicion[me] == 0 || over[m] >= LEASE || BUG(3)) ->
       fenced[m] = true;
       if :: up[m] -> unjust = true :: else fi       /* every outage here is shorter than the guards forgive */
  :: else
  fi
}

proctype node(byte me) {
  end: do
  :: atomic { in_round > 0 && !acted[me] ->
       acted[me] = true; in_round--;
       if
       :: reaches(me) ->
          if
          :: lease[me] > 0 -> if :: on_time[me] < 3 -> on_time[me]++ :: else fi
          :: else -> on_time[me] = 0; blamed[me] = true
          fi;
          lease[me] = LEASE; over[me] = 0;
          if
          :: looks_dead * 2 > members -> suspicion[me] = 3
          :: else -> if :: BUG(4) -> suspicion[me] = 0 :: suspicion[me] > 0 && !BUG(4) -> suspicion[me]-- :: else fi
          fi;
          if
          :: (on_time[me] >= 3 || BUG(1) || BUG(3) || (BUG(2) && on_time[me] >= 1)) && !(BUG(5) && blamed[me]) ->
               fence_one(0); fence_one(1); fence_one(2)
          :: else
          fi
       :: else -> on_time[me] = 0; suspicion[me] = 0
       fi }
  od
}

inline tick(n) {
  acted[n] = false;
  if :: late[n] > 0 && stall == 0 -> late[n]-- :: else fi;
  if :: lease[n] > 0 -> lease[n]-- :: lease[n] == 0 && over[n] < LEASE -> over[n]++ :: else fi
}
proctype time() {
  do
  :: atomic { in_round == 0 ->
       if :: stall > 0 -> stall-- :: else fi;
       if :: cut_left > 0 -> cut_left--; if :: cut_left == 0 -> cut[1] = false; cut[2] = false :: else fi :: else fi;
       tick(0); tick(1); tick(2);
       if
       :: stalls > 0 && cut_left == 0 -> stalls--;
            if :: stall = 2 :: stall = LEASE :: stall = STALL fi;
            if :: late[0] = 0 :: late[0] = 2 fi; if :: late[1] = 0 :: late[1] = 1 fi; if :: late[2] = 0 :: late[2] = 2 fi
       :: cuts > 0 && crashes == 1 && lease[0] == LEASE - 1 && lease[1] == LEASE - 1 && lease[2] == LEASE - 1 ->
            cuts--; cut_left = CUT; cut[1] = true; cut[2] = true
       :: crashes > 0 && stall == 0 && cut_left == 0 -> crashes--; if :: up[0] = false :: up[2] = false fi
       :: skip
       fi;
       in_round = NODES }
  od
}
init { atomic { read_bug(); byte n = 0;
  do :: n < NODES -> up[n] = true; lease[n] = LEASE; on_time[n] = 3; run node(n); n++ :: else -> break od;
  run time() } }

ltl just { [] !unjust }
ltl found { <> [] ((up[0] || fenced[0]) && (up[2] || fenced[2])) }
