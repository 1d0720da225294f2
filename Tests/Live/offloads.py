"""A sender that leaves checksums to a device which is not there: AF_PACKET is told and finishes them; with AF_XDP such
packets can only be counted, and the operator told."""

import socket

import accounts
from lab_wires import HOSTS, LINKS, call
from streams import pair
from vanish import passes

DATAGRAMS = 40


def checksums(lab):
    place, device = LINKS[0][:2]
    namespace = lab.wires.namespace(place)
    before = port(lab)
    for family in range(2):
        if passes(lab, family=family) is None:
            yield 'no packet passes'
            return
        call('ip', 'netns', 'exec', namespace, 'ethtool', '-K', device, 'tx', 'on')
        try:
            arrived = send(lab, HOSTS['b'][family])
        finally:
            call('ip', 'netns', 'exec', namespace, 'ethtool', '-K', device, 'tx', 'off')
        if lab.method == 'packet' and arrived != DATAGRAMS:
            yield f'{arrived} of {DATAGRAMS} datagrams arrived that had to be finished'
        if lab.method == 'xdp' and arrived:
            yield f'{arrived} datagrams arrived whose checksum nobody can have finished: this tests nothing'
    if send(lab, HOSTS['b'][0]) != DATAGRAMS:
        yield 'datagrams with a checksum of their sender\'s were lost'
    after = port(lab)
    counted = {name: after[name] - before[name] for name in ('finishedChecksums', 'unfinishedChecksums')}
    told, done = ('unfinishedChecksums', 'finishedChecksums') if lab.method == 'xdp' else \
        ('finishedChecksums', 'unfinishedChecksums')
    if counted[told] != 2 * DATAGRAMS or counted[done] != 0:
        yield f'of {2 * DATAGRAMS} datagrams without a checksum were counted: {counted}'
    warned = any('leaves checksums' in line for line in lab.gateways.ask('a', 'status')['warnings'])
    if warned != (lab.method == 'xdp'):
        yield f'the status {"warns" if warned else "does not warn"} of it'


def port(lab):
    return accounts.port(lab.settled('a'), 'inside')


def send(lab, address):
    """How many of the datagrams come to whoever listens there."""
    client, server = pair(lab.wires.namespace('hostA'), lab.wires.namespace('hostB'), address, socket.SOCK_DGRAM)
    server.settimeout(0.3)
    with client, server:
        client.connect(server.getsockname()[:2])
        for number in range(DATAGRAMS):
            client.send(bytes([number]) * (number + 1))
        arrived = 0
        try:
            while arrived < DATAGRAMS:
                server.recv(2048)
                arrived += 1
        except socket.timeout:
            pass
        return arrived


CASES = [checksums]
