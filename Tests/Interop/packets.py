"""Captures and packets, as far as the meetings need them: classic pcap, Ethernet, IPv4, ICMP echo."""

import socket
import struct


def checksum(octets):
    if len(octets) % 2:
        octets += b'\0'
    total = sum(struct.unpack('!%dH' % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return socket.inet_aton(text)


def ipv4(source, destination, protocol, payload, identification=0):
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(payload), identification, 0, 64, protocol, 0)
    head += address(source) + address(destination)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def echo(kind, number, payload):
    body = struct.pack('!BBHHH', kind, 0, 0, 7, number & 0xffff) + payload
    return body[:2] + struct.pack('!H', checksum(body)) + body[4:]


def write(path, frames, link=1):
    """Frames, one after the other, a millisecond apart."""
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, link))
        for number, frame in enumerate(frames):
            file.write(struct.pack('<IIII', 1_700_000_000 + number // 1000, number % 1000 * 1000, len(frame), len(frame)))
            file.write(frame)


def read(path):
    with open(path, 'rb') as file:
        data = file.read()
    order = '<' if data[:1] in (b'\xd4', b'\x4d') else '>'
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + 'I', data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


class Reassembly:
    """IPv4 packets out of what may be fragments of them."""

    def __init__(self):
        self.pieces = {}

    def add(self, packet):
        """The whole packet's payload and addresses, or None while there are pieces to come."""
        length = struct.unpack('!H', packet[2:4])[0]
        packet = packet[:length]
        field = struct.unpack('!H', packet[6:8])[0]
        head = (packet[0] & 15) * 4
        if not field & 0x3fff:
            return packet[9], packet[12:16], packet[16:20], packet[head:]
        key = packet[4:6] + packet[9:10] + packet[12:20]
        entry = self.pieces.setdefault(key, {'parts': {}, 'end': None})
        at = (field & 0x1fff) * 8
        entry['parts'][at] = packet[head:]
        if not field & 0x2000:
            entry['end'] = at + length - head
        if entry['end'] is None:
            return None
        whole = b''
        while len(whole) < entry['end']:
            if len(whole) not in entry['parts']:
                return None
            whole += entry['parts'][len(whole)]
        del self.pieces[key]
        return packet[9], packet[12:16], packet[16:20], whole
