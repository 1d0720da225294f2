/* Who is a member of what: joining, leases of membership, leaving, succession, lives, segments that fall apart, and two
 * masters that meet (C4-C14, C21, X12, X15-X19), small enough to be searched whole. Who works on a set is handover.pml's.
 *
 * Units act whenever they like, or never again; clocks go alike, and go on from one life to the next. A word is heard at
 * once or never, but for one of all: that one is heard late, too, by whomever it is for and as often as he likes. No gate
 * refuses what was heard before. A unit hears the workers of all on its segment; whether words arrive is
 * another question. A master may find himself deaf at any moment. What begins in a moment asks in the next: so stamps tell before from after.
 *
 * Each rule can be left out, by -D and its name; tools/model looks that this is found. */
#define UNITS 3
/* Three searches: two units and lives; with CUT two units on segments that fall apart; with THREE three units. END is the
 * last moment, the first is 1; LIVES begin after the first, of all units together. */
#if defined(THREE)
#define END 3
#define LIVES 1
#elif defined(CUT)
#define END 4
#define LIVES 1
#else
#define END 5
#define LIVES 2
#endif
#define LEASE 1                   /* of a member: so many moments after the one in which it asked */
#define OFFICE 1                  /* of a master: so many after the one in which he acted last */
#define PATIENCE 2                /* a member without a word of its master's waits so long for a successor */
#define ALONE 2                   /* who is outside leads when nobody's workers have answered for longer */
#define TERMS 4                   /* that begin in one moment at most */
#define NOBODY UNITS
#define ALL UNITS

/* A term is its master's (X12). The first of a life, which is the moment of its beginning, is later than all before it. */
#define count(T) ((T) >> 2)
#define next(T) ((count(T) + 1) << 2 | me)
#ifdef NOFIRST
#define first(L) 0
#else
#define first(L) ((L) * TERMS << 2)
#endif
#define larger(A, B) ((A) > (B) -> (A) : (B))
#define third(A, B) (UNITS - (A) - (B))
#define CELL(M, U) [(M) * UNITS + (U)]

mtype = { request, welcome, word, other, alive, exit, leave, succeed };
mtype = { outside, joining, client, master };
/* From, to, the sender's life, term and moment; the moment that it answers; of how many members he is master; which life of
 * the receiver's he has on his list, and whether it is his deputy; the third unit's life there, and its moment. */
chan late = [1] of { mtype, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte };
hidden mtype kind;
hidden byte from, to, hisLife, hisTerm, stamp, echo, hisLive, you, deputed, their, theirEcho;
hidden byte me, said, i, h, n;    /* of the step under way alone */

byte now = 1;
byte apart = NOBODY;              /* who is on a segment of his own */
bool met;                         /* two segments have become one: for a while there may be two of everything */
byte births;

mtype role[UNITS] = outside;
byte life[UNITS];                 /* the moment of its beginning */
byte term[UNITS];
byte greatest[UNITS];             /* that it has heard of */
byte lease[UNITS];                /* may work up to this moment; 0 is none */
bool runs[UNITS];                 /* outside: what it has worked on has not ended yet */
byte since[UNITS];                /* outside: asks since then; a member: by its request of then */
byte heard[UNITS];                /* outside: somebody's workers answered; a member: the master's last word */
bool claims[UNITS];               /* outside: its own workers answer, and do not work yet */
/* A member. */
byte follows[UNITS];
byte chiefLife[UNITS];
bool deputy[UNITS];
byte mate[UNITS];                 /* the third unit's life, as a member of the same master */
byte mateEcho[UNITS];
/* A master: by unit the life, 0 is no member; its newest moment; its lease has surely ended after that; it has reported. */
byte listed[UNITS * UNITS];
byte newest[UNITS * UNITS];
byte granted[UNITS * UNITS];
bool reported[UNITS * UNITS];
bool collects[UNITS];
/* Only looked at by assertions: whom it has followed in office, plus one; and the last term of any of its lives. */
byte after[UNITS];
byte last[UNITS];

#define linked(A, B) (apart == NOBODY || (apart != (A) && apart != (B)))
#define works(U) (lease[U] >= now && (role[U] == client || role[U] == master))
#define inOffice(U) (role[U] == master && lease[U] >= now)
#define answers(U, A) (lease[U] >= now && linked(A, U) && U != A)
#define isAnswered(A) (answers(0, A) || answers(1, A) || answers(2, A))
/* In a segment that has not been joined from two. */
#define worksBeside(U) (U != me && works(U) && linked(me, U) && !met)
#define foundedBeside(U) (U != me && inOffice(U) && after[U] == 0 && linked(me, U) && !met)
/* Member here by this list: its lease is ours, or that of a master who is gone. */
#define worksByList(U) (role[U] == client && lease[U] >= now && life[U] == listed CELL(me, U) && \
  (follows[U] == me && chiefLife[U] == life[me] || \
    !met && linked(me, U) && follows[U] + 1 == after[me] && !inOffice(follows[U])))
#define counts(U) (U != me && reported CELL(me, U) && granted CELL(me, U) >= now)
#define live (1 + counts(0) + counts(1) + counts(2))
/* What answers our own word of just now. What is of an earlier term may be late, and its sender long gone. */
#define isAnswer (kind == other && echo > 0 && echo + OFFICE >= now)
#ifdef NOANSWER
#define isSure true
#else
#define isSure isAnswer
#endif
#ifdef NOEMPTY
#define hasEnded true
#else
#define hasEnded (!runs[me])
#endif
#define mine (from == follows[me] && hisLife == chiefLife[me])
#ifdef NOTERM
#define isOld false
#else
#define isOld (hisTerm < term[me])
#endif
#ifdef NOINCARNATION
#define isLife(L, M) ((L) > 0)
#else
#define isLife(L, M) ((L) > 0 && (L) == M)
#endif

/* More members, then the later term, then the lower address (C12, X16). */
#ifdef BOTHYIELD
#define isBefore(U, V) false
#else
#define isBefore(U, V) (U < V)
#endif
#define beats(L, T, U, M, S, V) \
  (L > M || L == M && (count(T) > count(S) || count(T) == count(S) && isBefore(U, V)))

inline say(KIND, TO, STAMP, ECHO, LIVE, YOU, DEPUTED, THEIR, THEIRECHO) {
  to = TO; echo = ECHO; stamp = STAMP; hisLive = LIVE; you = YOU; deputed = DEPUTED; their = THEIR; theirEcho = THEIRECHO;
  kind = KIND; from = me; hisLife = life[me]; hisTerm = term[me]; said = true
}

inline forget_members() {
  collects[me] = false; after[me] = 0;
  i = 0;
  do
  :: i < UNITS ->
    listed CELL(me, i) = 0; newest CELL(me, i) = 0; granted CELL(me, i) = 0; reported CELL(me, i) = false; i++
  :: else -> break
  od
}

inline forget_master() { follows[me] = 0; chiefLife[me] = 0; deputy[me] = false; mate[me] = 0; mateEcho[me] = 0 }

/* Fenced at once; what ran ends before anything is asked (C6, C10, C21). */
inline give_up() {
  runs[me] = true;
  lease[me] = 0; role[me] = joining; since[me] = now; heard[me] = now;
  forget_members(); forget_master()
}

inline withdraw() { claims[me] = false; lease[me] = 0 }

inline take_office() {
  term[me] = next(larger(larger(term[me], greatest[me]), first(life[me])));
  greatest[me] = term[me];
  assert(term[me] > last[me]);
  last[me] = term[me];
  role[me] = master; lease[me] = now + OFFICE; claims[me] = false;
  since[me] = 0; heard[me] = 0
}

/* The deputy (X18): members go on, and may have been given leases right before the old master's end. */
inline take_over() {
  assert(!foundedBeside(0) && !foundedBeside(1) && !foundedBeside(2));
  h = third(me, follows[me]); after[me] = follows[me] + 1;
  if
  :: mate[me] > 0 ->
    listed CELL(me, h) = mate[me]; newest CELL(me, h) = mateEcho[me]; granted CELL(me, h) = now + LEASE; collects[me] = true
  :: else
  fi;
  forget_master();
  take_office()
}

inline settle() {
  i = 0;
  do
  :: i < UNITS && (listed CELL(me, i) == 0 || reported CELL(me, i)) -> i++
  :: else -> break
  od;
  if
  :: i == UNITS -> collects[me] = false
  :: else
  fi
}

/* What it had is others' from now on. */
inline put_out(U) {
  assert(!worksByList(U));
  listed CELL(me, U) = 0; newest CELL(me, U) = 0; granted CELL(me, U) = 0; reported CELL(me, U) = false;
  settle()
}

inline extend_lease() {
  if
  :: echo + LEASE >= now && echo + LEASE > lease[me] ->
    lease[me] = echo + LEASE;
    assert(!(inOffice(from) && life[from] == hisLife && term[from] == term[me]) || listed CELL(from, me) == life[me])
  :: else
  fi
}

inline as_joining() {
  if
  :: kind == word || kind == other -> withdraw()
  :: kind == welcome && echo > since[me] && hasEnded ->
    assert(!runs[me]);
    withdraw();
    role[me] = client; term[me] = hisTerm; follows[me] = from; chiefLife[me] = hisLife; since[me] = echo; heard[me] = now;

    extend_lease()
  :: else
  fi
}

inline as_client() {
  if
  :: kind == word && mine && !isOld ->
    if
    :: isLife(you, life[me]) ->
      term[me] = hisTerm; heard[me] = now; deputy[me] = deputed; mate[me] = their; mateEcho[me] = theirEcho;
      if
      :: echo >= since[me] -> extend_lease()
      :: else
      fi
    :: else -> give_up()
    fi
  /* Ours is not heard, and there is a later one. */
  :: kind == word && !mine && hisTerm > term[me] && (heard[me] < now || from == follows[me]) ->
    if
    :: isLife(you, life[me]) ->
      follows[me] = from; chiefLife[me] = hisLife; term[me] = hisTerm; heard[me] = now;
      deputy[me] = false; mate[me] = 0; mateEcho[me] = 0
    :: else -> give_up()
    fi
  :: kind == exit && mine && (echo == 0 && !isOld || echo > 0 && echo >= since[me]) -> give_up()
  :: kind == succeed && mine && !isOld && deputy[me] && lease[me] >= now -> take_over()
  :: kind == request && from == follows[me] && hisLife > chiefLife[me] && deputy[me] && lease[me] >= now -> take_over()
  :: else
  fi
}

inline admit() {
  if
  :: collects[me]
  :: else ->
    listed CELL(me, from) = hisLife; newest CELL(me, from) = stamp; granted CELL(me, from) = now + LEASE;
    reported CELL(me, from) = false;
    say(welcome, from, 0, stamp, 0, 0, false, 0, 0)
  fi
}

inline yield() {
  /* What was said before this life does not end it. */
  assert(stamp >= life[me]);
  say(exit, ALL, 0, 0, 0, 0, false, 0, 0);
  give_up()
}

inline as_master() {
  if
  :: kind == request ->
    if
    :: listed CELL(me, from) == 0 -> admit()
    :: isLife(listed CELL(me, from), hisLife) ->
      if
      :: stamp <= newest CELL(me, from)
#ifndef EAGER
      /* Taken over, and not heard since: it may have become a member by this very word, and work. Its lease ends. */
      :: stamp > newest CELL(me, from) && !reported CELL(me, from) && collects[me]
#endif
      :: stamp > newest CELL(me, from) && !reported CELL(me, from) && !collects[me] ->
        newest CELL(me, from) = stamp; granted CELL(me, from) = now + LEASE;
        say(welcome, from, 0, stamp, 0, 0, false, 0, 0)
      :: else -> put_out(from); admit()
      fi
    :: else ->
      if
      :: hisLife > listed CELL(me, from) -> put_out(from); admit()
      :: else
      fi
    fi
  :: kind == alive ->
    if
    :: isLife(listed CELL(me, from), hisLife) ->
      if
      :: stamp > newest CELL(me, from) -> newest CELL(me, from) = stamp; granted CELL(me, from) = now + LEASE
      :: else
      fi;
      if
      :: stamp == newest CELL(me, from) && hisTerm == term[me] -> reported CELL(me, from) = true; settle()
      :: else
      fi
    :: else -> say(exit, from, 0, stamp, 0, 0, false, 0, 0)
    fi
  :: kind == leave && isLife(listed CELL(me, from), hisLife) -> put_out(from)
  :: kind == word || kind == other ->
    /* Another master is no member. */
    reported CELL(me, from) = false;
    n = live;
    assert(beats(n, term[me], me, hisLive, hisTerm, from) != beats(hisLive, hisTerm, from, n, term[me], me));
    if
    :: beats(hisLive, hisTerm, from, n, term[me], me) && (hisTerm > term[me] || isSure) -> yield()
    :: else ->
      if
      :: isAnswer && hisTerm > term[me] ->
        term[me] = next(larger(hisTerm, greatest[me])); greatest[me] = term[me];
        assert(term[me] > last[me]);
        last[me] = term[me]
      :: else
      fi;
      say(other, from, now, stamp, n, 0, false, 0, 0)
    fi
  :: else
  fi
}

inline hear() {
  greatest[me] = larger(greatest[me], hisTerm);
  if
  :: role[me] == joining -> as_joining()
  :: role[me] == client -> as_client()
  :: inOffice(me) -> as_master()
  :: else
  fi
}

#define isFor(U) (U != from && (to == U || to == ALL) && linked(from, U) && role[U] != outside)

inline act() {
  if
  :: runs[me] -> runs[me] = false
  /* Outside. Asks; or leads, when nobody has answered for long: its workers answer first, and then it works (X19). */
  :: role[me] == joining && !claims[me] && now > since[me] && hasEnded -> say(request, ALL, now, 0, 0, 0, false, 0, 0)
#ifdef NOLISTEN
  :: role[me] == joining && !claims[me] && !runs[me] -> claims[me] = true; lease[me] = now + OFFICE
#else
  :: role[me] == joining && !claims[me] && !runs[me] && now > heard[me] + ALONE ->
    claims[me] = true; lease[me] = now + OFFICE
#endif
  :: role[me] == joining && claims[me] ->
    if
#ifndef NOCLAIM
    :: isAnswered(me) -> withdraw(); heard[me] = now
#endif
    :: else ->
      assert(!worksBeside(0) && !worksBeside(1) && !worksBeside(2));
      take_office()
    fi

  /* A member. */
  :: role[me] == client -> say(alive, follows[me], now, 0, 0, 0, false, 0, 0)
  :: role[me] == client && (lease[me] < now || now > heard[me] + PATIENCE) -> give_up()
  :: role[me] == client && deputy[me] && heard[me] < now && now <= heard[me] + PATIENCE && !answers(follows[me], me) ->
    take_over()

  /* A master. */
  :: inOffice(me) ->
    n = live;
    if
    :: h = (me + 1) % UNITS
    :: h = (me + 2) % UNITS
    fi;
    if
    :: listed CELL(me, h) > 0 ->
      i = third(me, h);
      say(word, h, now, newest CELL(me, h), n, listed CELL(me, h), reported CELL(me, h) && (h < i || !reported CELL(me, i)),
        listed CELL(me, i), newest CELL(me, i))
    :: else -> say(word, h, now, 0, n, 0, false, 0, 0)
    fi
  :: inOffice(me) && lease[me] < now + OFFICE -> lease[me] = now + OFFICE
  :: inOffice(me) && listed CELL(me, 0) > 0 && granted CELL(me, 0) < now -> put_out(0)
  :: inOffice(me) && listed CELL(me, 1) > 0 && granted CELL(me, 1) < now -> put_out(1)
  :: inOffice(me) && listed CELL(me, 2) > 0 && granted CELL(me, 2) < now -> put_out(2)
  /* Deaf, or has stood still for longer than its lease. */
  :: role[me] == master -> give_up(); say(succeed, ALL, 0, 0, 0, 0, false, 0, 0)

  /* Leaves, or dies; and comes back with nothing. */
  :: role[me] != outside && births < LIVES ->
    if
    :: role[me] == client -> say(leave, follows[me], 0, 0, 0, 0, false, 0, 0)
    :: true
    fi;
    withdraw(); give_up(); runs[me] = false;
    since[me] = 0; heard[me] = 0; term[me] = 0; greatest[me] = 0; role[me] = outside
  :: role[me] == outside && births < LIVES && now > life[me] ->
    births++;
    life[me] = now; role[me] = joining; since[me] = now; heard[me] = now
  :: else
  fi
}

/* Units act, what is late is heard, time goes on, a segment falls apart and becomes whole: at any moment. */
#define isLate 2
proctype cluster() {
  do
  :: atomic {
       if
       :: full(late) ->
         late?<kind, from, to, hisLife, hisTerm, stamp, echo, hisLive, you, deputed, their, theirEcho>; said = isLate
       :: true ->
         if
         :: me = 0
         :: me = 1
#ifdef THREE
         :: me = 2
#endif
         fi;
         act()
       fi;
       /* Said is heard at once, or late, or both, or never; and may be answered. */
       do
       :: said ->
         if
         :: said != isLate && empty(late) ->
           late!kind, from, to, hisLife, hisTerm, stamp, echo, hisLive, you, deputed, their, theirEcho
         :: true
         fi;
         said = false;
         if
         :: isFor(0) -> me = 0
         :: isFor(1) -> me = 1
         :: isFor(2) -> me = 2
         :: true -> me = NOBODY
         fi;
         if
         :: me < UNITS -> hear()
         :: else
         fi
       :: else -> break
       od }
  :: atomic { now < END -> now++;
       h = 0;
       do
       :: h < UNITS ->
         if
         :: lease[h] < now -> lease[h] = 0; claims[h] = false
         :: else
         fi;
         if
         :: role[h] == joining && isAnswered(h) -> heard[h] = now
         :: else
         fi;
         h++
       :: else -> break
       od }
#ifdef CUT
  :: atomic { apart == NOBODY && !met ->
       if
       :: apart = 0
       :: apart = 1
       :: apart = 2
       fi }
  :: atomic { apart != NOBODY -> apart = NOBODY; met = true }
#endif
  od
}

/* Unit 0 is master, 1 a member, and 2 has not begun. */
init {
  atomic {
    life[0] = 1; role[0] = master; lease[0] = now + OFFICE; term[0] = TERMS + 1 << 2; greatest[0] = term[0];
    last[0] = term[0];
    listed CELL(0, 1) = 1; newest CELL(0, 1) = now; granted CELL(0, 1) = now + LEASE; reported CELL(0, 1) = true;
    life[1] = 1; role[1] = client; lease[1] = now + LEASE; term[1] = term[0]; greatest[1] = term[0];
    since[1] = now; heard[1] = now; follows[1] = 0; chiefLife[1] = 1; deputy[1] = true;
    run cluster()
  }
}
