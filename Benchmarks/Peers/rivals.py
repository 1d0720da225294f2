"""The ways from one host to another that are compared, each in namespaces of its own."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, '../../tools/lib'), os.path.join(HERE, '../../Tests/Interop')]

from lab_gateways import Gateways, Wishes
from lab_wires import HOSTS, INSIDE, NETWORKS, OUTSIDE, Wires, call
from strongswan import Daemon

PROPOSAL, SUITE = 'aes128gcm16-x25519', 'aes-128-gcm'


class Rival:
    """Two hosts with two gateways between them; a cable between the gateways and no switch. `processes` do the work."""

    title = 'the kernel forwards, in clear'

    def __init__(self, number, program):
        self.program = program
        self.wires = Wires.make(f'v{os.getpid()}x{number}')
        self.processes = []
        try:
            self.lay_cable()
            self.start()
        except BaseException:
            self.wires.remove()
            raise

    def place(self, name):
        return self.wires.namespace(name)

    def ends(self):
        """Namespace and address of either host."""
        return [self.place('hostA'), HOSTS['a'][0], self.place('hostB'), HOSTS['b'][0]]

    def lay_cable(self):
        for side in 'AB':
            call('ip', '-n', self.place('gateway' + side), 'link', 'del', 'outside')
        call('ip', '-n', self.place('gatewayA'), 'link', 'add', 'name', 'outside', 'type', 'veth', 'peer', 'name', 'outside',
             'netns', self.place('gatewayB'))
        for side in 'AB':
            self.wires.run('gateway' + side, 'ethtool', '-K', 'outside', 'tx', 'off', 'rx', 'off', 'tso', 'off', 'gso',
                           'off', 'gro', 'off')
            call('ip', '-n', self.place('gateway' + side), 'link', 'set', 'dev', 'outside', 'up')

    def give_addresses(self):
        """For gateways whose kernel takes part."""
        for side in 'ab':
            place = self.place('gateway' + side.upper())
            call('ip', '-n', place, 'addr', 'add', INSIDE[side][0] + '/24', 'dev', 'inside')
            call('ip', '-n', place, 'addr', 'add', OUTSIDE[side] + '/24', 'dev', 'outside')

    def start(self):
        self.give_addresses()
        for side, other in ('ab', 'ba'):
            call('ip', '-n', self.place('gateway' + side.upper()), 'route', 'add', NETWORKS[other][0], 'via',
                 OUTSIDE[other])

    def end(self):
        return self.wires.remove()


class Direct(Rival):
    """What generator and sink cost by themselves."""

    title = 'the hosts alone'

    def lay_cable(self):
        call('ip', '-n', self.place('hostA'), 'link', 'add', 'name', 'direct', 'type', 'veth', 'peer', 'name', 'direct',
             'netns', self.place('hostB'))
        for side in 'AB':
            self.wires.run('host' + side, 'ethtool', '-K', 'direct', 'tx', 'off', 'rx', 'off', 'tso', 'off', 'gso', 'off',
                           'gro', 'off')
            address = '192.0.2.1' if side == 'A' else '192.0.2.2'
            call('ip', '-n', self.place('host' + side), 'addr', 'add', address + '/24', 'dev', 'direct')
            call('ip', '-n', self.place('host' + side), 'link', 'set', 'dev', 'direct', 'up')

    def start(self):
        pass

    def ends(self):
        return [self.place('hostA'), '192.0.2.1', self.place('hostB'), '192.0.2.2']


class StrongSwan(Rival):
    title = 'strongSwan, kernel-libipsec'

    def start(self):
        self.give_addresses()
        daemons = [Daemon(self.wires, 'gateway' + side.upper(), OUTSIDE[side], OUTSIDE[other], NETWORKS[side][0],
                          NETWORKS[other][0], PROPOSAL, log=False) for side, other in ('ab', 'ba')]
        daemons[0].initiate()
        # Room for as many packets as ours has; 500 without that.
        for side in 'AB':
            call('ip', '-n', self.place('gateway' + side), 'link', 'set', 'ipsec0', 'txqueuelen', '4096')
        self.processes = [daemon.process.pid for daemon in daemons]


class Hauberk(Rival):
    method = 'xdp'
    title = 'hauberk, AF_XDP'

    def start(self):
        gateways = Gateways(self.program, self.wires)
        gateways.write(Wishes(self.method, 1, suite=SUITE))
        for side in 'ab':
            path = gateways.configuration(side)
            with open(path) as file:
                text = json.load(file)
            # As strongSwan seals here: in UDP.
            text['tunnels'][0]['udp'] = {}
            with open(path, 'w') as file:
                json.dump(text, file)
            gateways.start(side)
        self.processes = [process.pid for process in gateways.processes.values()]


class HauberkPacket(Hauberk):
    method = 'packet'
    title = 'hauberk, AF_PACKET'


RIVALS = {'direct': Direct, 'kernel': Rival, 'xdp': Hauberk, 'packet': HauberkPacket, 'strongswan': StrongSwan}
