"""What each way of waiting costs: how long a ping takes through two gateways, and what a gateway takes of a processor
while nothing comes. Arguments: the program, and optionally methods (xdp, packet). As root. Writes a table; exit 1 when
a gateway that may sleep takes a hundredth of a processor or more for nothing.
"""

import os
import re
import sys
import time

from lab_gateways import Gateways, Wishes
from lab_wires import HOSTS, Failure, Wires

MODES = ['busy', 'adaptive', 'sleep']
MOST_IDLE = 0.01


def used(pid):
    """Seconds of a processor, to the nanosecond, of all threads."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
            total += int(file.read().split()[0])
    return total / 1e9


def idle(pid, seconds=5):
    before = used(pid)
    time.sleep(seconds)
    return (used(pid) - before) / seconds


def pings(wires, *options):
    """Median and 99th percentile in microseconds."""
    done = wires.run('hostA', 'ping', '-n', *options, HOSTS['b'][0], timeout=120)
    times = sorted(float(found) * 1000 for found in re.findall(r'time=([0-9.]+) ms', done.stdout))
    if not times:
        raise Failure(f'no ping came back: {done.stdout.strip()[-200:]}')
    return times[len(times) // 2], times[len(times) * 99 // 100]


def measure(program, method, mode):
    wires = Wires.make(f'l{os.getpid()}')
    try:
        gateways = Gateways(program, wires)
        gateways.write(Wishes(method, polling=mode))
        for side in 'ab':
            gateways.start(side)
        pings(wires, '-c', '50', '-i', '0.01')
        rare = pings(wires, '-c', '500', '-i', '0.01')
        quick = pings(wires, '-c', '5000', '-A')
        time.sleep(1)
        return [*rare, *quick, idle(gateways.processes['a'].pid)]
    finally:
        wires.remove()


def main():
    program, methods = sys.argv[1], sys.argv[2:] or ['xdp', 'packet']
    print('| port | polling | ping every 10 ms: median, µs | 99 % | one after another: median | 99 % | idle, of a core |')
    print('|---|---|---|---|---|---|---|')
    is_right = True
    for method in methods:
        for mode in MODES:
            *times, share = measure(program, method, mode)
            print(f'| {method} | {mode} | ' + ' | '.join(f'{t:.0f}' for t in times) + f' | {share * 100:.2f} % |',
                  flush=True)
            if mode != 'busy' and share >= MOST_IDLE:
                print(f'{method}, {mode}: a gateway with nothing to do takes {share * 100:.2f} % of a core, not less '
                      f'than {MOST_IDLE * 100:.0f}', file=sys.stderr)
                is_right = False
    sys.exit(0 if is_right else 1)


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        print(f'latency: {failure}', file=sys.stderr)
        sys.exit(1)
