#!/usr/bin/env python3
"""compat.py CAPTURE [--cluster-ip A]...

An independent model of the `compat` work-set hash: it shares no code with Hauberk.
For each packet of CAPTURE, numbered from 1, it prints one line:

    number,workset          the work set, 0...1023
    number,-1,why           no IP packet that can be classified

Exit status: 0 when the whole capture was read; 5 when the file is cut short (what is
whole is printed, then a last line `truncated`); 3 when the file cannot be read or its
link type is not known here (one sentence on stderr, nothing on stdout); 2 for wrong usage.

Captures: pcap (both byte orders, microseconds and nanoseconds) and pcapng (both byte
orders), either of them also compressed with gzip, which is seen by the content.
"""
# long because: reader, parser and hash in one text that can be checked from top to bottom.

import argparse
import ipaddress
import os
import struct
import sys
import zlib
from typing import NamedTuple, Optional

EXIT_REFUSED = 3
EXIT_TRUNCATED = 5


# --- Reading captures ---------------------------------------------------------------

class Refused(Exception):
    """The file cannot be read; the text is a sentence for the user."""


class Frame(NamedTuple):
    data: bytes         # what was captured
    wire_length: int    # what was on the wire; larger than len(data) when snapped


class Capture(NamedTuple):
    link_type: int
    frames: list        # of Frame
    truncated: bool     # the file ends in the middle of something


ETHERNET, NULL, PPP, LOOP = 1, 0, 9, 108
LINUX_COOKED_V1, LINUX_COOKED_V2 = 113, 276
RAW_IP = {12, 14, 101, 228, 229}
LINK_TYPES = {ETHERNET, NULL, PPP, LOOP, LINUX_COOKED_V1, LINUX_COOKED_V2} | RAW_IP

# The limits of libpcap: a length above them is damage, not a cut.
MAX_CAPTURED_LENGTH = 262144
MAX_BLOCK_LENGTH = 16 * 1024 * 1024

MAX_FILE_SIZE = 1 << 30     # after decompression


def read_capture(path):
    """Read a whole capture file. Raises Refused."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        raise Refused(f"The file cannot be opened: {error.strerror}.") from None
    cut = False
    if content[:2] == b"\x1f\x8b":
        content, cut = gunzip(content)
    if len(content) > MAX_FILE_SIZE:
        raise Refused("The file is larger than 1 GiB.")

    magic = content[:4]
    if magic in PCAP_MAGICS:
        link_type, frames, short = read_pcap(content, PCAP_MAGICS[magic])
    elif magic == b"\x0a\x0d\x0d\x0a":
        link_type, frames, short = read_pcapng(content)
    else:
        raise Refused("The file is neither pcap nor pcapng.")
    if link_type not in LINK_TYPES:
        raise Refused(f"The link type {link_type} is not supported.")
    return Capture(link_type, frames, cut or short)


def gunzip(content):
    """Decompress all gzip members; returns (bytes, cut short?)."""
    output = bytearray()
    while content[:2] == b"\x1f\x8b":   # anything else after a member is padding
        member = zlib.decompressobj(wbits=31)
        try:
            output += member.decompress(content, MAX_FILE_SIZE + 1 - len(output))
        except zlib.error:
            raise Refused("The gzip data is damaged.") from None
        if len(output) > MAX_FILE_SIZE:
            break
        if not member.eof:
            return bytes(output), True
        content = member.unused_data
    return bytes(output), False


PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": ">", b"\xd4\xc3\xb2\xa1": "<",     # microseconds
    b"\xa1\xb2\x3c\x4d": ">", b"\x4d\x3c\xb2\xa1": "<",     # nanoseconds
}


def read_pcap(content, order):
    """Returns (link type, frames, cut short?)."""
    if len(content) < 24:
        raise Refused("The pcap file header is cut short.")
    major, minor = struct.unpack_from(order + "HH", content, 4)
    if major != 2 or minor > 4:
        raise Refused(f"The pcap version {major}.{minor} is not supported.")
    # Above the link type the field holds the length of a frame check sequence.
    link_type = struct.unpack_from(order + "I", content, 20)[0] & 0x03ffffff

    frames = []
    at = 24
    while at < len(content):
        if len(content) - at < 16:
            return link_type, frames, True
        captured, wire = struct.unpack_from(order + "II", content, at + 8)
        # Old writers stored the two lengths the other way round.
        if minor < 3 or (minor == 3 and captured > wire):
            captured, wire = wire, captured
        if captured > MAX_CAPTURED_LENGTH:
            raise Refused(f"The file is damaged: packet {len(frames) + 1} says it has "
                          f"{captured} bytes.")
        at += 16
        if len(content) - at < captured:
            return link_type, frames, True
        frames.append(Frame(content[at:at + captured], wire))
        at += captured
    return link_type, frames, False


SECTION_HEADER, INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = \
    0x0a0d0d0a, 1, 2, 3, 6


def read_pcapng(content):
    """Returns (link type, frames, cut short?).

    Like libpcap, refuses a file whose interfaces differ in link type."""
    frames = []
    link_type = None
    snap_lengths = []   # one per interface of the current section
    order = "<"
    at = 0
    cut = False

    def damaged(what):
        return Refused(f"The pcapng file is damaged: {what}, at byte {at}.")

    while at < len(content):
        if len(content) - at < 12:
            cut = True
            break
        if content[at:at + 4] == b"\x0a\x0d\x0d\x0a":   # the same in both byte orders
            byte_order = content[at + 8:at + 12]
            if byte_order == b"\x1a\x2b\x3c\x4d":
                order = ">"
            elif byte_order == b"\x4d\x3c\x2b\x1a":
                order = "<"
            else:
                raise damaged("a section without a byte-order magic")
        kind, length = struct.unpack_from(order + "II", content, at)
        if length < 12 or length % 4 or length > MAX_BLOCK_LENGTH:
            raise damaged(f"a block of {length} bytes")
        if len(content) - at < length:
            cut = True
            break
        if struct.unpack_from(order + "I", content, at + length - 4)[0] != length:
            raise damaged("a block whose two lengths differ")
        body = content[at + 8:at + length - 4]

        if kind == SECTION_HEADER:
            if len(body) < 16:
                raise damaged("a section header that is too short")
            major, minor = struct.unpack_from(order + "HH", body, 4)
            if (major, minor) not in ((1, 0), (1, 2)):
                raise Refused(f"The pcapng version {major}.{minor} is not supported.")
            snap_lengths = []
        elif kind == INTERFACE:
            if len(body) < 8:
                raise damaged("an interface block that is too short")
            this_type, _, snap_length = struct.unpack_from(order + "HHI", body)
            if link_type is None:
                link_type = this_type
                first_snap_length = snap_length
            elif this_type != link_type or snap_length != first_snap_length:
                # libpcap hands out one kind of packet only: it stops here, and what came before stands.
                if not frames:
                    raise Refused("The file has interfaces that differ in link type or snapshot length.")
                cut = True
                break
            snap_lengths.append(snap_length)
        elif kind in (ENHANCED_PACKET, OLD_PACKET):
            if len(body) < 20:
                raise damaged("a packet block that is too short")
            id_format = "I" if kind == ENHANCED_PACKET else "H"
            interface = struct.unpack_from(order + id_format, body)[0]
            captured, wire = struct.unpack_from(order + "II", body, 12)
            if interface >= len(snap_lengths):
                raise damaged(f"a packet from the unknown interface {interface}")
            if captured > len(body) - 20:
                raise damaged("a packet longer than its block")
            frames.append(Frame(body[20:20 + captured], wire))
        elif kind == SIMPLE_PACKET:
            if len(body) < 4:
                raise damaged("a packet block that is too short")
            if not snap_lengths:
                raise damaged("a packet without an interface")
            wire = struct.unpack_from(order + "I", body)[0]
            captured = min(wire, snap_lengths[0]) if snap_lengths[0] else wire
            if captured > len(body) - 4:
                raise damaged("a packet longer than its block")
            frames.append(Frame(body[4:4 + captured], wire))
        at += length

    if link_type is None:
        raise Refused("The pcapng file describes no interface.")
    return link_type, frames, cut


# --- From the frame to the IP packet ------------------------------------------------

class NotIP(Exception):
    """No IP packet that can be classified; the text says why, without commas."""


ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86dd
ETHERTYPES_TAG = {0x8100, 0x88a8, 0x9100}
MAX_TAGS = 4

FAMILY_IPV4 = 2
FAMILIES_IPV6 = {10, 24, 28, 30}    # Linux; NetBSD and OpenBSD; FreeBSD; Darwin

PPP_IPV4, PPP_IPV6 = 0x0021, 0x0057


def ip_in_frame(link_type, frame):
    """Returns (IP version, the bytes from the IP header on). Raises NotIP."""
    if link_type == ETHERNET:
        return ip_by_ethertype(frame, type_at=12, payload_at=14)
    if link_type == LINUX_COOKED_V1:
        return ip_by_ethertype(frame, type_at=14, payload_at=16)
    if link_type == LINUX_COOKED_V2:
        return ip_by_ethertype(frame, type_at=0, payload_at=20)
    if link_type in (NULL, LOOP):
        return ip_by_family(frame, orders=">" if link_type == LOOP else "<>")
    if link_type == PPP:
        return ip_by_ppp(frame)
    if link_type in RAW_IP:
        version = frame[0] >> 4 if frame else None
        if version in (4, 6):
            return version, frame
        raise NotIP("not IP")
    raise ValueError(f"link type {link_type}")


def ip_by_ethertype(frame, type_at, payload_at):
    if len(frame) < payload_at:
        raise NotIP("link header too short")
    ethertype = be16(frame, type_at)
    tags = 0
    while ethertype in ETHERTYPES_TAG:
        tags += 1
        if tags > MAX_TAGS:
            raise NotIP("too many VLAN tags")
        if len(frame) < payload_at + 4:
            raise NotIP("VLAN tag too short")
        ethertype = be16(frame, payload_at + 2)
        payload_at += 4
    if ethertype == ETHERTYPE_IPV4:
        return 4, frame[payload_at:]
    if ethertype == ETHERTYPE_IPV6:
        return 6, frame[payload_at:]
    raise NotIP(f"not IP (type 0x{ethertype:04x})")


def ip_by_family(frame, orders):
    """BSD loopback: the address family in 32 bits, NULL in the order of the writer's host."""
    if len(frame) < 4:
        raise NotIP("link header too short")
    for order in orders:
        family = struct.unpack_from(order + "I", frame)[0]
        if family == FAMILY_IPV4:
            return 4, frame[4:]
        if family in FAMILIES_IPV6:
            return 6, frame[4:]
    raise NotIP("not IP")


def ip_by_ppp(frame):
    at = 2 if frame[:2] == b"\xff\x03" else 0
    if len(frame) > at and frame[at] & 1:   # an odd first byte ends the field
        protocol, at = frame[at], at + 1
    elif len(frame) >= at + 2:
        protocol, at = be16(frame, at), at + 2
    else:
        raise NotIP("link header too short")
    if protocol == PPP_IPV4:
        return 4, frame[at:]
    if protocol == PPP_IPV6:
        return 6, frame[at:]
    raise NotIP(f"not IP (PPP protocol 0x{protocol:04x})")


# --- From the IP packet to what the hash needs --------------------------------------

TCP, UDP = 6, 17
FRAGMENT, AUTHENTICATION = 44, 51
EXTENSIONS = {0, 43, FRAGMENT, 60, AUTHENTICATION, 135, 139, 140}
MAX_EXTENSIONS = 64


class Packet(NamedTuple):
    source: object                  # ipaddress.IPv4Address or IPv6Address
    destination: object
    source_port: Optional[int]      # of UDP or TCP; None for anything else


def parse_frame(link_type, frame):
    """Returns the Packet of a frame. Raises NotIP."""
    version, data = ip_in_frame(link_type, frame)
    return parse_ipv4(data) if version == 4 else parse_ipv6(data)


def parse_ipv4(data):
    if len(data) < 20:
        raise NotIP("IPv4 header too short")
    if data[0] >> 4 != 4:
        raise NotIP("IPv4 version wrong")
    header_length = (data[0] & 15) * 4
    if header_length < 20:
        raise NotIP("IPv4 header length below 20")
    if header_length > len(data):
        raise NotIP("IPv4 header cut short")
    total_length = be16(data, 2)
    if total_length == 0:               # segmentation offload: the rest of the frame
        total_length = len(data)
    if total_length < header_length:
        raise NotIP("IPv4 total length below the header length")
    # A total length beyond the bytes there is no error: the capture may be snapped.
    upper = data[header_length:total_length]
    first = be16(data, 6) & 0x1fff == 0     # not a fragment, or the first one
    return Packet(ipaddress.IPv4Address(data[12:16]), ipaddress.IPv4Address(data[16:20]),
                  source_port_of(data[9], upper) if first else None)


def parse_ipv6(data):
    if len(data) < 40:
        raise NotIP("IPv6 header too short")
    if data[0] >> 4 != 6:
        raise NotIP("IPv6 version wrong")
    payload_length = be16(data, 4)
    end = 40 + payload_length if payload_length else len(data)
    protocol, upper = skip_extensions(data[6], data[40:end])
    return Packet(ipaddress.IPv6Address(data[8:24]), ipaddress.IPv6Address(data[24:40]),
                  source_port_of(protocol, upper))


def skip_extensions(next_header, data):
    """Returns (upper protocol, its bytes); (None, b"") where there is none to be had:
    a chain that is too long or runs past the end, and the later fragments."""
    nothing = None, b""
    extensions = 0
    while next_header in EXTENSIONS:
        extensions += 1
        if extensions > MAX_EXTENSIONS or len(data) < 2:
            return nothing
        if next_header == FRAGMENT:
            length = 8
        elif next_header == AUTHENTICATION:
            length = (data[1] + 2) * 4
        else:
            length = (data[1] + 1) * 8
        if len(data) < length:
            return nothing
        if next_header == FRAGMENT and be16(data, 2) & 0xfff8:
            return nothing
        next_header, data = data[0], data[length:]
    return next_header, data


def source_port_of(protocol, upper):
    if protocol in (UDP, TCP) and len(upper) >= 4:
        return be16(upper, 0)
    return None


def be16(data, at):
    return data[at] << 8 | data[at + 1]


# --- The hash -----------------------------------------------------------------------

def number_of(address):
    """The address as a 32-bit number; the four words of an IPv6 address are XORed."""
    number = int(address)
    if address.version == 4:
        return number
    return (number >> 96 ^ number >> 64 ^ number >> 32 ^ number) & 0xffffffff


def work_set(packet, cluster_addresses):
    """The work set, 0...1023."""
    source, destination = number_of(packet.source), number_of(packet.destination)
    to_cluster = packet.destination in cluster_addresses
    if to_cluster and packet.source_port is not None:
        i = source ^ packet.source_port
    else:
        i = destination ^ source
    return (i ^ i >> 10 ^ i >> 20 ^ i >> 30) & 1023


def classify(capture, cluster_addresses=frozenset()):
    """Yields for each frame (work set or -1, reason or None)."""
    for frame in capture.frames:
        try:
            yield work_set(parse_frame(capture.link_type, frame.data), cluster_addresses), None
        except NotIP as why:
            yield -1, str(why)


# --- The command --------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(
        description="Print the compat work set of each packet of a capture.")
    parser.add_argument("capture", metavar="CAPTURE")
    parser.add_argument("--cluster-ip", metavar="A", action="append", default=[],
                        type=ipaddress.ip_address, help="a cluster IP (may be repeated)")
    arguments = parser.parse_args()
    try:
        capture = read_capture(arguments.capture)
    except Refused as refusal:
        print(f"{arguments.capture}: {refusal}", file=sys.stderr)
        return EXIT_REFUSED
    lines = []
    results = classify(capture, frozenset(arguments.cluster_ip))
    for number, (result, why) in enumerate(results, start=1):
        lines.append(f"{number},{result}" if why is None else f"{number},{result},{why}")
    if capture.truncated:
        lines.append("truncated")
    try:
        sys.stdout.write("".join(line + "\n" for line in lines))
        sys.stdout.flush()
    except BrokenPipeError:     # as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_TRUNCATED if capture.truncated else 0


if __name__ == "__main__":
    sys.exit(main())
