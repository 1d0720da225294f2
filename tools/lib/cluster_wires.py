"""Namespaces of a cluster in one lab: two hosts, and between them members that wear one address on each side.

    hostA ── bridge inside ──┬── inside member1 outside ──┬── bridge outside ── hostB
                             ├── inside member2 outside ──┤
                             └── inside memberN outside ──┘
"""

import subprocess

from lab_wires import Wires, call, kinds

SIDES = {'inside': '10.1.0', 'outside': '10.2.0'}
SIDES6 = {'inside': '2001:db8:1::', 'outside': '2001:db8:2::'}
HOSTS = [('hostA', 'inside'), ('hostB', 'outside')]
HOST, SHARED = 100, 254


def address(side, number):
    return f'{SIDES[side]}.{number}'


def address6(side, number):
    return f'{SIDES6[side]}{number:x}'


class ClusterWires(Wires):
    @property
    def places(self):
        return ['segment', 'hostA', 'hostB'] + [f'member{number}' for number in self.numbers]

    @property
    def numbers(self):
        return range(1, self.record['members'] + 1)

    def build(self, queues):
        for place in self.places:
            self.add(place)
            self.sysctl(place, 'net.ipv6.conf.default.disable_ipv6=1')
        for side in SIDES:
            call('ip', '-n', self.namespace('segment'), 'link', 'add', 'name', side, 'type', 'bridge', 'mcast_snooping',
                 '0', 'forward_delay', '0')
            call('ip', '-n', self.namespace('segment'), 'link', 'set', side, 'up')
        for place, side in HOSTS:
            self.plug(place, side, queues)
            namespace = self.namespace(place)
            call('ip', '-n', namespace, 'addr', 'add', address(side, HOST) + '/24', 'dev', side)
            call('ip', '-n', namespace, 'route', 'add', 'default', 'via', address(side, SHARED))
        for number in self.numbers:
            for side in SIDES:
                self.plug(f'member{number}', side, queues)

    def add_ipv6(self):
        """For hosts, and for bridges, which ask for listeners with an address of their own."""
        for side in SIDES:
            self.sysctl('segment', f'net.ipv6.conf.{side}.accept_dad=0', f'net.ipv6.conf.{side}.disable_ipv6=0')
        for place, side in HOSTS:
            self.sysctl(place, f'net.ipv6.conf.{side}.accept_dad=0', f'net.ipv6.conf.{side}.disable_ipv6=0')
            namespace = self.namespace(place)
            call('ip', '-n', namespace, 'addr', 'add', address6(side, HOST) + '/64', 'dev', side, 'nodad')
            call('ip', '-n', namespace, 'route', 'add', 'default', 'via', address6(side, SHARED))

    def plug(self, place, side, queues):
        """A device of that name, in that bridge."""
        port = self.port(place, side)
        many = ['numtxqueues', str(queues), 'numrxqueues', str(queues)]
        segment, namespace = self.namespace('segment'), self.namespace(place)
        call('ip', '-n', segment, 'link', 'add', 'name', port, *many, 'type', 'veth', 'peer', 'name', side, *many,
             'netns', namespace)
        call('ip', '-n', segment, 'link', 'set', port, 'master', side, 'up')
        subprocess.run(['ip', 'netns', 'exec', namespace, 'ethtool', '-K', side, 'tx', 'off', 'rx', 'off', 'tso',
                        'off', 'gso', 'off', 'gro', 'off'], capture_output=True)
        call('ip', '-n', namespace, 'link', 'set', 'dev', side, 'up')

    @staticmethod
    def port(place, side):
        return f'{place[:4]}{place[-1]}-{side[:3]}'


kinds['cluster'] = ClusterWires
