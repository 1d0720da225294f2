"""What has to hold between two times of trouble: nothing at all is lost, while gateways are told to reload."""

import time

import accounts
from cases import both_ways, host
from streams import Bulk, udp_bursts
from world import Echo

# What the hosts' kernels send on their own, and everybody is free to throw away.
UNASKED = {'foreignMAC'}


def losses(status):
    """By reason: the gateway's, and its ports'."""
    found = {drop['reason']: drop['packets'] for drop in status['drops'] if drop['reason'] not in UNASKED}
    for port in status['ports']:
        for way in ('received', 'sent'):
            for name, count in port[way]['drops'].items():
                found[f'{port["side"]}, {way}: {name}'] = count
    return found


def until_quiet(lab, patience=10.0):
    """Until every way is open again. Seconds that this took; None where one stays shut."""
    since = time.monotonic()
    for near, _, address in both_ways():
        echo = Echo(host(lab, near), address)
        number = 0
        while not echo.replies and time.monotonic() - since < patience:
            echo.ask(number)
            number += 1
            echo.hear(0.02)
        is_open = bool(echo.replies)
        echo.close()
        if not is_open:
            return None
    return time.monotonic() - since


class Calm:
    """Counts what was sent when nothing was wrong, and says what of it was lost."""

    def __init__(self, lab):
        self.lab, self.sent, self.words = lab, 0, []
        self.before = {side: losses(lab.settled(side)) for side in 'ab'}

    def work(self, turn):
        """One family a turn: TCP, then every tenth size of pings, then bursts of UDP."""
        ways = [way for way in both_ways() if (':' in way[2]) == bool(turn % 2)]
        near, far, address = ways[0]
        try:
            words, _ = Bulk(host(self.lab, near), host(self.lab, far), address, 2_000_000).wait()
        except OSError as error:
            words = [str(error)]
        self.words += [f'TCP to {address}: {word}' for word in words]
        for near, far, address in ways:
            echo = Echo(host(self.lab, near), address)
            sizes = range(turn % 10, 1300, 10)
            lost = echo.ask_all(sizes)
            self.sent += len(sizes)
            if lost or echo.errors:
                self.words.append(f'{len(lost)} of {len(sizes)} pings to {address} were lost; {echo.errors[:3]}')
            pieces = Echo(host(self.lab, near), address)
            lost = pieces.ask_all([4000] * 16, at_once=4)
            self.sent += 16 * 3
            if lost or pieces.errors:
                self.words.append(f'{len(lost)} of 16 pings in pieces to {address} were lost; {pieces.errors[:3]}')
            pieces.close()
            echo.close()
            bad = udp_bursts(host(self.lab, near), host(self.lab, far), address, bursts=8, count=32)
            self.sent += 256
            if bad:
                self.words.append(f'{bad} of 256 datagrams to {address} were lost or changed')

    def judge(self):
        for side in 'ab':
            status = self.lab.settled(side)
            wrong = accounts.words(status)
            if wrong:
                self.words.append(f'gateway {side}: {wrong}')
            now = losses(status)
            lost = {name: count - self.before[side].get(name, 0) for name, count in now.items()
                    if count != self.before[side].get(name, 0)}
            if lost:
                self.words.append(f'gateway {side} lost {lost}')
        return self.words
