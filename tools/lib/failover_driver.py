"""How the failover lab starts a member of ours: for tools/failover, or by itself, in the lab's mode `route`:

    ../shared/failover/lab.py run --driver tools/lib/failover_driver.py --members 3 --fault crashsilent --opt pace=fast

Options: program (the one that HAUBERK_RELEASE or this checkout has), method (auto), pace (normal), workers (1), traffic
(clear).

With `traffic=group` host B moves behind a gateway of its own, which opens what members seal with a group SA:

    host A ── brA ── members ── brB ── ethO gateway ethI ── brC ── host B
"""

import os
import secrets
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster_members  # noqa: E402
from failover_watch import Watcher  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get('HAUBERK_RELEASE') or os.path.join(ROOT, '.build/release'), 'hauberk')
GW_A, GW_B = '10.1.0.254', '10.2.0.254'
DEVICES = ['ethA', 'ethB']
# Between members and the other gateway, where there is one.
BETWEEN, SHARED, GATEWAY = '10.3.0', '10.3.0.254', '10.3.0.200'
GATEWAY_UNIT, UNITS = 7, 8


class Waiter(Watcher):
    """With the lab by itself: looks until all share the work, and no longer."""

    def begin(self):
        waited = super().begin()
        self.end()
        if not self.isSettled:
            print('The members did not share the work within 20 s of their start.', file=sys.stderr, flush=True)
        return waited


# Who waits and looks for all trials; tools/failover has one of its own.
watcher = Waiter()


class Cluster:
    """What was started in this run of the lab."""

    def __init__(self, namespace, folder, options):
        self.prefix, self.folder, self.options = namespace.rsplit('-', 1)[0], folder, options
        self.program, self.numbers = options.get('program', PROGRAM), range(1, int(options['members']) + 1)
        if not os.access(self.program, os.X_OK):
            raise SystemExit(f'there is no {self.program}: tools/failover builds it; program=FILE names another')
        self.isGroup = options.get('traffic') == 'group'
        outside = BETWEEN if self.isGroup else '10.2.0'
        self.shared = [GW_A, SHARED if self.isGroup else GW_B]
        self.addresses = {unit: (f'10.1.0.{unit}', f'{outside}.{unit}') for unit in self.numbers}
        self.key, self.born = secrets.token_hex(20), time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
        self.processes = {}

    def path(self, number, kind):
        return f'{self.folder}/member{number}.{kind}'

    def group(self, address, local, gateway, network):
        return f'''groups:
  - name: lab
    spi: 0x10000
    address: {address}
    senderIDBits: 8
    units: {UNITS}
    maxSenders: 64
    cipher: aes-128-gcm
    key: {self.key}
    keysBorn: {self.born}
    local: [{local}]
    sites:
      - gateway: {gateway}
        networks: [{network}]
'''

    def write(self, number):
        options = self.options
        more, policies = '', cluster_members.BYPASS
        if self.isGroup:
            more, policies = self.group(SHARED, '10.1.0.0/24', GATEWAY, '10.2.0.0/24'), '  []'
        os.makedirs(f'{self.folder}/state{number}', mode=0o700, exist_ok=True)
        with open(self.path(number, 'yaml'), 'w', opener=private) as file:
            file.write(cluster_members.configuration(
                number, self.addresses, self.folder, self.folder, self.shared, DEVICES, options.get('method', 'auto'),
                options.get('pace', 'normal'), int(options.get('workers', 1)), more, policies=policies))

    def start(self, number):
        words = ['--begin'] if self.isGroup and number not in self.processes else []
        self.processes[number] = self.run(f'm{number}', f'member{number}', *words)
        return self.processes[number]

    def run(self, place, name, *words):
        with open(f'{self.folder}/{name}.log', 'a') as log:
            return subprocess.Popen(
                ['ip', 'netns', 'exec', f'{self.prefix}-{place}', self.program, 'run', f'{self.folder}/{name}.yaml',
                 *words], stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def add_gateway(self):
        """The lab takes its namespace away with its own: it goes by the prefix."""
        net, place = f'{self.prefix}-net', f'{self.prefix}-gw'
        ip('netns', 'add', place)
        ip('-n', net, 'link', 'add', 'brC', 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0', 'forward_delay',
           '0')
        ip('-n', net, 'link', 'set', 'brC', 'up')
        for port, device, bridge in (('pO', 'ethO', 'brB'), ('pI', 'ethI', 'brC')):
            ip('-n', net, 'link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', place)
            ip('-n', net, 'link', 'set', port, 'master', bridge, 'up')
            ip('-n', place, 'link', 'set', device, 'up')
            subprocess.run(['ip', 'netns', 'exec', place, 'ethtool', '-K', device, 'tx', 'off', 'rx', 'off', 'tso',
                            'off', 'gso', 'off', 'gro', 'off'], capture_output=True)
        ip('-n', net, 'link', 'set', 'pB', 'nomaster')
        ip('-n', net, 'link', 'set', 'pB', 'master', 'brC')
        os.makedirs(f'{self.folder}/stategw', mode=0o700)
        method = self.options.get('method', 'auto')
        with open(f'{self.folder}/gateway.yaml', 'w', opener=private) as file:
            file.write(f'''unit: {{number: {GATEWAY_UNIT}, stateDirectory: {self.folder}/stategw}}
cluster: {{addresses: [{GATEWAY}]}}
ports:
  inside: {{device: ethI, method: {method}, addresses: [{GW_B}/24]}}
  outside: {{device: ethO, method: {method}, addresses: [{GATEWAY}/24]}}
operation: {{control: {self.folder}/gateway.sock}}
{self.group(GATEWAY, '10.2.0.0/24', SHARED, '10.1.0.0/24')}''')
        self.run('gw', 'gateway', '--begin')


def private(path, flags):
    return os.open(path, flags, 0o600)


def ip(*words):
    subprocess.run(['ip', *words], check=True, capture_output=True)


def start(number, namespace, folder, options):
    if number == 1:
        watcher.cluster = Cluster(namespace, folder, options)
    cluster = watcher.cluster
    # The kernel of a member forwards nothing, and its addresses are taken over.
    subprocess.run(['ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=0',
                    'net.ipv6.conf.all.forwarding=0', 'net.ipv6.conf.all.disable_ipv6=1'], check=False)
    if number == 1:
        # The lab's bridges are switches. With addresses they ask for routers by each of their ports, and no rule of a fault
        # keeps what they say themselves from a member that is to hear nothing.
        subprocess.run(['ip', 'netns', 'exec', f'{cluster.prefix}-net', 'sysctl', '-qw',
                        'net.ipv6.conf.all.disable_ipv6=1'], check=False)
        cluster_members.make_identities(cluster.program, folder, cluster.addresses)
        if cluster.isGroup:
            cluster.add_gateway()
    cluster.write(number)
    return cluster.start(number)


def settle(options):
    """Waits until all share the work; the lab waits a moment more, for hosts to be asked for and to answer."""
    waited = watcher.begin()
    if watcher.cluster.isGroup:
        # Each member asks for the other gateway, and that one for host B, when the first packet comes: no part of a trial.
        words = 'import socket\nfor port in range(64):\n    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n' \
                '    s.bind(("", 30000 + port))\n    s.sendto(b"", ("10.2.0.100", 9))\n'
        subprocess.run(['ip', 'netns', 'exec', f'{watcher.cluster.prefix}-A', sys.executable, '-c', words], check=False)
        time.sleep(0.3)
    return waited
