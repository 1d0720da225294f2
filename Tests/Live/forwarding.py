"""Three members whose master forwards (C22.1): what has to hold while it works, and when it goes. Called by tools/test.

    forwarding.py PROGRAM [xdp|packet] [CASE...]
"""

import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib'))

from cluster import FLOWS, PATIENCE, Stream, brief, clean  # noqa: E402
from cluster_members import Members  # noqa: E402
from cluster_wires import HOST, SHARED, ClusterWires, address  # noqa: E402
from lab_wires import Failure  # noqa: E402
from world import Echo  # noqa: E402


class Trial:
    def __init__(self, program, method):
        self.wires = ClusterWires.make('forward', kind='cluster', members=3)
        try:
            self.members = Members(program, self.wires, method, delivery='delivery: master')
        except BaseException:
            self.wires.remove()
            raise

    def during(self, seconds, act):
        stream = Stream(self.wires)
        try:
            time.sleep(1)
            act()
            time.sleep(seconds)
        finally:
            stream.end()
        return stream

    def count(self, number, name):
        """A counter or a reason of a member's."""
        lists = [self.members.show(number, what) for what in ('counters', 'drops')]
        rows = [row for each in lists for row in each['rows']]
        return sum(row.get('value', row.get('packets', 0)) for row in rows if name in (row.get('name'), row.get('reason')))

    def mac(self, place, side, of):
        """What a host has in its table."""
        found = re.search('lladdr ([0-9a-f:]+)', self.wires.run(place, 'ip', 'neigh', 'show', of, 'dev', side).stdout)
        return found and found[1]

    def own_mac(self, number, side):
        with_mac = self.wires.run(f'member{number}', 'cat', f'/sys/class/net/{side}/address')
        return with_mac.stdout.strip()


def points_to(trial, number):
    """Hosts have the master's own MAC address for the cluster's."""
    for place, side in (('hostA', 'inside'), ('hostB', 'outside')):
        echo = Echo(trial.wires.namespace(place), address(side, SHARED))
        echo.one(2.0)
        echo.close()
        found, own = trial.mac(place, side, address(side, SHARED)), trial.own_mac(number, side)
        if found != own:
            yield f'{place} sends to {found}, and the master, unit {number}, is {own}'


def forms(trial):
    """The master alone sees the traffic, everybody works, nothing is lost or comes twice."""
    trial.members.start_all()
    master, shares = trial.members.settle(trial.wires.numbers)
    master = master['unit']
    before = {number: trial.count(number, 'notMine') for number in trial.wires.numbers}
    stream = trial.during(2, lambda: None)
    yield from clean(stream)
    yield from points_to(trial, master)
    passed = trial.count(master, 'passedOn')
    trial.notes.append(f'{passed} of {len(stream.sent)} passed on')
    if not len(stream.sent) / 3 < passed < len(stream.sent):
        yield f'the master has passed on {passed} of {len(stream.sent)}, and two thirds are others\''
    for number in trial.wires.numbers:
        if number != master and trial.count(number, 'passedOn'):
            yield f'unit {number} has passed on {trial.count(number, "passedOn")}'
        strays = trial.count(number, 'notMine') - before[number]
        if strays > len(stream.sent) // 100:
            yield f'{strays} packets have come to unit {number} that were not for it'


def pings(trial):
    """Through the cluster, and to the cluster, whoever of the members answers."""
    for place, target in (('hostA', address('outside', HOST)), ('hostA', address('inside', SHARED)),
                          ('hostB', address('outside', SHARED))):
        lost = 0
        for _ in range(12):
            echo = Echo(trial.wires.namespace(place), target)
            lost += len(echo.ask_all([56, 1400], patience=2.0))
            echo.close()
        if lost:
            yield f'{lost} of 24 pings from {place} to {target} found no answer'
    # An error from the packet's owner, to whom the master has passed it on.
    for _ in range(4):
        echo = Echo(trial.wires.namespace('hostA'), address('outside', HOST), hops=1)
        found = echo.one(2.0)
        if not found or found[0] != 11:
            yield f'a packet at its last hop: {found}'
        echo.close()


def master_goes(trial, act, patience):
    master, _ = trial.members.settle(trial.wires.numbers)
    master = master['unit']
    stream = trial.during(2, lambda: act(master))
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if stream.outage()[0] > patience:
        yield f'a flow was away for {stream.outage()[0] * 1000:.0f} ms'
    left = [number for number in trial.wires.numbers if number != master]
    next_one, _ = trial.members.settle(left)
    yield from points_to(trial, next_one['unit'])
    trial.members.start(master)
    trial.members.settle(trial.wires.numbers)
    yield from clean(trial.during(1, lambda: None), FLOWS)


def master_dies(trial):
    """Its successor says that the cluster's addresses are its own."""
    yield from master_goes(trial, lambda number: trial.members.tell(number, signal.SIGKILL), PATIENCE)


def master_drains(trial):
    yield from master_goes(trial, lambda number: trial.members.end(number), PATIENCE)


def client_dies(trial):
    master, _ = trial.members.settle(trial.wires.numbers)
    victim = next(n for n in trial.wires.numbers if n != master['unit'])
    stream = trial.during(2, lambda: trial.members.tell(victim, signal.SIGKILL))
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    longest, hit = stream.outage()
    if longest > PATIENCE or hit > FLOWS * 2 // 3:
        yield f'{hit} of {FLOWS} flows were away, for {longest * 1000:.0f} ms'
    trial.members.settle([n for n in trial.wires.numbers if n != victim])
    trial.members.start(victim)
    trial.members.settle(trial.wires.numbers)


CASES = [forms, pings, client_dies, master_dies, master_drains]


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
                name = f'forwarding, {method}: {case.__name__}'
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
