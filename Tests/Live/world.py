"""Sockets in the namespaces of a lab, and echo requests that are told exactly: size, hop limit, DF, what came back."""

import contextlib
import os
import socket
import struct
import time

from lab_wires import enter

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IPV6_DONTFRAG = 10, 23, 62
# DF and no belief in what was learned of the path; and no DF.
PROBE, DONT = 3, 0
SO_RCVBUFFORCE = 33


@contextlib.contextmanager
def inside(namespace):
    """Sockets made in here belong to the namespace for ever."""
    with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{namespace}') as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Echo:
    """Asks one address, and keeps replies and errors."""

    def __init__(self, namespace, address, df=False, hops=None):
        self.is6, self.address = ':' in address, address
        self.identity = struct.unpack('!H', os.urandom(2))[0]
        self.replies, self.errors = set(), []
        with inside(namespace):
            self.socket = (
                socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) if self.is6
                else socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        level, option = (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if self.is6 else (socket.IPPROTO_IP, IP_MTU_DISCOVER)
        self.socket.setsockopt(level, option, PROBE if df else DONT)
        if df and self.is6:
            self.socket.setsockopt(level, IPV6_DONTFRAG, 1)
        if hops is not None:
            self.socket.setsockopt(level, socket.IPV6_UNICAST_HOPS if self.is6 else socket.IP_TTL, hops)

    def ask(self, number, size=56):
        """`size` octets behind the ICMP header."""
        head = struct.pack('!BBHHH', 128 if self.is6 else 8, 0, 0, self.identity, number)
        body = bytes((number + place) & 0xff for place in range(size))
        if not self.is6:
            head = head[:2] + struct.pack('!H', checksum(head + body)) + head[4:]
        # While an address is asked for, what is sent to it waits, and more does not fit.
        self.socket.settimeout(5)
        self.socket.sendto(head + body, (self.address, 0))

    def hear(self, seconds):
        """What comes within the time: others' replies, which this socket hears as well, may never cease."""
        deadline = time.monotonic() + max(seconds, 0.0005)
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self.judge(*self.socket.recvfrom(65536))
        except (TimeoutError, socket.timeout):
            pass

    def judge(self, packet, sender):
        if not self.is6:
            packet = packet[(packet[0] & 15) * 4:]
        kind, code = packet[0], packet[1]
        if kind == (129 if self.is6 else 0):
            identity, number = struct.unpack('!HH', packet[4:8])
            if identity != self.identity:
                return
            if packet[8:] != bytes((number + place) & 0xff for place in range(len(packet) - 8)):
                self.errors.append(('changed', len(packet) - 8, sender[0]))
            self.replies.add(number)
        elif kind in ((1, 2, 3) if self.is6 else (3, 11)):
            self.errors.append((kind, code, sender[0], struct.unpack('!I', packet[4:8])[0]))

    def ask_all(self, sizes, at_once=32, patience=4.0):
        """Numbers that found no answer: each number is a place in `sizes`."""
        sizes = list(sizes)
        for first in range(0, len(sizes), at_once):
            part = range(first, min(first + at_once, len(sizes)))
            for number in part:
                self.ask(number, sizes[number])
            deadline = time.monotonic() + patience
            while not self.replies.issuperset(part) and time.monotonic() < deadline:
                self.hear(0.002)
        return sorted(set(range(len(sizes))) - self.replies)

    def one(self, patience=5.0):
        """The first answer to one request: 'reply', or the error."""
        self.ask(0)
        return self.answer(patience)

    def answer(self, patience):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self.hear(0.002)
            if self.replies:
                return 'reply'
            if self.errors:
                return self.errors[0]
        return None

    def close(self):
        self.socket.close()
