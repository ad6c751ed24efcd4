/* Exports that move: two machines, one portal, one image, a client that writes 1, 2, 3 … one after the other and sends again what was
 * not acknowledged when its connection breaks. A machine may stop as a whole at any moment (keeper and daemon too), its node alone
 * may stop, and both go on at any moment or never. A lease that runs out takes the leash along: the keeper kills what serves, when it
 * runs. Whoever has the portal opens the image only when nobody has it open.
 *
 * search: safe
 * search: back fair
 * search: safe BUG=1     the image is opened though the other machine's daemon has it
 * search: safe BUG=2     a machine that comes back makes its leash longer without dropping what it served, and nobody looks at the image
 * search: back fair BUG=3     no keeper: a node that is stopped for ever leaves its daemon with the image
 * search: safe BUG=4     the look at the image and its opening are two moments
 */
#include "bug.h"
#define LAST 3
#define NOBODY 2
#define other(m) (1 - m)

bool lease[2], leash[2], daemon[2], frozen[2], stopped[2], looked[2];
byte generation[2], known[2];    /* as the row says; as the node believes */
byte holder = NOBODY, freed;     /* of the portal; how often it has moved */
byte pending[2];                 /* a write inside a daemon */
byte at = NOBODY;                /* where the client is connected */
byte writing = 1, acknowledged, disk;
byte stops = 2;                  /* how often something still stops */
bool late, doubled;

#define runs(m) (!frozen[m])
#define node_runs(m) (!frozen[m] && !stopped[m])

inline open_image(m) {
  daemon[m] = true; pending[m] = 0;
  if :: daemon[other(m)] -> doubled = true :: else fi
}

proctype node(byte me) {
  end: do
  :: atomic { node_runs(me) && known[me] == generation[me] && !(lease[me] && leash[me]) -> lease[me] = true; leash[me] = true }
  :: atomic { node_runs(me) && known[me] != generation[me] ->        /* declared dead: first everything goes */
       if :: !BUG(2) -> daemon[me] = false; pending[me] = 0; looked[me] = false :: else fi;
       known[me] = generation[me] }
  :: atomic { node_runs(me) && lease[me] && holder == other(me) && !lease[other(me)] && freed < 3 ->
       generation[other(me)]++; holder = NOBODY; freed++ }
  :: atomic { node_runs(me) && lease[me] && holder == NOBODY -> holder = me }
  :: atomic { node_runs(me) && leash[me] && holder == me && known[me] == generation[me] && !daemon[me] && !BUG(4) &&
              (!daemon[other(me)] || BUG(1) || BUG(2)) -> open_image(me) }
  :: atomic { node_runs(me) && BUG(4) && leash[me] && holder == me && !daemon[me] && !daemon[other(me)] && !looked[me] -> looked[me] = true }
  :: atomic { node_runs(me) && looked[me] && !daemon[me] -> looked[me] = false; open_image(me) }
  od
}

proctype keeper(byte me) {
  end: do
  :: atomic { runs(me) && !leash[me] && daemon[me] && !BUG(3) -> daemon[me] = false; pending[me] = 0 }
  od
}

/* What a daemon has taken it writes, however long it slept. */
proctype serve(byte me) {
  end: do
  :: atomic { runs(me) && daemon[me] && pending[me] > 0 ->
       if :: pending[me] < acknowledged -> late = true :: else fi;
       disk = pending[me];
       if :: at == me && writing == pending[me] -> acknowledged = writing; if :: writing < LAST -> writing++ :: else -> writing = 1 + LAST fi :: else fi;
       pending[me] = 0 }
  od
}

proctype client() {
  end: do
  :: atomic { writing <= LAST && at != NOBODY && daemon[at] && pending[at] == 0 && pending[at] != writing -> pending[at] = writing }
  :: atomic { at == NOBODY && holder != NOBODY && daemon[holder] -> at = holder }
  :: atomic { at != NOBODY && (!daemon[at] || holder == other(at)) -> at = NOBODY }   /* the connection is gone, or nobody answers there */
  od
}

/* May leave things as they are, for ever. */
proctype trouble() {
  do
  :: break
  :: atomic { stops > 0 -> stops--; if :: frozen[0] = true :: frozen[1] = true :: stopped[0] = true :: stopped[1] = true fi }
  :: atomic { frozen[0] -> frozen[0] = false }
  :: atomic { frozen[1] -> frozen[1] = false }
  :: atomic { stopped[0] && !frozen[0] -> stopped[0] = false }
  :: atomic { stopped[1] && !frozen[1] -> stopped[1] = false }
  od
}

proctype time() {
  end: do
  :: atomic { !node_runs(0) && lease[0] -> lease[0] = false; leash[0] = false }
  :: atomic { !node_runs(1) && lease[1] -> lease[1] = false; leash[1] = false }
  od
}

init {
  read_bug();
  atomic { run node(0); run node(1); run keeper(0); run keeper(1); run serve(0); run serve(1); run client(); run trouble(); run time() }
}

/* No write of an old daemon lands after a later one was acknowledged, what was acknowledged is there, one program has the image open. */
ltl safe { [] (!late && !doubled && (disk >= acknowledged)) }
/* While one machine runs and no machine is stopped as a whole, somebody serves in the end. */
ltl back { ([] (!frozen[0] && !frozen[1] && !(stopped[0] && stopped[1]))) -> <> (writing > LAST || freed == 3) }
