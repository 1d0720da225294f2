"""Three members whose master forwards (C22.1): what has to hold while it works, and when it goes. Called by tools/test.

    forwarding.py PROGRAM [xdp|packet] [CASE...]
"""

import re
import signal

from trials import FLOWS, PATIENCE, RATE, Trial, brief, clean, dies, main

from cluster_wires import HOST, SHARED, address
from world import Echo


class Forwarding(Trial):
    def __init__(self, program, method):
        super().__init__('forward', program, method, delivery='delivery: master')

    def count(self, number, name):
        """A counter or a reason of a member's."""
        lists = [self.members.show(number, what) for what in ('counters', 'drops')]
        rows = [row for each in lists for row in each['rows']]
        return sum(row.get('value', row.get('packets', 0)) for row in rows if name in (row.get('name'), row.get('reason')))

    def neighbour(self, place, side, of):
        """The MAC address that a host has in its table, or None."""
        found = re.search('lladdr ([0-9a-f:]+)', self.wires.run(place, 'ip', 'neigh', 'show', of, 'dev', side).stdout)
        return found and found[1]


def points_to(trial, number):
    """Hosts have the master's own MAC address for the cluster's."""
    for place, side in (('hostA', 'inside'), ('hostB', 'outside')):
        echo = Echo(trial.wires.namespace(place), address(side, SHARED))
        echo.one(2.0)
        echo.close()
        found, own = trial.neighbour(place, side, address(side, SHARED)), trial.mac(f'member{number}', side)
        if found != own:
            yield f'{place} sends to {found}, and the master, unit {number}, is {own}'


def forms(trial):
    """The master alone sees the traffic, everybody works, nothing is lost or comes twice."""
    trial.members.start_all()
    master = trial.master()
    before = {number: trial.count(number, 'notMine') for number in trial.wires.numbers}
    stream = trial.during(1, lambda: None)
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


def master_goes(trial, act, mayLose, patience):
    master = trial.master()
    stream = trial.during(2, lambda: act(master))
    trial.notes.append(brief(stream))
    yield from clean(stream, mayLose)
    if stream.outage()[0] > patience:
        yield f'a flow was away for {stream.outage()[0] * 1000:.0f} ms'
    next_one, _ = trial.members.settle(trial.others(master))
    yield from points_to(trial, next_one['unit'])
    stream = trial.during(1, lambda: trial.bring_back(master))
    trial.notes.append(f'back: {brief(stream)}')
    yield from clean(stream, FLOWS)


def master_dies(trial):
    """Its successor says that the cluster's addresses are its own."""
    yield from master_goes(trial, lambda number: trial.members.tell(number, signal.SIGKILL), round(RATE * PATIENCE),
                           PATIENCE)


def master_drains(trial):
    """It goes on passing on until hosts have heard of the next one."""
    yield from master_goes(trial, trial.members.end, 0, 0.1)


def client_dies(trial):
    yield from dies(trial, trial.client())


CASES = [forms, pings, client_dies, master_dies, master_drains]


if __name__ == '__main__':
    main('forwarding', CASES, Forwarding)
