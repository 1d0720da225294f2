"""Each way of delivery (C22) over bridges of several kinds: learning or not, snooping off, on, and on with a querier.

    bridges.py PROGRAM [xdp|packet] [all] [multicast|unicast] [KIND...]

Hosts reach each other and the cluster over IPv4 and IPv6, every member does its share, no frame ever leaves with
another MAC address than its unit's own, and a new master says where the cluster is. What cannot work is pinned as it
is: docs/DELIVERY.md says why, and what helps. Without `all` a master dies over one kind of bridge for each way.
"""

import functools
import socket
import struct
import subprocess
import sys
import threading
import time

from trials import METHODS, PATIENCE, Tally, Trial, need

from cluster_members import MULTICAST, UNICAST
from cluster_wires import HOST, HOSTS, SHARED, SIDES, address, address6
from lab_wires import Failure, call
from world import Echo, SO_RCVBUFFORCE, inside

# Whose cluster is reached how. The third way, by the master, needs nothing of a bridge: forwarding.py is for it.
WAYS = {'multicast': MULTICAST, 'unicast': UNICAST}
CLUSTER_MACS = {'multicast': '03:00:00:00:00:01', 'unicast': '02:00:00:00:00:01'}
# Options of a bridge, of each port, and of members' ports. 2 is a multicast router's port for good.
KINDS = {
    'learning': ({'mcast_snooping': 0}, {'learning': 'on'}, {}),
    'hub': ({'mcast_snooping': 0}, {'learning': 'off'}, {}),
    'snooping': ({'mcast_snooping': 1}, {'learning': 'on'}, {}),
    'querier': ({'mcast_snooping': 1, 'mcast_querier': 1}, {'learning': 'on'}, {}),
    'routerPorts': ({'mcast_snooping': 1, 'mcast_querier': 1}, {'learning': 'on'}, {'mcast_router': 2}),
}
# Where packets of these families do not come through. A bridge that snoops, and hears a querier, takes a group's MAC
# address for that of a group of IP, which nobody has joined, and sends on to routers alone: by nature.
SHUT = {('multicast', 'querier'): ('IPv4', 'IPv6')}
# Where a master dies, without `all`.
DEADLY = {('multicast', 'routerPorts'), ('unicast', 'learning')}
FLOWS, EACH = 60, 3
ETH_P_ALL, ARP, IPV6, VLAN = 3, 0x0806, 0x86dd, 0x8100


class Listener:
    """Every frame on every port of the bridges: from whom, and who says where the cluster is."""

    def __init__(self, wires):
        with inside(wires.namespace('segment')):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.socket.settimeout(0.1)
        self.goes, self.sources, self.words, self.askers = True, {}, [], set()
        self.shared = [socket.inet_aton(address(side, SHARED)) for side in SIDES]
        self.shared6 = [socket.inet_pton(socket.AF_INET6, address6(side, SHARED)) for side in SIDES]
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while self.goes:
            try:
                octets, about = self.socket.recvfrom(256)
            except TimeoutError:
                continue
            source = octets[6:12].hex(':')
            self.sources[source] = self.sources.get(source, 0) + 1
            kind = struct.unpack('!H', octets[12:14])[0]
            if kind == ARP and octets[28:32] in self.shared and octets[28:32] == octets[38:42]:
                self.words.append(('ARP', source, octets[22:28].hex(':')))
            elif kind == IPV6 and octets[20] == 0 and octets[54] == 58 and octets[62] == 130:
                self.askers.add(source)
            elif kind == IPV6 and octets[20] == 58 and octets[54] == 136 and octets[62:78] in self.shared6:
                self.words.append(('ND', source, octets[80:86].hex(':')))

    def end(self):
        self.goes = False
        self.thread.join(5)
        self.socket.close()


class Datagrams:
    """Of many flows, from one host to the other, in one family."""

    def __init__(self, wires, is6, back=False):
        (near, here), (far, there) = HOSTS if not back else HOSTS[::-1]
        name = address6 if is6 else address
        family = socket.AF_INET6 if is6 else socket.AF_INET
        self.to = (name(there, HOST), 9000)
        with inside(wires.namespace(far)):
            self.sink = socket.socket(family, socket.SOCK_DGRAM)
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV6 if is6 else 0x0800))
            self.wire.bind((there, IPV6 if is6 else 0x0800))
        self.sink.bind(self.to)
        self.sink.settimeout(0.05)
        self.wire.settimeout(0.05)
        with inside(wires.namespace(near)):
            self.sources = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for number, source in enumerate(self.sources):
            source.bind((name(here, HOST), 21000 + number))

    def pass_all(self):
        """How many came of all, how many twice, and in how many frames of whose."""
        came, members, place = {}, {}, 42 + 20 * (self.sink.family == socket.AF_INET6)
        for turn in range(EACH):
            for number, source in enumerate(self.sources):
                source.sendto(struct.pack('!I', turn * FLOWS + number), self.to)
                time.sleep(0.0005)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and len(came) < FLOWS * EACH:
            try:
                number, = struct.unpack('!I', self.sink.recv(64))
                came[number] = came.get(number, 0) + 1
            except TimeoutError:
                pass
        while True:
            try:
                octets = self.wire.recv(128)
            except TimeoutError:
                break
            if octets[place - 6:place - 4] == struct.pack('!H', 9000):
                members[octets[6:12].hex(':')] = members.get(octets[6:12].hex(':'), 0) + 1
        return len(came), sum(came.values()) - len(came), members

    def close(self):
        for each in [self.sink, self.wire, *self.sources]:
            each.close()


class Bridges(Trial):
    def __init__(self, program, method, way):
        self.way = way
        super().__init__('bridges', program, method, isDual=True, delivery=WAYS[way])

    def look(self):
        self.units = {side: {self.mac(f'member{n}', side): n for n in self.wires.numbers} for side in SIDES}
        self.known = {mac for side in SIDES for mac in self.units[side]}
        self.known |= {self.mac(place, side) for place, side in HOSTS}
        self.known |= {self.mac('segment', side) for side in SIDES}

    def ports(self):
        yield from ((self.wires.port(place, side), False) for place, side in HOSTS)
        for number in self.wires.numbers:
            yield from ((self.wires.port(f'member{number}', side), True) for side in SIDES)

    def become(self, kind):
        """The bridges are of that kind, and know nobody any more."""
        segment = self.wires.namespace('segment')
        bridge, port, own = KINDS[kind]
        for name, value in {'mcast_query_response_interval': 50, 'mcast_querier': 0, **bridge}.items():
            self.set_bridges(name, value)
        for name, isMembers in self.ports():
            options = {**port, 'mcast_router': 1, **(own if isMembers else {})}
            call('bridge', '-n', segment, 'link', 'set', 'dev', name,
                 *(word for option, value in options.items() for word in (option, str(value))))
            subprocess.run(['ip', '-n', segment, 'link', 'set', name, 'type', 'bridge_slave', 'fdb_flush'],
                           capture_output=True)
        for place, side in HOSTS:
            subprocess.run(['ip', '-n', self.wires.namespace(place), 'neigh', 'flush', 'dev', side],
                           capture_output=True)
        if bridge.get('mcast_querier'):
            self.begin_asking()
        time.sleep(0.2)

    def set_bridges(self, name, value):
        for side in SIDES:
            call('ip', '-n', self.wires.namespace('segment'), 'link', 'set', side, 'type', 'bridge', name, str(value))

    def begin_asking(self):
        """Both bridges have asked who listens, by IPv6 as well, and that could have been answered: now they count."""
        listener = Listener(self.wires)
        try:
            for _ in range(10):
                self.set_bridges('mcast_querier', 0)
                self.set_bridges('mcast_querier', 1)
                time.sleep(0.7)
                if {self.mac('segment', side) for side in SIDES} <= listener.askers:
                    return
        finally:
            listener.end()
        raise Failure('the bridges do not ask who listens')

    def reach(self, shut):
        """Both ways and both families: all that is sent comes once, and every member has its share of it."""
        for is6 in (False, True):
            for back in (False, True):
                datagrams, family = Datagrams(self.wires, is6, back), 'IPv6' if is6 else 'IPv4'
                isOpen = family not in shut
                try:
                    if isOpen:
                        self.warm(datagrams)
                    came, twice, members = datagrams.pass_all()
                finally:
                    datagrams.close()
                side = 'inside' if back else 'outside'
                shares = {self.units[side].get(mac, mac): count for mac, count in members.items()}
                if not isOpen:
                    if came:
                        yield f'{family}: {came} datagrams came through, and nobody expects that'
                    continue
                if came < FLOWS * EACH or twice:
                    yield f'{family}: {came} of {FLOWS * EACH} datagrams came, {twice} twice'
                # By chance alone less than a tenth of an even share comes to one in a thousand runs at most.
                if any(shares.get(number, 0) < FLOWS * EACH // 30 for number in self.wires.numbers):
                    yield f'{family}: not every member has its share: {shares}'

    def warm(self, datagrams):
        """Until every flow comes through: the first datagrams ask for neighbours, and not all are kept meanwhile."""
        datagrams.sink.settimeout(0.05)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for source in datagrams.sources:
                source.sendto(struct.pack('!I', 0), datagrams.to)
            time.sleep(0.3)
            seen = 0
            try:
                while True:
                    datagrams.sink.recv(64)
                    seen += 1
            except TimeoutError:
                pass
            if seen == len(datagrams.sources):
                break
        try:
            while True:
                datagrams.wire.recv(128)
        except TimeoutError:
            pass

    def pings(self, shut):
        """The cluster's own addresses, from both sides."""
        for place, side in HOSTS:
            for name, family in ((address, 'IPv4'), (address6, 'IPv6')):
                isOpen = family not in shut
                echo = Echo(self.wires.namespace(place), name(side, SHARED))
                deadline, number = time.monotonic() + (4 if isOpen else 0.5), 0
                while not echo.replies and time.monotonic() < deadline:
                    try:
                        echo.ask(number)
                    except OSError:
                        pass
                    number += 1
                    echo.hear(0.1)
                if bool(echo.replies) != isOpen:
                    yield f'{name(side, SHARED)} {"does not answer" if isOpen else "answers, and nobody expects that"}'
                echo.close()

    def judge(self, listener):
        """No frame is from another MAC address than one that somebody has, and so no bridge learns the cluster's."""
        shared = CLUSTER_MACS[self.way]
        if shared in listener.sources:
            yield f'{listener.sources[shared]} frames were sent from the cluster\'s MAC address'
        strangers = set(listener.sources) - self.known - {shared}
        # The segment's ports have addresses of their own, which nothing is sent from but a bridge's questions.
        if strangers:
            yield f'frames came from {sorted(strangers)}, whom nobody knows'
        table = self.wires.run('segment', 'bridge', 'fdb', 'show').stdout
        if shared in table:
            yield f'a bridge has learned {shared}'

    def master_dies(self, listener):
        """While datagrams pass: its share is back soon, and the new one says where the cluster is."""
        victim = self.master()

        def kill():
            listener.words.clear()
            self.members.kill(victim)

        stream = self.during(1.5, kill, before=0.7)
        longest, hit = stream.outage()
        self.notes.append(f'the master dies: {hit} flows away for {longest * 1000:.0f} ms at most')
        if longest > PATIENCE:
            yield f'a flow was away for {longest * 1000:.0f} ms'
        if stream.twice:
            yield f'{stream.twice} probes came twice'
        master, _ = self.members.settle(self.others(victim))
        own = {mac for side in SIDES for mac, number in self.units[side].items() if number == master['unit']}
        for kind in ('ARP', 'ND'):
            said = {(source, mac) for what, source, mac in listener.words if what == kind}
            sides = {source for source, mac in said if source in own and mac == CLUSTER_MACS[self.way]}
            if sides != own:
                yield f'the new master did not say by {kind} on both sides where the cluster is, but {said}'
        self.bring_back(victim)


def forms(trial):
    """All members come to rest, and nobody tells the hosts any more where the cluster is without being asked."""
    trial.members.start_all()
    trial.members.settle(trial.wires.numbers, 30)
    # What a new master says unasked for three seconds would tell a host what its own question does not.
    time.sleep(3.5)


def delivers(trial, kind, isDeadly):
    trial.become(kind)
    shut = SHUT.get((trial.way, kind), ())
    listener = Listener(trial.wires)
    try:
        # What members say to each other is no IP, and is flooded by every bridge.
        trial.members.settle(trial.wires.numbers)
        yield from trial.pings(shut)
        yield from trial.reach(shut)
        if isDeadly and 'IPv4' not in shut:
            yield from trial.master_dies(listener)
    finally:
        listener.end()
    yield from trial.judge(listener)


def main():
    program, words = sys.argv[1], sys.argv[2:]
    unknown = [word for word in words if word not in (*METHODS, *WAYS, *KINDS, 'all')]
    if unknown:
        sys.exit(f'there is no {unknown[0]!r}, but {", ".join([*METHODS, "all", *WAYS, *KINDS])}')
    method = next((word for word in words if word in METHODS), 'packet')
    ways = [word for word in words if word in WAYS] or list(WAYS)
    kinds = [word for word in words if word in KINDS] or list(KINDS)
    need(method)
    tally = Tally()
    for way in ways:
        cases = {kind: functools.partial(delivers, kind=kind, isDeadly='all' in words or (way, kind) in DEADLY)
                 for kind in kinds}
        tally.go_through(f'bridges, {method}, {way}', functools.partial(Bridges, program, method, way),
                         {'forms': forms, **cases})
    tally.end()


if __name__ == '__main__':
    main()
