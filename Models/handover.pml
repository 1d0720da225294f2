/* Who works on one set: leases, two phases, terms and succession (X12, X17, X18, X19), small enough to be searched whole.
 *
 * Units act whenever they like, or never again: standing still is not acting. Their clocks go alike. A message is lost,
 * late or doubled, and overtakes others. Every unit hears every other one's workers, so a deputy knows when the master's
 * lease is over; whether its own messages arrive is another question. What a unit does without a lease is nothing.
 *
 * Each rule can be left out, by -D and its name; tools/model looks that this is found. */
#define UNITS 3
#define END 4                     /* moments; the first is 1 */
#define MOST 3                    /* changes of one master's table */
#define MAIL 2                    /* messages on their way at once */
#define LEASE 1                   /* of a member: so many moments after the one in which it asked */
#define OFFICE 1                  /* of a master: so many after the one in which he acted last */
#define NOBODY UNITS
#define UNKNOWN (UNITS + 1)

/* A term is its master's: 1 is unit 0's, 2 unit 1's, and so on round. */
#define leader(T) ((T - 1) % UNITS)
#define CELL(M, U) [(M) * UNITS + (U)]

mtype = { ask, renewal, start, stop, stopped };
/* Whose it is, the term, the moment of the question, the table; or of a question whether the set runs there. */
chan wire = [MAIL] of { mtype, byte, byte, byte, byte };

byte now = 1;
byte u, t, m, v, i;               /* of the step under way alone; 0 in between */

/* A member. */
bool runs[UNITS];                 /* the set has begun here, and has not ended */
byte lease[UNITS];                /* may work up to this moment; 0 is none */
byte term[UNITS];
byte table[UNITS];                /* that it goes by, and as a master has made */
byte known[UNITS];                /* the newest that it has heard of */

/* A master; all of it is 0 for who is none. */
bool master[UNITS];
byte owner[UNITS];
bool moving[UNITS];               /* the owner has been told to stop */
byte granted[UNITS * UNITS];      /* its lease has surely ended after that; 0 is no member */
bool reported[UNITS * UNITS];     /* what it runs, in this term */

#ifdef NOFENCE
#define works(U) (runs[U])
#else
#define works(U) (runs[U] && lease[U] >= now)
#endif

/* No room is as good as lost; the same twice is the same. Sorted, since order means nothing. */
inline send(KIND, U, T, M, V) {
  if
  :: full(wire)
  :: nfull(wire) && wire??[KIND, eval(U), eval(T), eval(M), eval(V)]
  :: nfull(wire) && !(wire??[KIND, eval(U), eval(T), eval(M), eval(V)]) -> wire!!KIND, U, T, M, V
  fi
}

/* Out of the wire, or once more later. */
inline take(KIND) {
  if
  :: wire??KIND, u, t, m, v
  :: wire??<KIND, u, t, m, v>
  fi
}

inline leave_office() {
  master[me] = false; owner[me] = 0; moving[me] = false;
  i = 0;
  do
  :: i < UNITS -> granted CELL(me, i) = 0; reported CELL(me, i) = false; i++
  :: else -> break
  od;
  i = 0
}

/* A later term counts. What runs goes on, under a lease of the new master's; whoever led has to end it first. */
inline follow(T) {
  if
  :: T > term[me] ->
    if
    :: master[me] -> leave_office(); lease[me] = 0; runs[me] = false
    :: else
    fi;
    term[me] = T; table[me] = 0; known[me] = 0
  :: else
  fi
}

/* The next term. For all that the new master knows, the old one has prolonged everybody's lease right before his end. */
inline lead() {
  i = 0;
  do
  :: i < UNITS ->
    if
    :: i != me && i != leader(term[me]) -> granted CELL(me, i) = now + LEASE
    :: else
    fi;
    i++
  :: else -> break
  od;
  i = 0;
  term[me]++; table[me] = 0; known[me] = 0;
  master[me] = true; lease[me] = now + OFFICE;
  owner[me] = (runs[me] -> me : UNKNOWN)
}

/* Nobody has the set, when all who may have it have said that they do not, or have lost their leases. */
inline settle() {
  if
  :: owner[me] == UNKNOWN ->
    i = 0;
    do
    :: i < UNITS && (granted CELL(me, i) == 0 || reported CELL(me, i)) -> i++
    :: else -> break
    od;
    if
#ifdef NOCOLLECT
    :: true -> owner[me] = NOBODY
#else
    :: i == UNITS -> owner[me] = NOBODY
#endif
    :: else
    fi;
    i = 0
  :: else
  fi
}

inline give(U) {
  owner[me] = U; moving[me] = false; table[me]++;
  if
  :: U == me -> runs[me] = true
  :: else -> send(start, U, term[me], 0, table[me])
  fi
}

#define inOffice (master[me] && lease[me] >= now)
#define done u = 0; t = 0; m = 0; v = 0

proctype unit(byte me) {
  do
  /* A member asks; whoever is master answers. */
  :: atomic { !master[me] && now < END -> send(ask, me, term[me], now, runs[me]) }
  :: atomic { inOffice && wire??[ask, _, _, _, _] -> take(ask);
       if
       /* A member; or nothing runs there, and it becomes one. */
       :: u != me && t <= term[me] && (granted CELL(me, u) > 0 || !v) ->
         granted CELL(me, u) = now + LEASE;
         if
         :: t == term[me] ->
           reported CELL(me, u) = true;
           if
           :: owner[me] == UNKNOWN && v -> owner[me] = u
           :: else
           fi
         :: else
         fi;
         settle();
         send(renewal, u, term[me], m, table[me])
       :: else
       fi;
       done }

  :: atomic { !master[me] && wire??[renewal, eval(me), _, _, _] ->
       u = me;
       if
       :: wire??renewal, eval(me), t, m, v
       :: wire??<renewal, eval(me), t, m, v>
       fi;
       follow(t);
       if
       :: t == term[me] ->
         if
         :: v > known[me] -> known[me] = v
         :: else
         fi;
         if
#ifndef NORESUME
         /* Who was fenced works again by the table in force alone. */
         :: lease[me] == 0 && runs[me] && table[me] < v -> skip
#endif
#ifdef NOSTAMP
         :: else -> lease[me] = now + LEASE
#else
         :: else ->
           if
           :: m + LEASE > lease[me] && m + LEASE >= now -> lease[me] = m + LEASE
           :: else
           fi
#endif
         fi
       :: else
       fi;
       done }

  :: atomic { !master[me] && wire??[start, eval(me), _, _, _] ->
       if
       :: wire??start, eval(me), t, m, v
       :: wire??<start, eval(me), t, m, v>
       fi;
       if
#ifdef NOTERM
       :: t <= term[me] -> runs[me] = true
#else
       :: t == term[me] && v > table[me] && v >= known[me] -> table[me] = v; runs[me] = true
#endif
       :: else
       fi;
       done }

  :: atomic { !master[me] && wire??[stop, eval(me), _, _, _] ->
       if
       :: wire??stop, eval(me), t, m, v
       :: wire??<stop, eval(me), t, m, v>
       fi;
       if
       :: t == term[me] && v > table[me] ->
         table[me] = v; runs[me] = false; send(stopped, me, t, 0, v)
       :: else
       fi;
       done }

  /* Long without a lease: out of the cluster. */
  :: atomic { !master[me] && runs[me] && lease[me] == 0 -> runs[me] = false }

  /* A master. One that has stood still for longer than its lease is none. */
  :: atomic { master[me] && lease[me] == 0 -> leave_office(); runs[me] = false }
  :: atomic { inOffice && moving[me] && wire??[stopped, _, _, _, _] -> take(stopped);
       if
       :: t == term[me] && u == owner[me] && v == table[me] -> owner[me] = NOBODY; moving[me] = false
       :: else
       fi;
       done }
  :: atomic { inOffice && lease[me] < now + OFFICE -> lease[me] = now + OFFICE; settle() }
  :: atomic { inOffice && table[me] < MOST && owner[me] < UNITS && owner[me] != me && granted CELL(me, owner[me]) == 0 ->
       owner[me] = NOBODY; moving[me] = false; table[me]++ }
  :: atomic { inOffice && table[me] < MOST && owner[me] == NOBODY ->
       if
       :: give(me)
       :: granted CELL(me, (me + 1) % UNITS) > 0 -> u = (me + 1) % UNITS; give(u)
       :: granted CELL(me, (me + 2) % UNITS) > 0 -> u = (me + 2) % UNITS; give(u)
       fi;
       done }
  :: atomic { inOffice && table[me] < MOST && owner[me] < UNITS && !moving[me] ->
       if
       :: owner[me] == me -> runs[me] = false; owner[me] = NOBODY; table[me]++
#ifdef ONEPHASE
       :: owner[me] != me -> give(me)
#else
       :: owner[me] != me -> moving[me] = true; table[me]++; send(stop, owner[me], term[me], 0, table[me])
#endif
       fi }

  /* The deputy: no worker of the master's answers any more, and our own lease lasts. */
#ifdef EARLY
  :: atomic { !master[me] && lease[me] >= now && me == leader(term[me] + 1) && now < END -> lead(); settle() }
#else
  :: atomic { !master[me] && lease[me] >= now && me == leader(term[me] + 1) && lease[leader(term[me])] < now && now < END ->
       lead(); settle() }
#endif
  od
}

/* Time goes on at any moment, and what has ended is forgotten. */
proctype clock() {
  do
  :: atomic { now < END -> now++; u = 0;
       do
       :: u < UNITS ->
         if
         :: lease[u] < now -> lease[u] = 0
         :: else
         fi;
         i = 0;
         do
         :: i < UNITS ->
           if
           :: granted CELL(u, i) < now -> granted CELL(u, i) = 0; reported CELL(u, i) = false
           :: else
           fi;
           i++
         :: else -> break
         od;
         i = 0;
         u++
       :: else -> break
       od;
       u = 0 }
  od
}

/* Unit 0 is master, all are members, and unit 1 has the set. A question of its own from before is still on its way. */
init {
  atomic {
    do
    :: u < UNITS ->
      term[u] = 1;
      lease[u] = now + LEASE;
      if
      :: u > 0 -> granted[u] = now + LEASE; reported[u] = true
      :: else
      fi;
      run unit(u);
      u++
    :: else -> break
    od;
    u = 0;
    master[0] = true; lease[0] = now + OFFICE;
    owner[0] = 1;
    runs[1] = true;
    wire!ask, 1, 1, now, false;
    run clock()
  }
}

/* It can act only when two work. */
active proctype watch() {
end:
  atomic { (works(0) && works(1)) || (works(0) && works(2)) || (works(1) && works(2)) -> assert(false) }
}
