"""seeds.py DRIVER FOLDER [CAPTURES]: fills FOLDER with inputs for a fuzz driver to start from.

Takes them from the sample that ships with Hauberk, from the tests' own documents and from CAPTURES where that folder
exists. Seeds are made anew when needed and never kept: they are other people's packets in part.
"""
import gzip
import hashlib
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "Sources/Management/CSample/sample.pcap"
MOST = 3000         # seeds, so that reading them leaves time to fuzz
LONGEST = 2048      # bytes of a frame
LONGEST_CAPTURE = 8192
# A libpcap link type to the place of ours in LinkType.allCases.
LINKS = {0: 0, 1: 1, 9: 2, 12: 3, 14: 3, 101: 3, 108: 4, 113: 5, 228: 6, 229: 7, 276: 8}
# What the driver's configurations call theirs: frames sent there reach the rules for IKE, ESP and L2TP.
UNIT_MAC = bytes([2, 0, 0, 0, 0, 1])
CLUSTER4 = bytes([198, 51, 100, 1])
CLUSTER6 = bytes.fromhex("20010db8000b00000000000000000001")


def bytes_of(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            return b""
    return data


def packets(data):
    """(link type, frame) of a classic pcap; other forms are left to the capture driver."""
    orders = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
    order = orders.get(data[:4])
    if order is None or len(data) < 24:
        return
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        length, = struct.unpack_from(order + "I", data, at + 8)
        yield link, data[at + 16:at + 16 + length]
        at += 16 + length


def to_cluster(frame):
    """The same Ethernet frame, sent to the driver's cluster, or None."""
    if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
        return UNIT_MAC + frame[6:30] + CLUSTER4 + frame[34:]
    if frame[12:14] == b"\x86\xdd" and len(frame) >= 54:
        return UNIT_MAC + frame[6:38] + CLUSTER6 + frame[54:]
    return None


def kind(link, frame):
    """What is most likely to take a path of its own: headers, flags, ports with a meaning; not addresses."""
    ports = tuple(port if port in (500, 1701, 4500) else 0 for port in struct.unpack("!HH", frame[34:38].ljust(4)))
    return link, frame[12:15], frame[20:22], frame[23:24], ports, len(frame) // 256


def packet_seeds(captures):
    seen = set()
    for path in captures:
        for link, frame in packets(bytes_of(path)):
            if link not in LINKS or kind(link, frame) in seen:
                continue
            seen.add(kind(link, frame))
            frame = frame[:LONGEST]
            yield bytes([LINKS[link]]) + frame
            changed = to_cluster(frame) if link == 1 else None
            if changed:
                yield bytes([LINKS[link]]) + changed


def segment_seeds(captures):
    """Frames in Ethernet, behind a word that fits them: MTU, tag, flags, kind, size, where the checksum is."""
    for seed in packet_seeds(captures):
        frame = seed[1:]
        if seed[0] != LINKS[1] or len(frame) < 54:
            continue
        is_ipv4 = frame[12:14] == b"\x08\x00"
        protocol = frame[23 if is_ipv4 else 20]
        kind = 5 if protocol == 17 else 1 if is_ipv4 else 4
        start = 14 + (frame[14] & 15) * 4 if is_ipv4 else 54
        yield struct.pack("!HBBBHHH", 100, 0, 1, kind, 20, start, 6 if protocol == 17 else 16) + frame
        yield struct.pack("!HBBBHHH", 1432, 1, 0, kind, 20, 0, 0) + frame


def capture_seeds(captures):
    for path in captures:
        # The front of a long file is a file that ends early, which is a seed as well.
        yield path.read_bytes()[:LONGEST_CAPTURE]


def yaml_seeds(captures):
    yield b"s: text\nb: true\ni: -7\nu: 3\nc: on\nk: '12'\nl: [[a, b], [c]]\ne: {x: y}\nm: {s: deep}\n"
    yield b"s: |\n  several\n  lines\nl:\n  - [a]\n  - - b\nm: &a {b: no}\ne: *a\n"
    for path in sorted(ROOT.glob("**/*.y*ml")):
        if ".build" not in path.parts:
            text = path.read_bytes()
            yield text[:4096]
            # Whole but for the words to people, which would leave no room for the end.
            lines = [line for line in text.split(b"\n") if not line.lstrip().startswith(b"#")]
            yield b"\n".join(lines)[:4096]


def pair_seeds(_):
    """For the drivers that play two gateways: a few octets for each pair of them."""
    for pair in range(32):
        for again in range(4):
            yield bytes([pair]) + b"".join(hashlib.sha256(bytes([pair, again, part])).digest() for part in range(8))


def neighbour_seeds(_):
    """Questions and answers of the driver's own link, alone and in a row, each behind what it is and its time."""
    ours, alice = bytes.fromhex("00005e005301"), bytes.fromhex("00005e00530a")
    ours4, alice4 = bytes([192, 0, 2, 254]), bytes([192, 0, 2, 1])
    ours6, alice6 = (bytes.fromhex("20010db80000000000000000000000" + end) for end in ("fe", "0a"))

    def arp(operation, sender, target):
        return ours + alice + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation) + alice + sender + ours + target

    def v4(protocol, payload, target):
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0)
        return ours + alice + b"\x08\x00" + header + alice4 + target + payload

    def v6(protocol, payload, target, hops=255):
        header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops)
        return ours + alice + b"\x86\xdd" + header + alice6 + target + payload

    echo, datagram = b"\x08\0\0\0\0\1\0\1ping", struct.pack("!HHHH", 4000, 5000, 8, 0)
    solicitation = b"\x87" + bytes(7) + ours6 + b"\1\1" + alice
    advertisement = b"\x88\0\0\0\x60\0\0\0" + alice6 + b"\2\1" + alice
    all_of_them = []
    for cause, frame in [
            (2, v4(17, datagram, alice4)), (2, v6(17, datagram, alice6)), (0, arp(1, alice4, ours4)),
            (0, arp(2, alice4, ours4)), (0, arp(1, alice4, alice4)), (0, arp(1, ours4, ours4)), (0, arp(1, bytes(4), ours4)),
            (1, v4(1, echo, ours4)), (1, v6(58, b"\x80" + echo[1:], ours6)), (1, v6(58, solicitation, ours6)),
            (1, v6(58, advertisement, ours6)), (1, v4(6, datagram, ours4)), (1, v6(132, datagram, ours6)),
            (3, v4(17, datagram, alice4)), (4, v6(17, datagram, alice6)), (5, v4(17, datagram, alice4)),
            (6, v6(44, b"\x11\0\0\1\0\0\0\1" + datagram, alice6))]:
        frame += bytes(-len(frame) % 4)
        for time in (0, 4, 20):
            all_of_them.append(bytes([0x40 | cause, time, len(frame) // 4]) + frame)
    yield from all_of_them
    for step in (1, 2, 5):
        yield b"".join(all_of_them[::step])[:1024]
        yield b"".join(all_of_them[::-step])[:1024]


def control_seeds(_):
    """Steps of each kind from each beginning: time, what happens, what would be said now, and what was said coming back."""
    for beginning in range(16):
        for how in range(0, 256, 4):
            words = b"".join(bytes([what, how | sender, 1, 2, 1]) for what in range(9, 16) for sender in range(3))
            yield bytes([beginning]) + words + b"\0\x20" + words[::-1]
        for sender in range(4):
            echoes = b"".join(bytes([6 | place << 4, sender | how << 2, 0]) for place in range(8) for how in (0, 1, 16))
            yield bytes([beginning]) + echoes + b"\0\x40\2\1" + echoes
        for kind in range(16):
            body = hashlib.sha256(bytes([beginning, kind])).digest() * 5
            for length in (0, 2, 4, 26):
                yield bytes([beginning, 4 | kind << 4, 0, length]) + body[:6 * length] + bytes([1, 0, 0]) + b"\0\x20\2\1"


def identity_seeds(_):
    """Terms that hold, names that nearly do, and the beginnings of DER and PEM."""
    for uses in (0x80, 0x86, 0):
        for authority in (0, 1):
            for name in (b"hauberk:north/unit/3", b"hauberk:north/unit/64", b"hauberk:north/authority", b"http:x"):
                yield bytes([2, uses, authority, 0, 0, 255, 255, 1, 1, 0]) + bytes(16) + b"\4name" + name
    for kind in (0, 3):
        yield bytes([kind]) + bytes.fromhex("3081a0308190a003020102020141300506032b6570") + bytes(120)
    for name in (b"CERTIFICATE", b"X509 CRL", b"PUBLIC KEY"):
        yield b"\4-----BEGIN " + name + b"-----\nMAMCAQE=\n-----END " + name + b"-----\n"
    for place in range(32):
        yield bytes([1, 1, 9 * place >> 8, 9 * place & 255, place])


def main():
    driver, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    captures = [SAMPLE] if SAMPLE.exists() else []
    for place in map(pathlib.Path, sys.argv[3:]):
        captures += sorted(path for path in place.rglob("*") if path.suffix in (".pcap", ".pcapng", ".gz", ".cap"))
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"packet": packet_seeds, "capture": capture_seeds, "yaml": yaml_seeds, "segments": segment_seeds,
              "neighbours": neighbour_seeds, "control": control_seeds, "identity": identity_seeds}
    maker = makers.get(driver, pair_seeds)
    for count, seed in enumerate(maker(captures)):
        if count == MOST:
            break
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


main()
