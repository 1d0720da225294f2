"""Two gateways under everything at once, for long. Arguments: the program, and the options of tools/soak."""

import argparse
import os
import signal
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib')]

import accounts
from cases import host
from lab_wires import Failure, HOSTS
from lives import resident
from live import Lab, missing
from streams import Bulk
from trouble import BadFrames, Flaps, Repeated
from world import Echo

TROUBLE_EVERY, LEAST_ROWS = 10.0, 12


class Soak:
    def __init__(self, lab, seconds):
        self.lab, self.until = lab, time.monotonic() + seconds
        self.since = time.monotonic()
        self.transfers = self.broken = self.asked = self.answered = 0
        self.wrong, self.memory, self.reloads_asked = [], {'a': [], 'b': []}, 0

    def reload(self):
        for side in 'ab':
            os.kill(self.lab.gateways.processes[side].pid, signal.SIGHUP)
        self.reloads_asked += 1

    def traffic(self):
        """One round: TCP both ways in one family, pings in the other."""
        family = self.transfers % 2
        try:
            bulk = Bulk(host(self.lab, 'a'), host(self.lab, 'b'), HOSTS['b'][family], 4_000_000)
            words, _ = bulk.wait()
        except OSError as error:
            words = [str(error)]
        self.transfers += 1
        self.broken += bool(words)
        if any('others than were sent' in word and word.startswith('0 ') for word in words):
            self.wrong.append('TCP delivered other octets than were sent')
        echo = Echo(host(self.lab, 'b'), HOSTS['a'][1 - family])
        lost = echo.ask_all(range(0, 1400, 29), patience=1.0)
        self.asked += 49
        self.answered += 49 - len(lost)
        if any(error[0] == 'changed' for error in echo.errors):
            self.wrong.append('a ping came back changed')
        echo.close()

    def row(self):
        for side in 'ab':
            process = self.lab.gateways.processes[side]
            if process.poll() is not None:
                with open(self.lab.gateways.path(side + '.log')) as log:
                    raise Failure(f'gateway {side} ended with {process.returncode}: {log.read()[-1000:]}')
            self.memory[side].append(resident(process.pid))
        status = self.lab.gateways.ask('a', 'status')
        ports = {port['side']: port for port in status['ports']}
        drops = sum(drop['packets'] for drop in status['drops'])
        print(f'{time.monotonic() - self.since:7.0f} {ports["inside"]["received"]["packets"]:11} '
              f'{ports["outside"]["received"]["packets"]:11} {drops:9} {status["reloads"]:8} {self.transfers:8} '
              f'{self.broken:7} {self.answered:6}/{self.asked:<6} {self.memory["a"][-1] / 2**20:6.1f} '
              f'{self.memory["b"][-1] / 2**20:6.1f}', flush=True)

    def work(self, every):
        print(f'{"seconds":>7} {"from inside":>11} {"outside":>11} {"drops":>9} {"reloads":>8} {"TCP":>8} '
              f'{"broken":>7} {"pings":>13} {"A, MB":>6} {"B, MB":>6}', flush=True)
        due = self.since
        while time.monotonic() < self.until:
            self.traffic()
            if time.monotonic() >= due:
                self.row()
                due += every

    def judge(self):
        """After all trouble is over: everything goes again, nothing was lost in the books, memory did not grow."""
        yield from self.wrong
        for near, far in (('a', 'b'), ('b', 'a')):
            for address in HOSTS[far]:
                echo = Echo(host(self.lab, near), address)
                deadline = time.monotonic() + 10
                while echo.one(1.0) != 'reply' and time.monotonic() < deadline:
                    echo.errors = []
                lost = echo.ask_all([100] * 200)
                if lost:
                    yield f'when all was quiet again, {len(lost)} of 200 pings to {address} were lost'
                echo.close()
        for side in 'ab':
            status = self.lab.settled(side)
            wrong = accounts.words(status)
            if wrong:
                yield f'gateway {side}: {wrong}'
            if status['reloads'] < self.reloads_asked - 1:
                yield f'gateway {side} was told to reload {self.reloads_asked} times, and did {status["reloads"]} times'
            seen = self.memory[side]
            # What is touched for the first time belongs to the beginning.
            first, last = max(seen[:len(seen) // 3 + 1]), max(seen[-(len(seen) // 3 + 1):])
            if last > first * 1.05 + (1 << 20):
                yield f'gateway {side} grew from {first >> 20} to {last >> 20} MB'


def run(lab, seconds):
    """Sentences of what did not hold."""
    for side in 'ab':
        lab.gateways.start(side)
    outside = lab.wires.namespace('outside')
    status = {side: lab.gateways.ask(side, 'status') for side in 'ab'}
    macs = {side: bytes.fromhex(accounts.port(status[side], 'outside')['mac'].replace(':', '')) for side in 'ab'}
    soak = Soak(lab, seconds)
    bad = [BadFrames(outside, side, macs[side], number) for number, side in enumerate('ab')]
    flaps = Flaps([(outside, 'a'), (outside, 'b')])
    troubles = [*bad, flaps, Repeated(TROUBLE_EVERY, soak.reload)]
    for trouble in troubles:
        trouble.start()
    try:
        soak.work(max(1.0, min(30.0, seconds / LEAST_ROWS)))
    finally:
        for trouble in troubles:
            trouble.stop()
    print(', '.join(f'{sum(one.counts[kind] for one in bad)} {kind}' for kind in bad[0].counts)
          + f', {flaps.count} flaps, {soak.reloads_asked} reloads of each')
    return list(soak.judge())


def main():
    program = sys.argv[1]
    parser = argparse.ArgumentParser(prog='tools/soak')
    parser.add_argument('--seconds', type=float, default=900)
    parser.add_argument('--method', choices=['xdp', 'packet'], default='xdp')
    parser.add_argument('--workers', type=int, default=1)
    choices = parser.parse_args(sys.argv[2:])
    reason = missing(choices.method)
    if reason:
        sys.exit(f'soak: {reason}')
    lab = Lab(program, choices.method, choices.workers)
    try:
        words = run(lab, choices.seconds)
    except Failure as failure:
        words = [str(failure)]
    finally:
        lab.wires.remove()
    for word in words:
        print(f'FAIL {word}')
    print('soak: everything held' if not words else f'soak: {len(words)} did not hold')
    sys.exit(1 if words else 0)


if __name__ == '__main__':
    main()
