/* Replacing nodes of release 1 by those of release 2. What is written is pinned to what release 1 can read until an operator
 * finalises: then the pin rises, release 2 writes its own form, old rows are converted (filled), and what release 1 alone wrote
 * would be lost. Node 0 and a latecomer, node 2 (somebody goes back), are of release 1, node 1 of release 2. Old nodes may be paused
 * in the middle of a transaction, crash, or drain, at any time; a fenced one that wakes up ends with its next beat.
 *  - joining looks at the pin and writes its row under one lock with finalising
 *  - only living rows count for the pin; one that was cut off counts until it has been silent for so long that the database
 *    server has ended what it had begun
 *  - who changes something first looks whether its own lease can still hold; that look and the begin of the transaction are one
 *    step here
 *
 * search: safe
 * search: ends fair
 * search: ends fair BUG=1     dead rows count: a forgotten one pins for ever (Cinder's hole H18)
 * search: safe BUG=2          joining is not ordered with finalising
 * search: safe BUG=3          finalising does not wait until who was cut off is silent
 * search: safe BUG=4          a node that wakes up writes before it looks at its lease
 * search: safe BUG=5          a draining node leaves before its last transaction
 * search: safe BUG=6          release 2 writes its own form before the pin allows it
 * search: safe BUG=7          rows that are late but not yet fenced count as dead
 */
#include "bug.h"
#define NODES 3
#define MISHAPS 3

mtype = { ABSENT, UP, FENCED, GONE };
mtype row[NODES] = ABSENT;
byte pin = 1, sees[NODES], mishaps;
bool lease[NODES], awake[NODES], open[NODES], silent[NODES];   /* open: a transaction; silent: cut off for long enough */
bool new_form, filled, lost;

#define release(n) (n == 1 -> 2 : 1)
#define living(n) (row[n] == UP && lease[n])
#define counts_as_new(n) (living(n) && release(n) == 2)
#define harmless(n) (row[n] == ABSENT || counts_as_new(n) || (!(BUG(1)) && (row[n] == GONE || (row[n] == FENCED && (silent[n] || BUG(3))) || (BUG(7) && row[n] == UP && !lease[n]))))

proctype node(byte me) {
  bool allowed;
  if
  :: atomic { !BUG(2) -> if :: release(me) >= pin -> row[me] = UP; lease[me] = true; awake[me] = true; sees[me] = pin :: else -> goto over fi }
  :: atomic { BUG(2) -> allowed = (release(me) >= pin) }
     atomic { if :: allowed -> row[me] = UP; lease[me] = true; awake[me] = true; sees[me] = pin :: else -> goto over fi }
  fi;
  do
  :: atomic { awake[me] && !open[me] && (row[me] == UP || row[me] == FENCED) && (lease[me] || BUG(4)) -> open[me] = true }
  :: atomic { awake[me] && open[me] -> open[me] = false;
       if :: release(me) == 2 && (sees[me] == 2 || BUG(6)) -> new_form = true :: else fi;
       if :: release(me) == 1 && filled -> lost = true :: else fi }
  :: atomic { awake[me] && sees[me] != pin -> sees[me] = pin }
  :: atomic { awake[me] && row[me] == UP && !lease[me] -> lease[me] = true }                       /* a beat in time */
  :: atomic { awake[me] && row[me] == FENCED -> awake[me] = false; open[me] = false; goto over }     /* a beat too late */
  :: atomic { release(me) == 1 && awake[me] && row[me] == UP && (!open[me] || BUG(5)) -> row[me] = GONE; if :: !open[me] -> goto over :: else fi }
  :: atomic { BUG(5) && awake[me] && row[me] == GONE && !open[me] -> goto over }
  :: atomic { release(me) == 1 && awake[me] && mishaps < MISHAPS -> mishaps++; awake[me] = false }   /* paused */
  :: atomic { !awake[me] && mishaps <= MISHAPS -> awake[me] = true }
  :: atomic { release(me) == 1 && awake[me] && mishaps < MISHAPS -> mishaps++; awake[me] = false; open[me] = false; goto over }   /* dead */
  od;
over: skip
}

proctype time(byte n) {
  end: do
  :: atomic { row[n] == UP && !awake[n] && lease[n] -> lease[n] = false }
  :: atomic { row[n] == UP && !awake[n] && !lease[n] -> row[n] = FENCED }
  :: atomic { row[n] == FENCED && !silent[n] -> silent[n] = true; open[n] = false }
  od
}

proctype operator() {
  end: do
  :: atomic { pin == 1 && living(1) && harmless(0) && harmless(1) && harmless(2) -> pin = 2 }
  :: atomic { pin == 2 && !filled -> filled = true }
  od
}

init { atomic { read_bug(); run node(0); run node(1); run node(2); run time(0); run time(1); run time(2); run operator() } }

#define blind(n) (new_form && living(n) && awake[n])
ltl safe { [] (!lost && !blind(0) && !blind(2)) }
ltl ends { <> [] (filled || living(0) || living(2)) }
