"""What tests of clusters share: a stream of probes through three members, a trial, and a tally of how its cases went.

Who imports this finds the modules of tools/lib from then on.
"""

import functools
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib'))

from cluster_members import Members
from cluster_wires import HOST, address
from lab_wires import Failure, kinds
from world import SO_RCVBUFFORCE, inside

METHODS = ('xdp', 'packet')
FLOWS, RATE = 32, 1000
# What a share of work may be without an owner: promised are 200 ms, and this machine has two cores for all members.
PROMISED, PATIENCE = 0.2, 0.4
# What ends a case, and not the script.
TROUBLE = (Failure, OSError, ValueError, subprocess.SubprocessError)


class Stream:
    """Numbered probes from a host inside to one outside, through the cluster."""

    def __init__(self, wires, hosts=('hostA', 'hostB'), host=HOST):
        """`host` is the last part of both addresses."""
        self.to = address('outside', host), 9000
        with inside(wires.namespace(hosts[1])):
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.sink.bind(self.to)
        self.sink.settimeout(0.2)
        with inside(wires.namespace(hosts[0])):
            self.sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for number, source in enumerate(self.sources):
            source.bind((address('inside', host), 20000 + number))
        self.sent, self.came, self.order = [], {}, [-1] * FLOWS
        self.swapped = 0
        self.goes = True
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        begin = time.monotonic()
        while self.goes:
            number = len(self.sent)
            wait = begin + number / RATE - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.sent.append(time.monotonic())
            self.sources[number % FLOWS].sendto(struct.pack('!I', number), self.to)

    def receive(self):
        while self.goes or time.monotonic() < self.until:
            try:
                octets = self.sink.recv(64)
            except TimeoutError:
                continue
            number, = struct.unpack('!I', octets)
            self.came[number] = self.came.get(number, 0) + 1
            if number < self.order[number % FLOWS]:
                self.swapped += 1
            self.order[number % FLOWS] = max(number, self.order[number % FLOWS])

    def end(self):
        self.until = time.monotonic() + 0.5
        self.goes = False
        for thread in self.threads:
            thread.join(5)
        for each in [self.sink, *self.sources]:
            each.close()

    @property
    def lost(self):
        return [number for number in range(len(self.sent)) if number not in self.came]

    @property
    def twice(self):
        return sum(count - 1 for count in self.came.values())

    def outage(self):
        """The longest that one flow was away, in seconds, and how many flows lost more than one probe in a row."""
        lost, longest, hit = set(self.lost), 0.0, 0
        for flow in range(FLOWS):
            run = most = 0
            for number in range(flow, len(self.sent), FLOWS):
                run = run + 1 if number in lost else 0
                most = max(most, run)
            hit += most > 1
            longest = max(longest, (most + 1) * FLOWS / RATE if most > 1 else 0)
        return longest, hit


def clean(stream, mayLose=0):
    """Sentences of what no case allows: probes twice, or out of their flow's order, or more of them lost."""
    if stream.twice:
        yield f'{stream.twice} probes came twice'
    if stream.swapped:
        yield f'{stream.swapped} probes came behind later ones of their flow'
    lost, sent = stream.lost, len(stream.sent)
    if len(lost) > mayLose:
        yield f'{len(lost)} of {sent} probes were lost, from {lost[:4]}; at most {mayLose} may be'


def brief(stream):
    longest, hit = stream.outage()
    return f'{len(stream.lost)} of {len(stream.sent)} lost, {hit} flows away for {longest * 1000:.0f} ms at most'


class Trial:
    """Three members between two bridges; `more` is what else their configurations say."""

    # Of wires, by which a record of them is found again.
    kind = 'cluster'

    def __init__(self, name, program, method, isDual=False, **more):
        self.notes, self.method = [], method
        self.wires = kinds[self.kind].make(name, kind=self.kind, members=3)
        try:
            if isDual:
                self.wires.add_ipv6()
            self.members = Members(program, self.wires, method, isDual=isDual, **more)
            self.look()
        except BaseException:
            self.wires.remove()
            raise

    def look(self):
        """What a test wants to know before any member runs."""

    def during(self, seconds, act, before=0.5):
        """A stream, and something that happens while it lasts."""
        stream = Stream(self.wires)
        try:
            time.sleep(before)
            act()
            time.sleep(seconds)
        finally:
            stream.end()
        return stream

    def mac(self, place, device):
        found = self.wires.run(place, 'cat', f'/sys/class/net/{device}/address').stdout.strip()
        if not found:
            raise Failure(f'{place} has no {device}')
        return found

    def master(self):
        """Its number, when all have come to rest."""
        master, _ = self.members.settle(self.wires.numbers)
        return master['unit']

    def client(self):
        """The first that is not the master."""
        return self.others(self.master())[0]

    def others(self, number):
        return [other for other in self.wires.numbers if other != number]

    def bring_back(self, number):
        self.members.start(number)
        self.members.settle(self.wires.numbers)

    def last_words(self):
        return [f'member {number}: {self.members.last_words(number)}' for number in self.members.processes]


def dies(trial, victim):
    """SIGKILL: its share is back within what is promised, and nobody else's goes."""
    stream = trial.during(2, lambda: trial.members.tell(victim, signal.SIGKILL))
    longest, hit = stream.outage()
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if longest > PATIENCE:
        yield f'a flow was away for {longest * 1000:.0f} ms: promised are {PROMISED * 1000:.0f}'
    if hit > FLOWS * 2 // 3:
        yield f'{hit} of {FLOWS} flows were away, which is more than the share of one of three'
    trial.members.settle(trial.others(victim))
    trial.bring_back(victim)


class Tally:
    """Runs cases, says of each whether it held, and counts."""

    def __init__(self):
        self.held = self.failed = 0

    def run(self, name, case, notes, last_words=list):
        """A case gives sentences of what is not as it has to be; `last_words` are of use where it comes to no end."""
        notes.clear()
        words, since = [], time.monotonic()
        try:
            for word in case() or ():
                words.append(word)
        except TROUBLE as trouble:
            words += [told(trouble), *last_words()]
        self.tell(name, words, time.monotonic() - since, notes)

    def tell(self, name, words, seconds=0.0, notes=()):
        self.held, self.failed = self.held + (not words), self.failed + bool(words)
        noted = f'  {", ".join(notes)}' if notes else ''
        print(f'{"FAIL" if words else "ok  "} {name:<38} {seconds:5.1f} s{noted}', flush=True)
        for word in words:
            print(f'     {word}', flush=True)

    def take_away(self, name, wires):
        """What cannot be taken away is a case that failed."""
        words = wires.remove()
        if words:
            self.tell(f'{name}: nothing stays', words)

    def go_through(self, name, make, cases):
        """All cases, which have names, with one trial."""
        try:
            trial = make()
        except TROUBLE as trouble:
            self.tell(name, [told(trouble)])
            return
        try:
            for case, act in cases.items():
                self.run(f'{name}: {case}', functools.partial(act, trial), trial.notes, trial.last_words)
        finally:
            self.take_away(name, trial.wires)

    def end(self, mayBeNone=False):
        """Of the script: where nothing was run, nothing held."""
        print(f'{self.held} held, {self.failed} did not')
        sys.exit(1 if self.failed or not (self.held or mayBeNone) else 0)


def told(trouble):
    return f'{trouble}' if isinstance(trouble, Failure) else f'{type(trouble).__name__}: {trouble}'


def missing(method):
    """Why there can be no test, or None."""
    if os.geteuid() != 0:
        return 'only root can make network namespaces'
    if method == 'xdp':
        try:
            socket.socket(44, socket.SOCK_RAW, 0).close()
        except OSError as error:
            return f'no AF_XDP here: {error}'
    return None


def need(method='packet'):
    """Ends a script that cannot do anything here."""
    reason = missing(method)
    if reason:
        print(f'skipped: {reason}')
        sys.exit(0)


def main(title, cases, make):
    """Of scripts with members: PROGRAM [xdp|packet] [CASE...]. The first case starts them, and so it always runs."""
    program, words = sys.argv[1], sys.argv[2:]
    methods = [word for word in words if word in METHODS] or ['packet']
    wanted = [word for word in words if word not in METHODS]
    named = {case.__name__: case for case in cases}
    unknown = [word for word in wanted if word not in named]
    if unknown:
        sys.exit(f'there is no case {unknown[0]!r}, but {", ".join(named)}')
    need()
    tally, skipped = Tally(), []
    for method in methods:
        if missing(method):
            skipped.append(method)
            print(f'skipped: {missing(method)}')
            continue
        chosen = {name: case for name, case in named.items() if not wanted or name in wanted or case is cases[0]}
        tally.go_through(f'{title}, {method}', functools.partial(make, program, method), chosen)
    tally.end(mayBeNone=bool(skipped))
