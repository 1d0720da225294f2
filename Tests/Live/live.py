"""Two gateways between two kernels, for real: AF_XDP and AF_PACKET, one worker and two, IPv4 and IPv6.

Arguments: the program, and optionally methods (xdp, packet), numbers of workers (1, 2) and names of cases. As root.
Traffic goes over each method with one worker and two. What happens to a gateway in its life takes longest and goes over
two of the four, or with `all` over all.
"""

import functools
import os
import sys
import time

from trials import METHODS, TROUBLE, Tally, missing, told

import accounts
import jumbo
import lives
import offloads
import operation
import renewal
import strays
import vanish
from cases import TRAFFIC
from lab_gateways import Gateways, Wishes
from lab_wires import OUTSIDE, Wires
from watch import Watch, between_gateways, towards_host
from world import checksum


class Lab:
    """A lab, and what watches it."""

    # AES-GCM: 20 of the outer header, 8 of ESP, 8 of the IV, 16 of the tag; padding to a multiple of 4, behind it 2.
    inner_mtu = 1446
    checksum = staticmethod(checksum)

    def __init__(self, program, method, workers):
        self.notes, self.method, self.workers = [], method, workers
        self.wires = Wires.make(f't{os.getpid()}', workers)
        self.gateways = Gateways(program, self.wires)
        self.gateways.write(Wishes(method, workers))

    def note(self, word):
        self.notes.append(word)

    def look(self):
        before, pair = self.sent(), list(OUTSIDE.values())
        outside = self.wires.namespace('outside')
        self.watches = {
            ('a', 'inside'): Watch(self.wires.namespace('hostA'), 'inside', towards_host),
            ('b', 'inside'): Watch(self.wires.namespace('hostB'), 'inside', towards_host),
            ('a', 'outside'): Watch(outside, 'a', between_gateways(pair)),
            ('b', 'outside'): Watch(outside, 'b', between_gateways(pair)),
        }
        self.unseen = before, self.sent()

    def sent(self):
        """What gateways that run have sent until now."""
        return {(side, port): accounts.port(self.gateways.ask(side, 'status'), port)['sent']['packets']
                for side in self.gateways.processes for port in ('inside', 'outside')}

    def settled(self, side, patience=3.0):
        """A gateway's status when nothing moves any more: not at its ports, and not from control to a worker either."""
        deadline = time.monotonic() + patience
        before = None
        while True:
            status = self.gateways.ask(side, 'status')
            now = [(port['received'], port['sent']) for port in status['ports']], status['drops'], status['counters']
            if now == before or time.monotonic() > deadline:
                return status
            before = now
            time.sleep(0.1)

    def seen(self):
        """Frames at the other ends, against what the gateways say they sent; and what should not have been there."""
        time.sleep(0.2)
        before = {side: self.settled(side) for side in 'ab'}
        missed = {place: watch.stop() for place, watch in self.watches.items()}
        # A gateway tells of its addresses by itself, now and then.
        statuses = {side: self.settled(side) for side in 'ab'}
        for (side, port), watch in self.watches.items():
            came = watch.frames + missed[side, port]
            least, most = (accounts.port(status[side], port)['sent']['packets'] - unseen.get((side, port), 0)
                           for status, unseen in zip((before, statuses), reversed(self.unseen)))
            if not least <= came <= most:
                yield f'gateway {side} says it sent {least} to {most} frames {port}, {came} came: {watch.kinds}'
            for strange in watch.strange:
                yield f'gateway {side}, {port}: {strange}'
        for side, status in statuses.items():
            wrong = accounts.words(status)
            if wrong:
                yield f'gateway {side}: {wrong}; {status["drops"]} {status["counters"]}'.replace("'", '')


LIVES = [('xdp', 2), ('packet', 1)]


def one(tally, program, method, workers, wanted, isWhole):
    lab, title = Lab(program, method, workers), f'{method}, {workers} worker{"s" * (workers > 1)}'
    try:
        lab.look()
        for side in 'ab':
            lab.gateways.start(side)

        def go(name, case):
            if not wanted or name in wanted:
                tally.run(f'{title}: {name}', functools.partial(case, lab), lab.notes)

        for case in TRAFFIC:
            go(case.__name__, case)
        go('seen', Lab.seen)
        for case in offloads.CASES + renewal.CASES + operation.CASES:
            go(case.__name__, case)
        if isWhole or wanted or (method, workers) in LIVES:
            for case in vanish.CASES + lives.CASES + jumbo.CASES + strays.CASES:
                go(case.__name__, case)
    finally:
        tally.take_away(title, lab.wires)


def main():
    program, words = sys.argv[1], sys.argv[2:]
    methods = [word for word in words if word in METHODS] or METHODS
    counts = [int(word) for word in words if word.isdigit()] or [1, 2]
    isWhole = 'all' in words
    wanted = {word for word in words if word not in methods and word != 'all' and not word.isdigit()}
    tally, skipped = Tally(), []
    for method in methods:
        reason = missing(method)
        if reason:
            skipped.append(f'{method}: {reason}')
            continue
        for workers in counts:
            try:
                one(tally, program, method, workers, wanted, isWhole)
            except TROUBLE as trouble:
                if 'not here yet' in str(trouble):
                    skipped.append(f'{method}: {trouble}')
                    break
                tally.tell(f'{method}, {workers}', [told(trouble)])
    for reason in skipped:
        print(f'skipped: {reason}')
    tally.end(mayBeNone=bool(skipped))


if __name__ == '__main__':
    main()
