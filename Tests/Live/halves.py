"""A segment that falls apart into two, each with hosts and members of its own, and becomes one again. Called by tools/test.

    halves.py PROGRAM [xdp|packet] [CASE...]

                        ┌─ members 1, 2 ─┐
    hostA ── inside ────┤                ├──── outside ── hostB
               ┆        └────────────────┘       ┆
    hostC ── inside2 ──────── member 3 ────── outside2 ── hostD
"""

import functools
import time

from trials import Stream, Trial, brief, clean, main

from cluster_wires import SHARED, SIDES, ClusterWires, address
from lab_wires import call, kinds

OTHER = 101
ALONE = 3
# Between finding out that nobody is there and working alone: joining takes three tries, and nobody may object.
LONELY = 1.5


class TwoSegments(ClusterWires):
    @property
    def places(self):
        return super().places + ['hostC', 'hostD']

    def build(self, queues):
        super().build(queues)
        segment = self.namespace('segment')
        for place, side in zip(('hostC', 'hostD'), SIDES):
            call('ip', '-n', segment, 'link', 'add', 'name', f'{side}2', 'type', 'bridge', 'mcast_snooping', '0',
                 'forward_delay', '0')
            call('ip', '-n', segment, 'link', 'set', f'{side}2', 'up')
            call('ip', '-n', segment, 'link', 'add', 'name', f'{side}-a', 'type', 'veth', 'peer', 'name', f'{side}-b')
            call('ip', '-n', segment, 'link', 'set', f'{side}-a', 'master', side, 'up')
            call('ip', '-n', segment, 'link', 'set', f'{side}-b', 'master', f'{side}2', 'up')
            self.plug(place, side, queues)
            call('ip', '-n', self.namespace(place), 'addr', 'add', address(side, OTHER) + '/24', 'dev', side)
            call('ip', '-n', self.namespace(place), 'route', 'add', 'default', 'via', address(side, SHARED))
            for one in (place, f'member{ALONE}'):
                call('ip', '-n', segment, 'link', 'set', self.port(one, side), 'master', f'{side}2')

    def turn(self, way, pause=0.0):
        """Both segments' trunks, one after the other."""
        for side in SIDES:
            call('ip', '-n', self.namespace('segment'), 'link', 'set', f'{side}-a', way)
            time.sleep(pause)


kinds['halves'] = TwoSegments


class Halves(Trial):
    kind = 'halves'

    def both(self, act):
        """What becomes of the probes of both halves' hosts meanwhile."""
        streams = [Stream(self.wires), Stream(self.wires, ('hostC', 'hostD'), OTHER)]
        try:
            act()
        finally:
            for stream in streams:
                stream.end()
        return streams


def forms(trial):
    """All share the work of both halves' hosts, and nothing is lost while nothing happens."""
    trial.members.start_all()
    trial.members.settle(trial.wires.numbers)
    trial.both(lambda: time.sleep(0.5))
    for stream in trial.both(lambda: time.sleep(1)):
        yield from clean(stream)


def fall_apart_and_meet(trial, pause=0.0):
    def act():
        time.sleep(0.5)
        trial.wires.turn('down')
        time.sleep(2.5)
        trial.wires.turn('up', pause)
        time.sleep(1.5)

    streams = trial.both(act)
    for stream in streams:
        trial.notes.append(brief(stream))
        yield from clean(stream, len(stream.sent))
        longest, _ = stream.outage()
        if longest > LONELY:
            yield f'a flow was away for {longest * 1000:.0f} ms'
    trial.members.settle(trial.wires.numbers)
    for stream in trial.both(lambda: time.sleep(1)):
        yield from clean(stream)


def inside_meets_first(trial):
    """One side is whole before the other: its hosts are heard by both halves, and their masters not yet."""
    yield from fall_apart_and_meet(trial, pause=0.05)


CASES = [forms, fall_apart_and_meet, inside_meets_first]


if __name__ == '__main__':
    main('two halves', CASES, functools.partial(Halves, 'halves'))
