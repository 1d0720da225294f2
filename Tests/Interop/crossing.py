"""Numbered datagrams between two hosts, both ways at once, and what an analyser with the keys sees of them outside."""

import collections
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../Live'))

from world import DONT, IP_MTU_DISCOVER, SO_RCVBUFFORCE, inside

PORT = 7007
CHANCE = random.Random(7).randbytes(1 << 16)
# Datagrams under way in each direction: fewer than any ring between the two has places.
UNDER_WAY = 48


def lengths(count):
    """Of payloads: clear packets of 36 to 1372 octets; each eighth of 1373 to 1472; each fortieth cut by its host."""
    dice = random.Random(count)

    def one(number):
        if number % 40 == 7:
            return dice.randint(1500, 5000)
        return dice.randint(1345, 1444) if number % 8 == 3 else dice.randint(8, 1344)

    return [one(number) for number in range(count)]


def payload(number, length):
    at = number * 13 % 50000
    return struct.pack('!II', number, length) + CHANCE[at:at + length - 8]


class Way:
    """One direction: from a host's address to another's."""

    def __init__(self, wires, source, target):
        (place, self.source), (other, self.target) = source, target
        self.sender = self.open(wires, place, self.source)
        self.receiver = self.open(wires, other, self.target)
        self.sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DONT)
        self.sent, self.seen, self.wrong = 0, collections.Counter(), 0

    @staticmethod
    def open(wires, place, address):
        with inside(wires.namespace(place)):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setblocking(False)
        return made

    def bind(self):
        self.sender.bind((self.source, 0))
        self.receiver.bind((self.target, PORT))
        return self

    def send(self, sizes, until):
        while self.sent < until:
            self.sender.sendto(payload(self.sent, sizes[self.sent]), (self.target, PORT))
            self.sent += 1

    def hear(self, sizes):
        """How many came."""
        heard = 0
        try:
            while True:
                data, (address, _) = self.receiver.recvfrom(65536)
                number = int.from_bytes(data[:4], 'big')
                if address != self.source or number >= len(sizes) or data != payload(number, sizes[number]):
                    self.wrong += 1
                self.seen[number] += 1
                heard += 1
        except BlockingIOError:
            return heard

    def faults(self, sizes):
        way = f'{self.source} to {self.target}'
        lost = [number for number in range(len(sizes)) if not self.seen[number]]
        twice = sum(number > 1 for number in self.seen.values())
        if lost:
            yield f'{way}: {len(lost)} of {len(sizes)} lost, the first is number {lost[0]} of {sizes[lost[0]]} octets'
        if twice or self.wrong:
            yield f'{way}: {twice} came twice, {self.wrong} are not what was sent'


def greet(ways, patience=10.0):
    """Until everybody on the way knows his neighbours: while a gateway asks for one, it keeps only so many packets."""
    deadline = time.monotonic() + patience
    for way in ways:
        while not select.select([way.receiver], [], [], 0.2)[0]:
            if time.monotonic() > deadline:
                raise OSError(f'nothing gets from {way.source} to {way.target}')
            way.sender.sendto(b'', (way.target, PORT))
    time.sleep(0.5)
    for way in ways:
        while select.select([way.receiver], [], [], 0)[0]:
            way.receiver.recv(64)


def cross(ways, sizes, patience=3.0, under_way=UNDER_WAY):
    """Sends all on all ways. What is lost is not waited for for long, and not sent again."""
    given_up = [0] * len(ways)
    last = time.monotonic()
    while any(way.seen.total() + lost < len(sizes) for way, lost in zip(ways, given_up)):
        for way, lost in zip(ways, given_up):
            way.send(sizes, min(len(sizes), way.seen.total() + lost + under_way))
        select.select([way.receiver for way in ways], [], [], 0.05)
        if sum(way.hear(sizes) for way in ways):
            last = time.monotonic()
        elif time.monotonic() - last > patience:
            given_up = [way.sent - way.seen.total() for way in ways]
            last = time.monotonic()


class Capture:
    """All frames at the other end of a gateway's outside cable: its own tcpdump is asked after AF_XDP, and sees none."""

    def __init__(self, wires, path):
        self.path = path
        self.process = wires.start('outside', 'tcpdump', '-Z', 'root', '-B', '65536', '-i', 'a', '-w', path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if 'listening' in line:
                return
        raise OSError('tcpdump does not listen')

    def end(self):
        """How many frames it has missed."""
        time.sleep(1.2)  # what it has, it writes once a second
        os.kill(self.process.pid, signal.SIGINT)
        words = self.process.stderr.read()
        self.process.wait()
        return int(re.search(r'(\d+) packets? dropped by kernel', words)[1])


def analyse(path, folder, rows):
    """What tshark sees: payloads by direction, the ESP packets, and those whose tag is right. `rows`: its table of SAs."""
    home = os.path.join(folder, 'home')
    os.makedirs(os.path.join(home, 'wireshark'), exist_ok=True)
    with open(os.path.join(home, 'wireshark', 'esp_sa'), 'w') as file:
        file.writelines(','.join(f'"{value}"' for value in row) + '\n' for row in rows)
    done = subprocess.run(
        ['tshark', '-r', path, '-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE',
         '-d', f'udp.port=={PORT},data', '-T', 'fields', '-E', 'occurrence=l', '-e', 'esp.sequence', '-e', 'esp.icv_good', '-e', 'ip.src', '-e', 'ip.dst',
         '-e', 'udp.dstport', '-e', 'udp.payload'],
        capture_output=True, text=True, timeout=300, env=dict(os.environ, XDG_CONFIG_HOME=home, HOME=home))
    if done.returncode != 0:
        raise OSError(f'tshark ended with {done.returncode}: {done.stderr.strip()[-200:]}')
    seen, sealed, good = collections.defaultdict(list), 0, 0
    for line in done.stdout.splitlines():
        number, is_good, source, target, port, data = line.split('\t')
        sealed += bool(number)
        good += is_good in ('1', 'True')
        if number and port == str(PORT):
            seen[source, target].append(bytes.fromhex(data.replace(':', '')))
    return seen, sealed, good


def compare(ways, sizes, seen, sealed, good, has_tags=True):
    if has_tags and sealed != good:
        yield f'tshark finds {sealed - good} wrong tags in {sealed} ESP packets'
    want = collections.Counter(payload(number, size) for number, size in enumerate(sizes))
    for way in ways:
        got = collections.Counter(seen[way.source, way.target])
        if got != want:
            yield (f'{way.source} to {way.target}: tshark sees {got.total()} of {len(sizes)} packets, '
                   f'{(got - want).total()} of them not as they were sent')
