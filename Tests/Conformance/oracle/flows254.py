#!/usr/bin/env python3
"""flows254.py OUT.pcap

Writes the 254 UDP flows 10.1.0.i:4000 <-> 10.2.0.i:5000, i = 1...254, one packet in each
direction. Source XOR destination is the same for all of them, so the compat hash puts
them all into one work set; a hash fit for use spreads them.
"""

import ipaddress
import struct
import sys

MAC_ONE = bytes.fromhex("020000000001")
MAC_TWO = bytes.fromhex("020000000002")


def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def udp_frame(source_mac, destination_mac, source, destination,
              source_port, destination_port, payload, identification):
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed

    udp_length = 8 + len(payload)
    ports = struct.pack(">HH", source_port, destination_port)
    pseudo_header = addresses + struct.pack(">BBH", 0, 17, udp_length)
    checksum = internet_checksum(
        pseudo_header + ports + struct.pack(">HH", udp_length, 0) + payload)
    udp = ports + struct.pack(">HH", udp_length, checksum or 0xffff) + payload

    def ip_header(checksum):
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + udp_length, identification, 0x4000,
                           64, 17, checksum) + addresses

    ip = ip_header(internet_checksum(ip_header(0)))
    return destination_mac + source_mac + b"\x08\x00" + ip + udp


def frames():
    for i in range(1, 255):
        one, two = f"10.1.0.{i}", f"10.2.0.{i}"
        payload = b"flow %3d, to pad the frame" % i
        yield udp_frame(MAC_ONE, MAC_TWO, one, two, 4000, 5000, payload, 2 * i - 1)
        yield udp_frame(MAC_TWO, MAC_ONE, two, one, 5000, 4000, payload, 2 * i)


def main():
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} OUT.pcap", file=sys.stderr)
        return 2
    with open(sys.argv[1], "wb") as output:
        output.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(frames()):
            # One packet a millisecond, from 2025-01-01 00:00:00 UTC.
            output.write(struct.pack("<IIII", 1735689600, number * 1000,
                                     len(frame), len(frame)))
            output.write(frame)
    return 0


if __name__ == "__main__":
    sys.exit(main())
