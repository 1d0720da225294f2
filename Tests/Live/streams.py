"""UDP in bursts and TCP in bulk between the hosts of a lab."""

import hashlib
import os
import socket
import threading
import time

from world import SO_RCVBUFFORCE, inside


def pair(near, far, address, kind):
    """A socket in each namespace; the far one listens at the address."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with inside(far):
        server = socket.socket(family, kind)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, 0))
    with inside(near):
        client = socket.socket(family, kind)
    return client, server


def udp_bursts(near, far, address, bursts=60, count=64):
    """How many datagrams were lost or changed, of so many bursts as fast as the kernel goes."""
    client, server = pair(near, far, address, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    client.connect(server.getsockname()[:2])
    server.settimeout(2)
    bad = 0
    with client, server:
        for burst in range(bursts):
            wanted = {bytes([burst]) + os.urandom(1 + (burst * count + number) * 7 % 1350) for number in range(count)}
            for datagram in wanted:
                client.send(datagram)
            for _ in range(len(wanted)):
                try:
                    datagram = server.recv(2048)
                except (TimeoutError, socket.timeout):
                    break
                wanted.discard(datagram)
            bad += len(wanted)
    return bad


class Bulk:
    """Octets over TCP both ways at once; `wait` says megabits a second or raises."""

    def __init__(self, near, far, address, octets):
        self.octets, self.words = octets, []
        client, server = pair(near, far, address, socket.SOCK_STREAM)
        server.listen(1)
        client.settimeout(30)
        client.connect(server.getsockname()[:2])
        other, _ = server.accept()
        server.close()
        other.settimeout(30)
        self.sockets = [client, other]
        self.since = time.monotonic()
        data = [os.urandom(octets), os.urandom(octets)]
        self.threads = [threading.Thread(target=work, args=arguments, daemon=True) for work, arguments in [
            (self.send, (client, data[0])), (self.send, (other, data[1])),
            (self.receive, (other, data[0])), (self.receive, (client, data[1]))]]
        for thread in self.threads:
            thread.start()

    def send(self, stream, data):
        try:
            stream.sendall(data)
        except OSError as error:
            self.words.append(f'sending: {error}')

    def receive(self, stream, data):
        digest, left = hashlib.sha256(), len(data)
        try:
            while left:
                part = stream.recv(min(left, 1 << 18))
                if not part:
                    break
                digest.update(part)
                left -= len(part)
        except OSError as error:
            self.words.append(f'receiving: {error}, and {left} octets are missing')
        if digest.digest() != hashlib.sha256(data).digest():
            self.words.append(f'{left} octets are missing, or others than were sent arrived')

    def wait(self):
        for thread in self.threads:
            thread.join()
        for stream in self.sockets:
            stream.close()
        return self.words, 16 * self.octets / (time.monotonic() - self.since) / 1e6
