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


def main():
    driver, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    captures = [SAMPLE] if SAMPLE.exists() else []
    for place in map(pathlib.Path, sys.argv[3:]):
        captures += sorted(path for path in place.rglob("*") if path.suffix in (".pcap", ".pcapng", ".gz", ".cap"))
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"packet": packet_seeds, "capture": capture_seeds, "yaml": yaml_seeds, "segments": segment_seeds}
    maker = makers.get(driver, pair_seeds)
    for count, seed in enumerate(maker(captures)):
        if count == MOST:
            break
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


main()
