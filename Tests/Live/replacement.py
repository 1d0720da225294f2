"""Reloads of both gateways, again and again: a tunnel's SAs are replaced by others, in three steps, so that neither ever
seals with what the other does not have; then the same configuration again; then one that is refused."""

import os
import secrets
import signal
import subprocess
import time

from lab_wires import Failure
from trouble import Trouble


class Replacement(Trouble):
    """`words` are sentences of what did not go as it should."""

    def __init__(self, gateways, pause):
        super().__init__(pause)
        self.gateways, self.words = gateways, []
        self.done, self.refused, self.replaced, self.slowest = 0, 0, 0, 0.0
        self.steps = [self.add, self.prefer, self.remove, self.same, self.broken]
        self.spi = 0x10001

    def once(self):
        try:
            self.steps[self.count % len(self.steps)]()
        except (Failure, OSError, subprocess.TimeoutExpired) as error:
            self.words.append(f'a reload ({self.count}): {error}')
        return 1

    def tunnels(self, side):
        return self.gateways.texts[side]['tunnels']

    def add(self):
        """Both can open with the new SAs before anybody seals with them."""
        keys = {side: secrets.token_hex(len(self.tunnels(side)[0]['inboundKey']) // 2) for side in 'ab'}
        for number, (side, other) in enumerate([('a', 'b'), ('b', 'a')]):
            old = self.tunnels(side)[0]
            self.tunnels(side).append({
                **old, 'name': f'site-{self.spi:x}', 'inboundSPI': self.spi + number,
                'outboundSPI': self.spi + 1 - number, 'inboundKey': keys[side], 'outboundKey': keys[other],
                'keysBorn': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())})
        self.spi += 2
        self.reload()

    def prefer(self):
        for side in 'ab':
            self.tunnels(side).reverse()
        self.reload()

    def remove(self):
        for side in 'ab':
            self.tunnels(side).pop()
        self.reload()
        self.replaced += 1

    def reload(self):
        for side in 'ab':
            self.gateways.save(side)
            since = time.monotonic()
            self.gateways.ask(side, 'reload')
            self.slowest = max(self.slowest, time.monotonic() - since)
        self.done += 1

    def same(self):
        for side in 'ab':
            os.kill(self.gateways.processes[side].pid, signal.SIGHUP)
        self.done += 1

    def broken(self):
        """Its last octet is missing: nothing changes, and it is said why."""
        for side in 'ab':
            path = self.gateways.configuration(side)
            with open(path, 'r+') as file:
                file.truncate(os.path.getsize(path) - 1)
            try:
                self.gateways.ask(side, 'reload')
                self.words.append(f'gateway {side} took a configuration that is cut off')
            except Failure as refusal:
                if 'nothing has changed' not in str(refusal):
                    self.words.append(f'gateway {side} refused a configuration without saying so: {refusal}')
            self.gateways.save(side)
        self.refused += 1
