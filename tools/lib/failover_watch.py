"""What members say of themselves while a trial runs: who works on what, who takes over, when all is whole again.

A member's cluster thread says it ten times a second, so what is seen here are moments. Two members that work on one set
at once are seen where one has it before and after the other one's moment, in one and the same table.
"""

import collections
import json
import socket
import threading
import time

# How far apart two moments of a member may be, and still be one stretch of its work.
STRETCH = 0.3
EVERY = 0.1
CLOCK = time.CLOCK_BOOTTIME

Moment = collections.namedtuple('Moment', 'at role term version isFenced lease runs pending')


def now():
    return time.clock_gettime(CLOCK)


def until(patience, isTrue):
    """Whether it became true."""
    deadline = time.monotonic() + patience
    while not isTrue():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def request(path, what='cluster', patience=1.0):
    """What a member shows; None where it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(patience)
            client.connect(path)
            client.sendall(json.dumps({'command': 'show', 'what': what}).encode() + b'\n')
            octets = b''
            while not octets.endswith(b'\n'):
                piece = client.recv(1 << 18)
                if not piece:
                    return None
                octets += piece
        return json.loads(octets).get('result')
    except (OSError, ValueError):
        return None


def ask(cluster, number, what='cluster'):
    return request(cluster.path(number, 'sock'), what)


def bits(sets):
    word = 0
    for one in sets:
        word |= 1 << one
    return word


def moment(look, asked):
    return Moment(asked - look['ageMilliseconds'] / 1000, look['role'], look['term'], look['tableVersion'],
                  look['isFenced'], look['leaseMilliseconds'] / 1000, bits(look['runs']), len(look['pending']))


def is_whole(moments):
    """One master, all with a lease, all work dealt out evenly, none on its way."""
    if not moments or any(each is None or each.isFenced for each in moments):
        return False
    masters = [each for each in moments if each.role == 'master']
    shares = [each.runs.bit_count() for each in moments]
    return (len(masters) == 1 and masters[0].pending == 0 and sum(shares) == 1024 and max(shares) - min(shares) <= 1
            and len({each.term for each in moments}) == 1)


class Watcher:
    def __init__(self):
        self.cluster = None
        self.threads = []

    def forget(self):
        self.moments = collections.defaultdict(list)
        self.happened = {}
        self.cuts = []
        self.faultAt = self.healedAt = None
        self.live = set(self.cluster.numbers)

    def begin(self):
        """From when all share the work on. Seconds that hosts and neighbours get to know each other."""
        self.forget()
        self.goes = True
        self.since = now()
        self.threads = [threading.Thread(target=self.watch, args=(number,), daemon=True)
                        for number in self.cluster.numbers]
        for thread in self.threads:
            thread.start()
        self.isSettled = until(20, lambda: self.whole_since() is not None)
        self.since = now()
        return 0.3

    def end(self):
        self.goes = False
        for thread in self.threads:
            thread.join(5)
        self.threads = []

    def watch(self, number):
        while self.goes:
            asked = now()
            look = ask(self.cluster, number)
            if look:
                seen, found = self.moments[number], moment(look, asked)
                if not seen or found.at - seen[-1].at > 0.02:
                    seen.append(found)
                for event in look['events']:
                    self.note(number, event['event'], asked - event['secondsAgo'])
            time.sleep(max(0, asked + EVERY - now()))

    def note(self, number, event, at):
        """Each is shown again and again, and how long ago is known to some milliseconds."""
        times = self.happened.setdefault((number, event), [])
        if not any(abs(at - known) < STRETCH / 2 for known in times):
            times.append(at)

    def whole_since(self, after=0.0):
        """The moment from which on all live members have shared all work until now; None where they do not."""
        series = sorted((each.at, number, each) for number in self.live for each in list(self.moments[number])
                        if each.at >= after)
        latest, since = dict.fromkeys(self.live), None
        for at, number, each in series:
            latest[number] = each
            if not is_whole(list(latest.values())):
                since = None
            elif since is None:
                since = at
        return since

    def one(self, isMaster):
        """The master, or the first that is not."""
        roles = {number: seen[-1].role if seen else ''
                 for number, seen in ((number, self.moments[number]) for number in self.cluster.numbers)}
        return next((number for number, role in roles.items() if (role == 'master') == isMaster), 1)

    def recovery(self):
        """Seconds from the fault's end until all work was shared again, for good; None: not yet."""
        after = self.healedAt or self.faultAt or self.since
        since = self.whole_since(after)
        return None if since is None else max(0.0, since - after)

    def contested(self):
        """The most sets that two members worked on at one moment, where one host's packet could reach both."""
        worst = 0
        for number, mine in self.moments.items():
            for other, others in self.moments.items():
                if number == other:
                    continue
                for before, after in zip(mine, mine[1:]):
                    isOne = (before.term, before.version) == (after.term, after.version)
                    if after.at - before.at > STRETCH or not isOne or before.isFenced or after.isFenced:
                        continue
                    held = before.runs & after.runs
                    for each in others:
                        if before.at < each.at < after.at and not each.isFenced and not self.is_cut(each.at):
                            worst = max(worst, (held & each.runs).bit_count())
        return worst

    def is_cut(self, at):
        return any(first <= at <= last for first, last in self.cuts)

    def events(self):
        """What happened since all was whole: when, to whom, what."""
        return sorted((at, number, event) for (number, event), times in list(self.happened.items()) for at in times
                      if at >= self.since)

    def takeovers(self):
        """Verdicts, and no mere suspicions: masters that began, members that were put out or gave up."""
        return [(at - self.since, number, event) for at, number, event in self.events()
                if event.startswith(('master, term', 'out of the cluster', 'fenced'))
                or 'is no member any more' in event]
