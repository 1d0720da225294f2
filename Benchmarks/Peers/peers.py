#!/usr/bin/env python3
"""Measures a tunnel of ours beside strongSwan's in one run: how many packets pass, and what each costs.

Usage: peers.py HAUBERK TRAFFIC [--rounds N] [--seconds S] [--sizes 64,1400,imix] [--rivals xdp,packet,strongswan,kernel]
       [--json FILE]
TRAFFIC is what traffic.c makes. Everything is two hosts, two gateways and three cables, in namespaces; ESP in UDP with
AES-128-GCM. As root. In every round each rival has its turn, so what else the machine does meets all of them.

The rate is the highest of which less than one packet in 1000 is lost, in a second, and none is 50 ms late. The cost is processor time: that of
gateways, generator, sink and of the kernel's threads for packets, less what generator and sink need at the same rate with
one cable between the two hosts. It is taken twice: at a rate that everybody can do, and at nine tenths of the highest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from rivals import RIVALS

TICK = os.sysconf('SC_CLK_TCK')
# In thousands a second.
RATES = [2.5, 5, 7.5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 140, 170, 200, 230, 260, 300, 350, 400,
         450, 500, 600, 700, 800]


def processor_time(pid):
    """Seconds of all its threads."""
    with open(f'/proc/{pid}/stat') as file:
        words = file.read().rsplit(')', 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICK


def packet_threads():
    """The kernel's, for what no process was there to do."""
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/comm') as file:
                if file.read().startswith('ksoftirqd/'):
                    yield int(pid)
        except FileNotFoundError:
            pass


def busy():
    """Seconds of the whole machine: everything but idle, waiting, stolen, and guests, which are in user already."""
    with open('/proc/stat') as file:
        words = [int(word) for word in file.readline().split()[1:]]
    return (sum(words[:7]) - words[3] - words[4]) / TICK


class Run:
    """One run of the generator."""

    def __init__(self, traffic, rival, size, thousands, seconds):
        watched = rival.processes + list(packet_threads())
        before, machine = [processor_time(pid) for pid in watched], busy()
        done = subprocess.run([traffic, *rival.ends(), size, str(int(thousands * 1000)), str(seconds)],
                              capture_output=True, text=True, check=True)
        said = json.loads(done.stdout)
        self.machine = busy() - machine
        others = sum(processor_time(pid) - since for pid, since in zip(watched, before))
        self.sent, self.received, self.late = said['sent'], said['received'], max(0, said['late'])
        self.seconds = said['seconds'] + self.late
        self.ends, self.gateways = said['sendCPU'] + said['receiveCPU'], others
        if said['wrong']:
            raise SystemExit(f'{rival.title}: {said["wrong"]} datagrams are not as they were sent')

    @property
    def loss(self):
        return 1 - self.received / max(1, self.sent)

    @property
    def thousands(self):
        return self.received / self.seconds / 1000

    @property
    def microseconds(self):
        """Of a processor for each packet that came."""
        return (self.ends + self.gateways) / max(1, self.received) * 1e6


def highest(traffic, rival, size):
    """The rate, by halving: one that fails is tried once more, because the machine has other work too."""
    low, high = -1, len(RATES)
    while high - low > 1:
        middle = (low + high) // 2 if low >= 0 else min((low + high) // 2, 12)
        runs = (Run(traffic, rival, size, RATES[middle], 1) for _ in range(2))
        if any(run.loss < 0.001 and run.late < 0.05 and run.sent > RATES[middle] * 950 for run in runs):
            low = middle
        else:
            high = middle
    return RATES[low] if low >= 0 else 0


def measure(arguments, rivals, size, results):
    direct = rivals['direct']
    tops = {}
    for name, rival in rivals.items():
        if name != 'direct':
            tops[name] = highest(arguments.traffic, rival, size)
    common = min(tops.values()) * 0.9
    alone = {}
    for name, top in tops.items():
        found = {'rate': top}
        for kind, rate in (('common', common), ('own', top * 0.9)):
            if rate not in alone:
                alone[rate] = Run(arguments.traffic, direct, size, rate, arguments.seconds).microseconds
            run = Run(arguments.traffic, rivals[name], size, rate, arguments.seconds)
            found[kind] = {'thousands': rate, 'loss': run.loss, 'alone': alone[rate], 'gross': run.microseconds,
                           'net': run.microseconds - alone[rate], 'machine': run.machine / max(1, run.received) * 1e6}
        run = Run(arguments.traffic, rivals[name], size, 0, 1)
        found['flood'] = {'thousands': run.thousands, 'loss': run.loss, 'gross': run.microseconds}
        results.setdefault(size, {}).setdefault(name, []).append(found)
        print(f'{size:>5} {name:<11} {top:6.1f} k/s; at {common:5.1f} k/s {found["common"]["net"]:6.2f} us, at '
              f'{top * 0.9:5.1f} k/s {found["own"]["net"]:6.2f} us; flooded {run.thousands:6.1f} k/s', file=sys.stderr)


def median(list_, *path):
    def at(found):
        for step in path:
            found = found[step]
        return found
    return statistics.median(map(at, list_))


def table(results):
    print('| octets | | k packets/s | flooded | us each, at | k/s | ratio | us each, at 0.9 of its own | ratio |')
    print('|---|---|---|---|---|---|---|---|---|')
    for size, rivals in results.items():
        for name, list_ in rivals.items():
            cells = [f'{median(list_, "rate"):.1f}', f'{median(list_, "flood", "thousands"):.1f}']
            for kind in ('common', 'own'):
                net = median(list_, kind, 'net')
                cells.append(f'{net:.2f}')
                if kind == 'common':
                    cells.append(f'{median(list_, kind, "thousands"):.1f}')
                theirs = median(rivals['strongswan'], kind, 'net') if 'strongswan' in rivals else 0
                cells.append(f'{theirs / net:.1f}' if net > 0 else '')
            print(f'| {size} | {RIVALS[name].title} | {" | ".join(cells)} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('hauberk', type=os.path.abspath)
    parser.add_argument('traffic', type=os.path.abspath)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--sizes', default='64,1400,imix')
    parser.add_argument('--rivals', default='xdp,packet,strongswan,kernel')
    parser.add_argument('--json')
    arguments = parser.parse_args()
    names = ['direct'] + arguments.rivals.split(',')
    if not set(names) <= set(RIVALS):
        sys.exit(f'peers.py: rivals are {", ".join(RIVALS)}')
    # All of them alike: other work on the machine comes second, and disturbs less.
    os.nice(-10)
    rivals, results = {}, {}
    try:
        for number, name in enumerate(names):
            rivals[name] = RIVALS[name](number, arguments.hauberk)
        for rival in rivals.values():
            # Neighbours get to know each other.
            for _ in range(5):
                if Run(arguments.traffic, rival, '64', 0.2, 0.5).received:
                    break
                time.sleep(0.5)
            else:
                raise SystemExit(f'{rival.title}: nothing comes through')
        for _ in range(arguments.rounds):
            for size in arguments.sizes.split(','):
                measure(arguments, rivals, size, results)
    finally:
        for rival in rivals.values():
            for word in rival.end():
                print(word, file=sys.stderr)
    table(results)
    if arguments.json:
        with open(arguments.json, 'w') as file:
            json.dump(results, file, indent=1)


if __name__ == '__main__':
    main()
