"""The members of a cluster: their certificates and configurations, their processes, and what they say of themselves."""

import json
import os
import signal
import subprocess
import time

from lab_wires import Failure

NAME = 'lab'


def make_identities(program, folder, addresses):
    """An authority and a certificate for every unit. `addresses` by number, inside and outside."""
    authority = os.path.join(folder, 'authority')
    identify(program, 'authority', '--cluster', NAME, '--out', authority)
    for number, (inside, outside) in addresses.items():
        identify(program, 'unit', '--authority', authority, '--number', str(number), '--address', inside, '--address',
                 outside, '--out', os.path.join(folder, f'unit{number}.pem'))


def identify(program, *words):
    done = subprocess.run([program, 'identity', *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())


MULTICAST = 'multicastMAC: 03-00-00-00-00-01'
UNICAST = 'unicastMAC: 02-00-00-00-00-01'
BYPASS = '  - action: bypass'


def configuration(number, addresses, folder, identities, shared, devices, method='auto', pace='normal', workers=1,
                  more='', delivery=MULTICAST, policies=BYPASS, also=('', '')):
    """As YAML. `shared` and `devices`: inside and outside; `also`: what else a side's own addresses are."""
    units = '\n'.join(f'    - {{number: {unit}, inside: {inside}, outside: {outside}}}'
                      for unit, (inside, outside) in addresses.items())
    ports = '\n'.join(
        f'  {side}: {{device: {device}, method: {method}, takeAddresses: true, addresses: [{own}/24{others}]}}'
        for side, device, own, others in zip(('inside', 'outside'), devices, addresses[number], also))
    return f'''unit:
  number: {number}
  stateDirectory: {folder}/state{number}
  certificate: {identities}/unit{number}.pem
  key: {identities}/unit{number}.key
cluster:
  name: {NAME}
  addresses: [{", ".join(shared)}]
  key: 000102030405060708090a0b0c0d0e0f
  {delivery}
  authority: {identities}/authority/authority.pem
  revocations: {identities}/authority/revoked.pem
  pace: {pace}
  units:
{units}
ports:
{ports}
workers: {workers}
policies:
{policies}
operation:
  control: {folder}/member{number}.sock
{more}'''


class Members:
    def __init__(self, program, wires, method='auto', pace='normal', workers=1, delivery=MULTICAST, isDual=False):
        """Dual: with IPv6 as well."""
        from cluster_wires import SHARED, SIDES, address, address6
        self.program, self.wires, self.folder = program, wires, wires.folder
        self.addresses = {number: tuple(address(side, number) for side in SIDES) for number in wires.numbers}
        make_identities(program, self.folder, self.addresses)
        shared = [address(side, SHARED) for side in SIDES]
        if isDual:
            shared += [address6(side, SHARED) for side in SIDES]
        for number in wires.numbers:
            also = [f', {address6(side, number)}/64' if isDual else '' for side in SIDES]
            os.makedirs(f'{self.folder}/state{number}', mode=0o700, exist_ok=True)
            with open(self.path(number, 'yaml'), 'w') as file:
                file.write(configuration(number, self.addresses, self.folder, self.folder, shared, list(SIDES), method,
                                         pace, workers, delivery=delivery, also=also))
        self.processes = {}

    def path(self, number, kind):
        return f'{self.folder}/member{number}.{kind}'

    def start(self, number):
        with open(self.path(number, 'log'), 'a') as log:
            self.processes[number] = self.wires.start(f'member{number}', self.program, 'run', self.path(number, 'yaml'),
                                                      stdout=log, stderr=log)

    def start_all(self):
        for number in self.wires.numbers:
            self.start(number)

    def show(self, number, what='cluster'):
        """Nil where it does not answer."""
        done = subprocess.run([self.program, 'show', what, '--json', '--control', self.path(number, 'sock')],
                              capture_output=True, text=True, timeout=10)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def tell(self, number, signal_number):
        os.kill(self.processes[number].pid, signal_number)

    def kill(self, number):
        self.tell(number, signal.SIGKILL)
        self.processes[number].wait(timeout=10)

    def end(self, number, patience=10.0):
        """Told to end; the exit code."""
        self.tell(number, signal.SIGTERM)
        return self.processes[number].wait(timeout=patience)

    def drain(self, number):
        done = subprocess.run([self.program, 'drain', '--control', self.path(number, 'sock')], capture_output=True,
                              text=True, timeout=60)
        if done.returncode != 0:
            raise Failure(f'member {number} does not drain: {done.stderr.strip()}')
        self.processes[number].wait(timeout=10)

    def last_words(self, number, count=6):
        with open(self.path(number, 'log')) as file:
            return ' / '.join(line.strip() for line in file.readlines()[-count:])

    def settle(self, live, patience=15.0):
        """Waits until these are members, and share all work within one set; what they are then."""
        deadline = time.monotonic() + patience
        shares = {}
        while time.monotonic() < deadline:
            looks = {number: self.show(number) for number in live}
            masters = [look for look in looks.values() if look and look['role'] == 'master']
            if len(masters) == 1 and all(look and not look['isFenced'] for look in looks.values()):
                shares = {number: look['running'] for number, look in looks.items()}
                even = max(shares.values()) - min(shares.values()) <= 1 and sum(shares.values()) == 1024
                if even and not masters[0]['pending']:
                    return masters[0], shares
            time.sleep(0.1)
        raise Failure(f'members {list(live)} do not come to rest within {patience} s: {shares}')
