#!/usr/bin/env python3
"""Lets a live gateway of ours meet other people's, with hosts behind both.

Usage: meet_live.py HAUBERK strongswan|kernel [--count N] [--peer SCRIPT] [--only TEXT]
`kernel` is a Linux kernel with XFRM as a process, which SCRIPT starts (uml-peer.sh). As root: it makes namespaces, and
removes them. N numbered datagrams go each way, many of them in fragments; all have to come, once and unchanged, and tshark,
which is told the keys, has to see every one of them in the ESP outside.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tools/lib'))

import crossing
from kernel import Peer
from lab_gateways import Gateways
from lab_wires import Failure, HOSTS, INSIDE, NETWORKS, OUTSIDE, Wires, call
from strongswan import Daemon, Trouble
import gateway

TAP = 'uml'
# As tshark calls it, as we do, as each of the others does; octets of the key with its salt, and of the integrity key.
GCM, CHACHA, CBC = 'AES-GCM with 16 octet ICV [RFC4106]', 'ChaCha20 with Poly1305 [RFC7634]', 'AES-CBC [RFC3602]'
SHA256 = 'HMAC-SHA-256-128 [RFC4868]'
SUITES = {
    'aes-128-gcm': ({'cipher': 'aes-128-gcm'}, 20, 0, GCM, 'aes128gcm16-x25519', 'gcm128'),
    'aes-256-gcm': ({'cipher': 'aes-256-gcm'}, 36, 0, GCM, 'aes256gcm16-x25519', 'gcm256'),
    'chacha20-poly1305': (
        {'cipher': 'chacha20-poly1305'}, 36, 0, CHACHA, 'chacha20poly1305-x25519', 'chacha'),
    'aes-128-cbc': (
        {'cipher': 'aes-128-cbc', 'integrity': 'hmac-sha256'}, 16, 32, CBC, 'aes128-sha256-x25519', 'cbc128-sha256'),
}
MEETINGS = [('xdp', 'aes-128-gcm'), ('packet', 'aes-256-gcm'), ('packet', 'aes-128-cbc')]
# What a gateway may have dropped: what the kernels around ask each other, and what a peer's daemon says to ours.
ALLOWED = {'foreignMAC', 'forUs', 'arp', 'reassembled'}


class Meeting:
    """Wires, our gateway at their left end, and SAs: by the address that seals, SPI and keying material."""

    far_host, far_network = HOSTS['b'][0], NETWORKS['b'][0]

    def __init__(self, arguments, method, suite):
        self.arguments, self.method, self.suite = arguments, method, SUITES[suite]
        self.wires = Wires.make(f'm{os.getpid()}')
        self.gateways = Gateways(arguments.hauberk, self.wires)
        self.notes = []

    def start(self, associations, **more):
        """Our gateway."""
        (spi, seals), (other, opens) = associations[OUTSIDE['a']], associations[OUTSIDE['b']]
        os.mkdir(self.gateways.path('nonces'), 0o700)
        text = {
            'unit': {'number': 0, 'stateDirectory': self.gateways.path('nonces')},
            'cluster': {'addresses': [OUTSIDE['a']]},
            'ports': {
                'inside': {'device': 'inside', 'method': self.method, 'addresses': [INSIDE['a'][0] + '/24']},
                'outside': {'device': 'outside', 'method': self.method, 'addresses': [OUTSIDE['a'] + '/24']}},
            'tunnels': [{
                'name': 'meeting', 'address': OUTSIDE['a'], 'peer': OUTSIDE['b'], 'outboundSPI': spi, 'inboundSPI': other,
                'outboundKey': seals, 'inboundKey': opens, 'keysBorn': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                'local': [NETWORKS['a'][0]], 'remote': [self.far_network], **self.suite[0], **more}],
            'operation': {'control': self.gateways.socket('a')},
        }
        with open(self.gateways.configuration('a'), 'w', opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(text, file, indent=1)
        self.gateways.start('a')

    def rows(self, associations, extended=False):
        """For tshark."""
        _, cipher_octets, _, name, _, _ = self.suite
        for source, (spi, material) in associations.items():
            target = OUTSIDE['b' if source == OUTSIDE['a'] else 'a']
            key, rest = material[:2 * cipher_octets], material[2 * cipher_octets:]
            yield ('IPv4', source, target, hex(spi), name, '0x' + key, SHA256 if rest else 'NULL',
                   '0x' + rest if rest else '', '64-bit' if extended else '32-bit')

    def exchange(self, associations, extended=False):
        """Sentences of what was wrong."""
        near, far = ('hostA', HOSTS['a'][0]), ('hostB', self.far_host)
        ways = [crossing.Way(self.wires, near, far).bind(), crossing.Way(self.wires, far, near).bind()]
        sizes = crossing.lengths(self.arguments.count)
        crossing.greet(ways)
        capture = crossing.Capture(self.wires, self.gateways.path('outside.pcap'))
        since = time.monotonic()
        crossing.cross(ways, sizes)
        self.notes.append(f'{2 * len(sizes)} packets in {time.monotonic() - since:.1f} s')
        missed = capture.end()
        for way in ways:
            yield from way.faults(sizes)
        seen, sealed, good = crossing.analyse(capture.path, self.wires.folder, self.rows(associations, extended))
        self.notes.append(f'tshark reads {sealed} of ESP')
        if missed:
            yield f'the capture missed {missed} frames'
        # This tshark decrypts with extended numbers, and computes tags without their upper halves.
        yield from crossing.compare(ways, sizes, seen, sealed, good, has_tags=not extended)
        status = self.gateways.ask('a', 'status')
        dropped = {drop['reason']: drop['packets'] for drop in status['drops'] if drop['packets']}
        lost = {name: number for port in status['ports'] for name, number in
                {**port['received']['drops'], **port['sent']['drops']}.items() if number}
        joined = sum(counter['value'] for counter in status['counters'] if counter['name'] == 'reassembled')
        self.notes.append(f'{joined} fragments of ESP put together')
        if joined == 0:
            yield 'no ESP came in fragments'
        if lost or not ALLOWED.issuperset(dropped):
            yield f'our gateway dropped {dropped} {lost}'


class StrongSwan(Meeting):
    """A daemon negotiates in our place, ends without a word, and we take over its address and its SAs."""

    variants = [False]

    def hold(self, _):
        _, _, _, _, proposal, _ = self.suite
        call('ip', '-n', self.wires.namespace('gatewayB'), 'addr', 'add', INSIDE['b'][0] + '/24', 'dev', 'inside')
        call('ip', '-n', self.wires.namespace('gatewayB'), 'addr', 'add', OUTSIDE['b'] + '/24', 'dev', 'outside')
        near = self.wires.namespace('gatewayA')
        call('ip', '-n', near, 'addr', 'add', INSIDE['a'][0] + '/24', 'dev', 'inside')
        call('ip', '-n', near, 'addr', 'add', OUTSIDE['a'] + '/24', 'dev', 'outside')
        ends = {side: Daemon(self.wires, f'gateway{side.upper()}', OUTSIDE[side], OUTSIDE[other], NETWORKS[side][0],
                             NETWORKS[other][0], proposal) for side, other in ('ab', 'ba')}
        ends['a'].initiate()
        associations = ends['a'].associations()
        ends['a'].end()
        for device in ('inside', 'outside'):
            call('ip', '-n', near, 'addr', 'flush', 'dev', device)
        # It cuts at 1400 octets before it seals. A path that takes less makes its kernel cut the ESP.
        call('ip', '-n', self.wires.namespace('gatewayB'), 'route', 'add', OUTSIDE['a'], 'dev', 'outside', 'mtu', 'lock',
             '1300')
        self.start(associations, udp={})
        yield from self.exchange(associations)


class Kernel(Meeting):
    """It has one device: its network, and ours to it, are on one switch, so the host behind it has an outside address."""

    far_host, far_network = '192.0.2.130', '192.0.2.128/25'
    variants = [False, True]

    def hold(self, extended):
        _, cipher_octets, more_octets, _, _, algorithm = self.suite
        dice = random.Random(algorithm)
        keys = [(dice.randbytes(cipher_octets), dice.randbytes(more_octets)) for _ in range(2)]
        associations = {OUTSIDE[side]: (spi, (key + rest).hex()) for side, spi, (key, rest) in
                        zip('ab', (gateway.TO_PEER, gateway.FROM_PEER), keys)}
        place = self.wires.namespace('gatewayB')
        call('ip', '-n', place, 'link', 'add', 'name', 'joint', 'type', 'bridge', 'mcast_snooping', '0')
        call('ip', '-n', place, 'tuntap', 'add', 'dev', TAP, 'mode', 'tap')
        for device in ('inside', 'outside', TAP):
            call('ip', '-n', place, 'link', 'set', 'dev', device, 'master', 'joint')
        call('ip', '-n', place, 'link', 'set', 'joint', 'up')
        host = self.wires.namespace('hostB')
        self.wires.sysctl('hostB', 'net.ipv4.conf.all.accept_redirects=0', 'net.ipv4.conf.inside.accept_redirects=0')
        call('ip', '-n', host, 'addr', 'add', self.far_host + '/24', 'dev', 'inside')
        call('ip', '-n', host, 'route', 'add', NETWORKS['a'][0], 'via', OUTSIDE['b'], 'src', self.far_host)
        peer = Peer(self.arguments.peer, self.wires.folder, algorithm, keys, extended, 64, 300,
                    inside=['ip', 'netns', 'exec', place], settings='sysctl.net.ipv4.ip_forward=1', TAP=TAP,
                    REMOTE_MAC='', LOCAL=OUTSIDE['b'] + '/24', REMOTE=OUTSIDE['a'], INNER=INSIDE['b'][0],
                    INNER_NET=self.far_network, REMOTE_NET=NETWORKS['a'][0], WORK=self.gateways.path('uml'))
        try:
            self.start(associations, esn=extended)
            yield from self.exchange(associations, extended)
        finally:
            states, refused = peer.end()
        taken, replayed, failed = states[gateway.TO_PEER]
        self.notes.append(f'the kernel opened {taken}')
        if replayed or failed or refused:
            yield f'the kernel refused some: replays {replayed}, failures {failed}, {refused}'


KINDS = {'strongswan': (StrongSwan, 'strongSwan'), 'kernel': (Kernel, 'linux kernel')}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('hauberk', type=os.path.abspath)
    parser.add_argument('kind', choices=KINDS)
    parser.add_argument('--count', type=int, default=10000)
    parser.add_argument('--peer', type=os.path.abspath)
    parser.add_argument('--only', default='')
    arguments = parser.parse_args()
    kind, name = KINDS[arguments.kind]
    status = 0
    for method, suite in MEETINGS:
        for extended in kind.variants:
            title = f'{name} live, {method}, {suite}{", extended numbers" if extended else ""}'
            if arguments.only not in title:
                continue
            words, meeting = [], None
            try:
                meeting = kind(arguments, method, suite)
                words = list(meeting.hold(extended))
            except (Failure, Trouble, gateway.Failure, OSError, subprocess.SubprocessError) as failure:
                words.append(f'{type(failure).__name__}: {failure} {getattr(failure, "stderr", None) or ""}'.strip())
            finally:
                if meeting:
                    words += meeting.wires.remove()
            print(f'{"FAIL" if words else "pass"}  {title}: {"; ".join(words or meeting.notes)}', flush=True)
            status = status or bool(words)
    sys.exit(int(status))


if __name__ == '__main__':
    main()
