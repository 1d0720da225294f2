"""Namespaces and veth pairs of a lab, in one line:

    hostA inside ═ inside gatewayA outside ═ a outside b ═ outside gatewayB inside ═ inside hostB

Between the gateways is a switch, whose ports see every frame: AF_XDP takes packets before a gateway's own tcpdump.

A record of what was made lies in /run/hauberk-lab, so that it can be taken away later: that and only that.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

RECORDS = '/run/hauberk-lab'
LIBC = ctypes.CDLL(None, use_errno=True)
PLACES = ['hostA', 'gatewayA', 'outside', 'gatewayB', 'hostB']
LINKS = [('hostA', 'inside', 'gatewayA', 'inside'), ('gatewayA', 'outside', 'outside', 'a'),
         ('outside', 'b', 'gatewayB', 'outside'), ('gatewayB', 'inside', 'hostB', 'inside')]
# By side, IPv4 and IPv6.
HOSTS = {'a': ('10.1.0.2', '2001:db8:1::2'), 'b': ('10.2.0.2', '2001:db8:2::2')}
INSIDE = {'a': ('10.1.0.1', '2001:db8:1::1'), 'b': ('10.2.0.1', '2001:db8:2::1')}
OUTSIDE = {'a': '192.0.2.1', 'b': '192.0.2.2'}
NETWORKS = {'a': ('10.1.0.0/24', '2001:db8:1::/64'), 'b': ('10.2.0.0/24', '2001:db8:2::/64')}


class Failure(Exception):
    """One sentence that says what is not as it has to be."""


def call(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more)


def command(name, *words):
    """How a lab is told something."""
    return ' '.join(['tools/lab', *(() if name == 'lab' else ('--name', name)), *words])


def enter(file):
    """The thread that calls is in this file's network namespace from here on."""
    if LIBC.setns(file.fileno(), 0) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def end_well(*_):
    # A second one would cut short what takes everything away.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


# Who is told to end takes away what was made.
signal.signal(signal.SIGTERM, end_well)


class Wires:
    places = PLACES

    def __init__(self, name, record):
        self.name, self.record = name, record
        self.folder = record['folder']

    @staticmethod
    def path(name):
        return os.path.join(RECORDS, name + '.json')

    @classmethod
    def find(cls, name):
        try:
            with open(cls.path(name)) as file:
                record = json.load(file)
            return kinds[record.get('kind')](name, record)
        except FileNotFoundError:
            raise Failure(f'there is no lab {name!r}: `{command(name)}` makes one') from None

    @classmethod
    def make(cls, name, queues=1, **more):
        if not name.isalnum() or len(name) > 16:
            raise Failure(f'a name has at most 16 letters and digits, and this is {name!r}')
        if os.path.exists(cls.path(name)):
            raise Failure(f'the lab {name!r} is up already: `{command(name, "down")}` takes it away')
        os.makedirs(RECORDS, mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix='hauberk-lab-')
        wires = cls(name, {'folder': folder, 'namespaces': [], 'processes': [], **more})
        wires.save()
        try:
            wires.build(queues)
        except BaseException:
            wires.remove()
            raise
        return wires

    def save(self):
        with open(self.path(self.name) + '.new', 'w') as file:
            json.dump(self.record, file)
        os.rename(file.name, self.path(self.name))

    def namespace(self, place):
        if place not in self.places:
            raise Failure(f'there is no {place!r}, but {", ".join(self.places)}')
        return f'hk-{self.name}-{place}'

    def build(self, queues):
        for place in self.places:
            self.add(place)
            # Addresses are used at once, without waiting for duplicates.
            self.sysctl(place, 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.default.accept_ra=0')
            if not place.startswith('host'):
                self.sysctl(place, 'net.ipv6.conf.default.disable_ipv6=1')
            if place.startswith('gateway'):
                # The kernel of a gateway would forward, and must never get to: its devices have no address.
                self.sysctl(place, 'net.ipv4.ip_forward=1')
        many = ['numtxqueues', str(queues), 'numrxqueues', str(queues)]
        for near, device, far, other in LINKS:
            call('ip', '-n', self.namespace(near), 'link', 'add', 'name', device, *many, 'type', 'veth', 'peer', 'name',
                 other, *many, 'netns', self.namespace(far))
            for place, name in [(near, device), (far, other)]:
                # A veth passes on what a card would still have to finish: checksums, segments.
                subprocess.run(['ip', 'netns', 'exec', self.namespace(place), 'ethtool', '-K', name, 'tx', 'off', 'rx',
                                'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'], capture_output=True)
                call('ip', '-n', self.namespace(place), 'link', 'set', 'dev', name, 'up')
        self.build_switch()
        for side in 'ab':
            for host, network, router in zip(HOSTS[side], NETWORKS[side], INSIDE[side]):
                place = self.namespace(f'host{side.upper()}')
                call('ip', '-n', place, 'addr', 'add', host + '/' + network.split('/')[1], 'dev', 'inside')
                call('ip', '-n', place, 'route', 'add', 'default', 'via', router)

    def add(self, place):
        namespace = self.namespace(place)
        done = subprocess.run(['ip', 'netns', 'add', namespace], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f'cannot make the namespace {namespace}: {done.stderr.strip()}')
        self.record['namespaces'].append(namespace)
        self.save()
        call('ip', '-n', namespace, 'link', 'set', 'lo', 'up')

    def build_switch(self):
        outside = self.namespace('outside')
        call('ip', '-n', outside, 'link', 'add', 'name', 'switch', 'type', 'bridge', 'mcast_snooping', '0',
             'forward_delay', '0')
        for port in 'ab':
            call('ip', '-n', outside, 'link', 'set', 'dev', port, 'master', 'switch')
        call('ip', '-n', outside, 'link', 'set', 'switch', 'up')

    def sysctl(self, place, *settings):
        for setting in settings:
            call('ip', 'netns', 'exec', self.namespace(place), 'sysctl', '-qw', setting)

    def host_addresses(self, side):
        return HOSTS[side]

    def run(self, place, *words, timeout=60):
        """A command in a namespace, and what it said."""
        return subprocess.run(['ip', 'netns', 'exec', self.namespace(place), *words], capture_output=True, text=True,
                              timeout=timeout)

    def start(self, place, *words, **more):
        """A process that stays; `remove` ends it."""
        process = subprocess.Popen(['ip', 'netns', 'exec', self.namespace(place), *words], start_new_session=True,
                                   stdin=subprocess.DEVNULL, **more)
        self.record['processes'].append([process.pid, born(process.pid)])
        self.save()
        return process

    def remove(self):
        """Sentences of what could not be taken away, and what a record stays of."""
        ours = [pid for pid, since in self.record['processes'] if since is not None and born(pid) == since]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in ours:
                if is_alive(pid):
                    os.kill(pid, number)
            deadline = time.monotonic() + 5
            while any(map(is_alive, ours)) and time.monotonic() < deadline:
                time.sleep(0.01)
        words, left = [f'process {pid} stays' for pid in ours if is_alive(pid)], []
        for namespace in self.record['namespaces']:
            done = subprocess.run(['ip', 'netns', 'del', namespace], capture_output=True, text=True)
            if done.returncode != 0 and os.path.exists(f'/run/netns/{namespace}'):
                words.append(f'{namespace} stays: {done.stderr.strip()}')
                left.append(namespace)
        shutil.rmtree(self.folder, ignore_errors=True)
        if words:
            self.record['namespaces'] = left
            self.save()
        elif os.path.exists(self.path(self.name)):
            os.remove(self.path(self.name))
        return words


# By what a record says of itself.
kinds = {None: Wires}


def fields(pid):
    """Of /proc, behind the process's name."""
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def born(pid):
    """When, in ticks since the machine's start: a number that was given again has another."""
    found = fields(pid)
    return found and found[19]


def is_alive(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    found = fields(pid)
    return found is not None and found[0] != 'Z'
