"""The two gateways of a lab: keys, configurations, processes, and what they say of themselves."""

import json
import os
import secrets
import signal
import subprocess
import time

from lab_wires import Failure, INSIDE, NETWORKS, OUTSIDE

# Octets of a cipher's key, with the salt where there is one; a null cipher has none.
KEYS = {'gcm': 4, 'gmac': 4, 'ctr': 4, 'cbc': 0}
INTEGRITY = {'hmac-sha1-96': 20, 'hmac-sha256': 32, 'hmac-sha384': 48, 'hmac-sha512': 64}


class Wishes:
    def __init__(self, method='auto', workers=1, group=False, suite='aes-128-gcm',
                 polling='adaptive'):
        self.polling = polling
        self.method, self.workers, self.group, self.suite = method, workers, group, suite


def suite_fields(suite):
    """What a configuration says of it, and how long its keys are."""
    cipher, _, integrity = suite.partition('+')
    found = {'cipher': cipher}
    if cipher == 'chacha20-poly1305':
        octets = 36
    elif cipher == 'null':
        octets = 0
    else:
        parts = cipher.split('-')
        if len(parts) != 3 or parts[0] != 'aes' or not parts[1].isdigit() or parts[2] not in KEYS:
            raise Failure(f'there is no suite {suite!r}: aes-128-gcm, chacha20-poly1305, aes-256-cbc+hmac-sha256, ...')
        octets = int(parts[1]) // 8 + KEYS[parts[2]]
    if integrity:
        if integrity not in INTEGRITY:
            raise Failure(f'there is no integrity {integrity!r}, but {", ".join(INTEGRITY)}')
        found['integrity'] = integrity
        octets += INTEGRITY[integrity]
    return found, octets


class Gateways:
    def __init__(self, program, wires):
        self.program, self.wires = program, wires
        self.processes = {}
        # What the configurations say, by side.
        self.texts = {}

    def path(self, name):
        return os.path.join(self.wires.folder, name)

    def socket(self, side):
        return self.path(side + '.sock')

    def write(self, wishes):
        """Both configurations, with keys that nobody else has."""
        cipher, octets = suite_fields(wishes.suite)
        keys = {side: secrets.token_hex(octets) for side in 'ab'}
        now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
        for number, (side, other) in enumerate([('a', 'b'), ('b', 'a')]):
            os.makedirs(self.path('nonces-' + side), mode=0o700)
            text = {
                'unit': {'number': number, 'stateDirectory': self.path('nonces-' + side)},
                'cluster': {'addresses': [OUTSIDE[side]]},
                'ports': {
                    'inside': {'device': 'inside', 'method': wishes.method, 'addresses': [
                        address + '/' + network.split('/')[1]
                        for address, network in zip(INSIDE[side], NETWORKS[side])]},
                    'outside': {'device': 'outside', 'method': wishes.method, 'addresses': [OUTSIDE[side] + '/24']},
                },
                'workers': wishes.workers,
                'polling': wishes.polling,
                'operation': {'control': self.socket(side)},
            }
            common = {'name': 'site', 'address': OUTSIDE[side], 'keysBorn': now, **cipher}
            if wishes.group:
                text['groups'] = [{
                    **common, 'spi': 0x10000, 'senderIDBits': 8, 'units': 2, 'key': keys['a'],
                    'local': list(NETWORKS[side]),
                    'sites': [{'gateway': OUTSIDE[other], 'networks': list(NETWORKS[other])}]}]
            else:
                text['tunnels'] = [{
                    **common, 'peer': OUTSIDE[other], 'inboundSPI': 0x1001 + 0x1000 * number,
                    'outboundSPI': 0x2001 - 0x1000 * number, 'inboundKey': keys[side], 'outboundKey': keys[other],
                    'local': list(NETWORKS[side]), 'remote': list(NETWORKS[other])}]
            self.texts[side] = text
            self.save(side)

    def save(self, side):
        """In one step: a gateway may be about to read it."""
        path = self.configuration(side)
        with open(path + '.new', 'w', opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            # JSON is YAML.
            json.dump(self.texts[side], file, indent=2)
        os.rename(path + '.new', path)

    def configuration(self, side):
        return self.path(side + '.yaml')

    def start(self, side, begin=True, wait=10.0, options=()):
        """Milliseconds until its ports are open; 0 where nobody waits for that."""
        options = (['--begin'] if begin else []) + list(options)
        since = time.monotonic()
        with open(self.path(side + '.log'), 'a') as log:
            process = self.wires.start(
                f'gateway{side.upper()}', self.program, 'run', self.configuration(side), *options, stdout=log,
                stderr=log)
        self.processes[side] = process
        if wait == 0:
            return 0.0
        while time.monotonic() - since < wait:
            if process.poll() is not None:
                break
            if self.is_running(side):
                return (time.monotonic() - since) * 1000
            time.sleep(0.002)
        with open(self.path(side + '.log')) as log:
            last = log.read().strip().splitlines()[-3:]
        raise Failure(f'gateway {side.upper()} does not run: {" ".join(last) or "it says nothing"}')

    def is_running(self, side):
        """By its log: the moment when its ports are open."""
        with open(self.path(side + '.log')) as log:
            return 'running after' in log.read()[self.marks.get(side, 0):]

    @property
    def marks(self):
        return self.wires.record.setdefault('marks', {})

    def stop(self, side, number=signal.SIGTERM):
        process = self.processes.pop(side)
        os.kill(process.pid, number)
        code = process.wait(timeout=20)
        self.marks[side] = os.path.getsize(self.path(side + '.log'))
        return code

    def status(self, side, *options):
        """For a person. The program's exit code."""
        return subprocess.run([self.program, 'status', '--control', self.socket(side), *options]).returncode

    def ask(self, side, *words):
        """For a machine."""
        done = subprocess.run([self.program, *words, '--control', self.socket(side), '--json'], capture_output=True,
                              text=True, timeout=10)
        if done.returncode != 0:
            raise Failure(f'hauberk {" ".join(words)} of gateway {side.upper()}: {done.stderr.strip()}')
        return json.loads(done.stdout)
