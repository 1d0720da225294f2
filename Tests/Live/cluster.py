"""Three members between two bridges: what has to hold while they come and go. Called by tools/test.

    cluster.py PROGRAM [xdp|packet] [CASE...]

A stream of UDP probes runs from one host to the other through the cluster, and each case says what may be lost of it.
"""

import os
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib'))

from cluster_members import Members, identify  # noqa: E402
from cluster_wires import HOST, ClusterWires, address  # noqa: E402
from lab_wires import Failure  # noqa: E402
from world import SO_RCVBUFFORCE, inside  # noqa: E402

FLOWS, RATE = 32, 1000
# What a share of work may be without an owner: promised are 200 ms, and this machine has two cores for all members.
PROMISED, PATIENCE = 0.2, 0.4


class Stream:
    """Numbered probes from host A to host B, through the cluster."""

    def __init__(self, wires):
        with inside(wires.namespace('hostB')):
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.sink.bind((address('outside', HOST), 9000))
        self.sink.settimeout(0.2)
        with inside(wires.namespace('hostA')):
            self.sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for number, source in enumerate(self.sources):
            source.bind((address('inside', HOST), 20000 + number))
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
            self.sources[number % FLOWS].sendto(struct.pack('!I', number), (address('outside', HOST), 9000))

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


class Trial:
    def __init__(self, program, method):
        self.wires = ClusterWires.make('cluster', kind='cluster', members=3)
        self.method = method
        try:
            self.members = Members(program, self.wires, method)
        except BaseException:
            self.wires.remove()
            raise

    def during(self, seconds, act):
        """A stream, and something that happens one second after its begin."""
        stream = Stream(self.wires)
        try:
            time.sleep(1)
            act()
            time.sleep(seconds)
        finally:
            stream.end()
        return stream


def clean(stream, mayLose=0):
    """Sentences of what no case allows: probes twice, or out of their flow's order, or more of them lost."""
    if stream.twice:
        yield f'{stream.twice} probes came twice'
    if len(stream.lost) > mayLose:
        yield f'{len(stream.lost)} of {len(stream.sent)} probes were lost, from {stream.lost[:4]}; at most {mayLose} may be'


def brief(stream):
    longest, hit = stream.outage()
    return f'{len(stream.lost)} of {len(stream.sent)} lost, {hit} flows away for {longest * 1000:.0f} ms at most'


def forms(trial):
    """All share the work, and nothing is lost while nothing happens."""
    trial.members.start_all()
    master, shares = trial.members.settle(trial.wires.numbers)
    trial.notes.append(f'shares {sorted(shares.values())}')
    stream = trial.during(2, lambda: None)
    yield from clean(stream)
    works = [number for number in trial.wires.numbers if not trial.members.show(number)['isFenced']]
    if len(works) != 3:
        yield f'only {works} have a lease'
    if master['term'] < 1:
        yield 'the master has no term'


def dies(trial, isMaster):
    """SIGKILL: its share is back within what is promised, and nobody else's goes."""
    master, _ = trial.members.settle(trial.wires.numbers)
    victim = master['unit'] if isMaster else next(n for n in trial.wires.numbers if n != master['unit'])
    stream = trial.during(2, lambda: trial.members.tell(victim, signal.SIGKILL))
    longest, hit = stream.outage()
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if longest > PATIENCE:
        yield f'a flow was away for {longest * 1000:.0f} ms: promised are {PROMISED * 1000:.0f}'
    if hit > FLOWS * 2 // 3:
        yield f'{hit} of {FLOWS} flows were away, which is more than the share of one of three'
    trial.members.settle([n for n in trial.wires.numbers if n != victim])
    trial.members.start(victim)
    trial.members.settle(trial.wires.numbers)


def client_dies(trial):
    yield from dies(trial, False)


def master_dies(trial):
    yield from dies(trial, True)


def stands_still(trial):
    """SIGSTOP for longer than any lease: when it goes on, it works on nothing that is others' by now."""
    master, _ = trial.members.settle(trial.wires.numbers)
    victim = next(n for n in trial.wires.numbers if n != master['unit'])

    def pause():
        trial.members.tell(victim, signal.SIGSTOP)
        time.sleep(1)
        trial.members.tell(victim, signal.SIGCONT)

    stream = trial.during(2, pause)
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if stream.outage()[0] > PATIENCE:
        yield f'a flow was away for {stream.outage()[0] * 1000:.0f} ms'
    trial.members.settle(trial.wires.numbers)


def drains(trial):
    """A member that is told to end gives its work away first: nobody waits for its lease to end."""
    master, _ = trial.members.settle(trial.wires.numbers)
    victim = next(n for n in trial.wires.numbers if n != master['unit'])
    codes = []
    stream = trial.during(1, lambda: codes.append(trial.members.end(victim)))
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if codes != [0]:
        yield f'it ended with code {codes}'
    if stream.outage()[0] > 0.1:
        yield f'a flow was away for {stream.outage()[0] * 1000:.0f} ms, although the work was handed over'
    trial.members.start(victim)
    trial.members.settle(trial.wires.numbers)


def stranger(trial):
    """Whom another authority vouches for does not come in, and nobody else minds."""
    master, _ = trial.members.settle(trial.wires.numbers)
    victim = next(n for n in trial.wires.numbers if n != master['unit'])
    trial.members.end(victim)
    folder, own = trial.wires.folder, trial.members.addresses[victim]
    other = os.path.join(folder, 'other')
    identify(trial.members.program, 'authority', '--cluster', 'lab', '--out', other)
    identify(trial.members.program, 'unit', '--authority', other, '--number', str(victim), '--address', own[0],
             '--address', own[1], '--out', os.path.join(folder, 'forged.pem'))
    path = trial.members.path(victim, 'yaml')
    with open(path) as file:
        honest = file.read()
    forged = honest.replace(f'/unit{victim}.', '/forged.').replace('/authority/', '/other/')
    with open(path, 'w') as file:
        file.write(forged)
    left = [n for n in trial.wires.numbers if n != victim]
    trial.members.settle(left)
    stream = trial.during(2, lambda: trial.members.start(victim))
    yield from clean(stream)
    look = trial.members.show(victim)
    if not look or look['role'] not in ('joining', 'offering') or not look['isFenced']:
        yield f'the stranger is {look and look["role"]}'
    trial.members.kill(victim)
    with open(path, 'w') as file:
        file.write(honest)
    trial.members.start(victim)
    trial.members.settle(trial.wires.numbers)


CASES = [forms, client_dies, master_dies, stands_still, drains, stranger]


def main():
    program, words = sys.argv[1], sys.argv[2:]
    if os.geteuid() != 0:
        print('skipped: only root can make network namespaces')
        return
    methods = [word for word in words if word in ('xdp', 'packet')] or ['packet']
    wanted = [word for word in words if word not in methods]
    failed = held = 0
    for method in methods:
        trial = Trial(program, method)
        try:
            for case in CASES:
                if wanted and case.__name__ not in wanted and case is not forms:
                    continue
                trial.notes, since = [], time.monotonic()
                try:
                    words = list(case(trial))
                except (Failure, OSError) as failure:
                    words = [f'{failure}']
                    words += [f'member {n}: {trial.members.last_words(n)}' for n in trial.members.processes]
                name = f'cluster, {method}: {case.__name__}'
                notes = f'  {", ".join(trial.notes)}' if trial.notes else ''
                print(f'{"FAIL" if words else "ok  "} {name:<34} {time.monotonic() - since:5.1f} s{notes}', flush=True)
                for word in words:
                    print(f'     {word}')
                failed, held = failed + bool(words), held + (not words)
        finally:
            trial.wires.remove()
    print(f'{held} held, {failed} did not')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
