"""Two gateways under everything at once, for long. Arguments: the program, and the options of tools/soak.

Trouble and calm take turns; reloads never stop. In trouble links go down, and wrong frames come; then packets may be lost,
but every one is counted. In calm none may be."""

import argparse
import os
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib')]

import accounts
from belongings import grown, resident, settled
from calm import Calm, UNASKED, until_quiet
from cases import host
from lab_wires import Failure, HOSTS
from live import Lab
from replacement import Replacement
from streams import Bulk
from trials import missing
from trouble import BadFrames, Flaps
from world import Echo

RELOAD_EVERY, ROUNDS = 10.0, 6
# What a gateway tells the sender of.
LEARNING = {'tooBigForPath'}
HEADS = f'{"seconds":>7} {"from inside":>11} {"outside":>11} {"drops":>9} {"reloads":>8} {"TCP":>8} {"broken":>7} ' \
    f'{"pings":>13} {"calm":>7} {"back, s":>8} {"A, MB":>6} {"B, MB":>6}'


class Soak:
    def __init__(self, lab, seconds):
        self.lab, self.seconds, self.since = lab, seconds, time.monotonic()
        self.transfers = self.broken = self.asked = self.answered = self.unharmed = 0
        self.words, self.memory, self.held = [], {'a': [], 'b': []}, {}
        outside = lab.wires.namespace('outside')
        macs = {side: bytes.fromhex(accounts.port(lab.gateways.ask(side, 'status'), 'outside')['mac'].replace(':', ''))
                for side in 'ab'}
        # In a short run the same happens, faster.
        hurry = min(1.0, seconds / 200)
        self.bad = [BadFrames(outside, side, macs[side], number) for number, side in enumerate('ab')]
        self.flaps = Flaps([(outside, 'a'), (outside, 'b')], pause=max(1.5, 7.0 * hurry))
        self.troubles = [*self.bad, self.flaps]
        self.reloads = Replacement(lab.gateways, max(1.0, RELOAD_EVERY * hurry))

    def pids(self):
        return {side: self.lab.gateways.processes[side].pid for side in 'ab'}

    def trouble(self, until):
        """TCP both ways in one family, pings in the other, again and again."""
        for one in self.troubles:
            one.resume()
        while time.monotonic() < until:
            family = self.transfers % 2
            try:
                bulk = Bulk(host(self.lab, 'a'), host(self.lab, 'b'), HOSTS['b'][family], 4_000_000)
                words, _ = bulk.wait()
            except OSError as error:
                words = [str(error)]
            self.transfers += 1
            self.broken += bool(words)
            if any('others than were sent' in word and word.startswith('0 ') for word in words):
                self.words.append('TCP delivered other octets than were sent')
            echo = Echo(host(self.lab, 'b'), HOSTS['a'][1 - family])
            lost = echo.ask_all(range(0, 1400, 29), patience=1.0)
            self.asked += 49
            self.answered += 49 - len(lost)
            if any(error[0] == 'changed' for error in echo.errors):
                self.words.append('a ping came back changed')
            echo.close()
        for one in self.troubles:
            one.rest()

    def calm(self, until):
        """The seconds until it was."""
        back = until_quiet(self.lab)
        if back is None:
            raise Failure(f'after {time.monotonic() - self.since:.0f} s, when all was quiet again, no packet passed')
        calm, turn = Calm(self.lab), self.unharmed
        while True:
            calm.work(turn)
            turn += 1
            if time.monotonic() >= until:
                break
        self.unharmed += calm.sent
        when = f'after {time.monotonic() - self.since:.0f} s, in calm: '
        self.words += [when + word for word in calm.judge()]
        return back

    def row(self, back):
        for side, pid in self.pids().items():
            if self.lab.gateways.processes[side].poll() is not None:
                with open(self.lab.gateways.path(side + '.log')) as log:
                    raise Failure(f'gateway {side} has ended: {log.read()[-1000:]}')
            self.memory[side].append(resident(pid))
        status = self.lab.gateways.ask('a', 'status')
        ports = {port['side']: port for port in status['ports']}
        drops = sum(drop['packets'] for drop in status['drops'])
        print(f'{time.monotonic() - self.since:7.0f} {ports["inside"]["received"]["packets"]:11} '
              f'{ports["outside"]["received"]["packets"]:11} {drops:9} {status["reloads"]:8} {self.transfers:8} '
              f'{self.broken:7} {self.answered:6}/{self.asked:<6} {self.unharmed:7} {back:8.2f} '
              f'{self.memory["a"][-1] / 2**20:6.1f} {self.memory["b"][-1] / 2**20:6.1f}', flush=True)

    def work(self):
        print(HEADS, flush=True)
        # Hosts learn how long a packet may be.
        until_quiet(self.lab)
        for turn in range(2):
            Calm(self.lab).work(turn)
        for one in [*self.troubles, self.reloads]:
            one.start()
        self.reloads.resume()
        rounds = max(ROUNDS, round(self.seconds / 30))
        try:
            for number in range(rounds):
                begin = self.since + self.seconds * number / rounds
                length = self.seconds / rounds
                self.trouble(begin + 0.6 * length)
                self.row(self.calm(begin + length))
                if number == 0:
                    self.held = {side: settled(pid) for side, pid in self.pids().items()}
        finally:
            for one in [*self.troubles, self.reloads]:
                one.stop()
        self.words += self.reloads.words

    def judge(self):
        """In the end: no reload was forgotten, and nothing grew."""
        yield from self.words
        if self.broken:
            yield f'{self.broken} of {self.transfers} TCP transfers did not come to their end'
        for bad, (side, pid) in zip(self.bad, self.pids().items()):
            lost = {drop['reason']: drop['packets'] for drop in self.lab.settled(side)['drops']
                    if drop['reason'] not in UNASKED | LEARNING}
            faults = sum(bad.counts.values())
            if sum(lost.values()) > faults:
                yield f'gateway {side} lost more than the {faults} wrong frames that it was sent: {lost}'
            reloads = self.lab.gateways.ask(side, 'status')['reloads']
            if reloads != self.reloads.done:
                yield f'gateway {side} was told to reload {self.reloads.done} times, and did {reloads} times'
            sas = self.lab.gateways.ask(side, 'show', 'sas')
            wanted = 2 * len(self.lab.gateways.texts[side]['tunnels'])
            if len(sas['rows']) != wanted:
                yield f'gateway {side} has {len(sas["rows"])} SAs, and {wanted} in its configuration'
            if words := grown(pid, self.held[side]):
                yield f'what gateway {side} holds has changed: {words}'
            seen = self.memory[side]
            # What is touched for the first time belongs to the beginning.
            first, last = max(seen[:len(seen) // 3 + 1]), max(seen[-(len(seen) // 3 + 1):])
            if last > first * 1.02 + (1 << 20):
                yield f'gateway {side} grew from {first >> 20} to {last >> 20} MB'

    def summary(self):
        kinds = ', '.join(f'{sum(one.counts[kind] for one in self.bad)} {kind}' for kind in self.bad[0].counts)
        reloads = self.reloads
        return (f'{kinds}, {self.flaps.count} flaps, {reloads.done} reloads of each and {reloads.refused} refused, '
                f'the slowest in {reloads.slowest * 1000:.0f} ms, SAs replaced {reloads.replaced} times; '
                f'{self.unharmed} packets in calm')


def run(program, method, workers, seconds):
    """Sentences of what did not hold."""
    lab = Lab(program, method, workers)
    print(f'{method}, {workers} worker{"s" * (workers > 1)}, {seconds:.0f} s', flush=True)
    try:
        for side in 'ab':
            lab.gateways.start(side)
        soak = Soak(lab, seconds)
        try:
            soak.work()
        except Failure as failure:
            return [*soak.words, *soak.reloads.words, str(failure)]
        finally:
            print(soak.summary(), flush=True)
        return list(soak.judge())
    except Failure as failure:
        return [str(failure)]
    finally:
        lab.wires.remove()


def main():
    program = sys.argv[1]
    parser = argparse.ArgumentParser(prog='tools/soak')
    parser.add_argument('--seconds', type=float, default=900)
    parser.add_argument('--method', choices=['xdp', 'packet'])
    parser.add_argument('--workers', type=int)
    choices = parser.parse_args(sys.argv[2:])
    modes, words = [], []
    for method in [choices.method] if choices.method else ['xdp', 'packet']:
        reason = missing(method)
        if reason:
            print(f'skipped: {method}: {reason}')
        else:
            modes += [(method, workers) for workers in ([choices.workers] if choices.workers else [1, 2])]
    until = time.monotonic() + choices.seconds
    for number, (method, workers) in enumerate(modes):
        # Making namespaces, starting and ending take their part.
        share = (until - time.monotonic()) / (len(modes) - number) - 3
        words += [f'{method}, {workers}: {word}' for word in run(program, method, workers, max(10.0, share))]
    for word in words:
        print(f'FAIL {word}')
    print('soak: everything held' if not words else f'soak: {len(words)} did not hold')
    sys.exit(1 if words else 0)


if __name__ == '__main__':
    main()
