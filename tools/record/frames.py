"""Byte builders for the frames that no kernel would send by itself."""
import ipaddress
import struct


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def ip(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def eth(dst, src, kind, payload):
    return mac(dst) + mac(src) + struct.pack("!H", kind) + payload


def ipv4(src, dst, proto, payload, *, ttl=64, ident=0, flags=0, offset=0, options=b"",
         version=4, ihl=None, total=None, bad_sum=False, tos=0):
    """`offset` counts units of eight bytes; `flags` is 2 for DF, 1 for MF."""
    options += b"\0" * (-len(options) % 4)
    real = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | (real if ihl is None else ihl), tos,
                       real * 4 + len(payload) if total is None else total,
                       ident, flags << 13 | offset, ttl, proto, 0, ip(src), ip(dst)) + options
    value = checksum(head) ^ (0x5555 if bad_sum else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def ipv6(src, dst, proto, payload, *, hops=64, length=None, version=6, flow=0, tclass=0):
    return struct.pack("!IHBB16s16s", version << 28 | tclass << 20 | flow,
                       len(payload) if length is None else length, proto, hops,
                       ip(src), ip(dst)) + payload


def pseudo(src, dst, proto, length):
    a, b = ip(src), ip(dst)
    if len(a) == 4:
        return a + b + struct.pack("!BBH", 0, proto, length)
    return a + b + struct.pack("!II", length, proto)


def udp(src, dst, sport, dport, data, length=None):
    size = 8 + len(data) if length is None else length
    head = struct.pack("!HHHH", sport, dport, size, 0)
    value = checksum(pseudo(src, dst, 17, 8 + len(data)) + head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", value) + data


def tcp(src, dst, sport, dport, seq, ack, flags, data=b"", words=5):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, 64240, 0, 0)
    value = checksum(pseudo(src, dst, 6, len(head) + len(data)) + head + data)
    return head[:16] + struct.pack("!H", value) + head[18:] + data


def icmp(kind, code, rest, data=b""):
    body = struct.pack("!BBH", kind, code, 0) + rest + data
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def icmp6(src, dst, kind, code, rest, data=b""):
    body = struct.pack("!BBH", kind, code, 0) + rest + data
    value = checksum(pseudo(src, dst, 58, len(body)) + body)
    return body[:2] + struct.pack("!H", value) + body[4:]


def echo6(src, dst, ident, seq, data):
    return icmp6(src, dst, 128, 0, struct.pack("!HH", ident, seq), data)


# IPv6 extension headers; `options` is padded to a multiple of eight bytes.

def ext_options(following, options):
    gap = -(2 + len(options)) % 8
    if gap == 1:
        options += b"\0"
    elif gap > 1:
        options += struct.pack("!BB", 1, gap - 2) + bytes(gap - 2)
    return struct.pack("!BB", following, (2 + len(options)) // 8 - 1) + options


def ext_routing(following, kind, left, addresses):
    body = b"".join(ip(a) for a in addresses)
    # Byte 4 is "last entry" in a segment routing header (type 4), reserved in the others.
    fixed = struct.pack("!BBH", len(addresses) - 1, 0, 0) if kind == 4 else bytes(4)
    return struct.pack("!BBBB", following, len(body) // 8, kind, left) + fixed + body


def ext_fragment(following, offset, more, ident):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, ident)


# Tunnels and security headers

def esp(spi, seq, body):
    return struct.pack("!II", spi, seq) + body


def ah(following, spi, seq, icv, payload):
    words = (12 + len(icv)) // 4 - 2
    return struct.pack("!BBHII", following, words, 0, spi, seq) + icv + payload


def ike(spi_i, spi_r, first, exchange, flags, msgid, payload):
    return spi_i + spi_r + struct.pack("!BBBBII", first, 0x20, exchange, flags, msgid,
                                       28 + len(payload)) + payload


def ike_payload(following, body):
    return struct.pack("!BBH", following, 0, 4 + len(body)) + body


def l2tp_control(tunnel, session, ns, nr, avps):
    return struct.pack("!HHHHHH", 0xC802, 12 + len(avps), tunnel, session, ns, nr) + avps


def l2tp_avp(kind, value, mandatory=True):
    return struct.pack("!HHH", (0x8000 if mandatory else 0) | 6 + len(value), 0, kind) + value


def l2tp_data(tunnel, session, payload, with_length=False):
    if with_length:
        return struct.pack("!HHHH", 0x4002, 8 + len(payload), tunnel, session) + payload
    return struct.pack("!HHH", 0x0002, tunnel, session) + payload


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def sctp(sport, dport, tag, *chunks):
    body = b"".join(chunk + bytes(-len(chunk) % 4) for chunk in chunks)
    head = struct.pack("!HHI", sport, dport, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + body)) + body


def chunk(kind, flags, body=b""):
    return struct.pack("!BBH", kind, flags, 4 + len(body)) + body


def llc(dst, src, body):
    return mac(dst) + mac(src) + struct.pack("!H", len(body)) + body


def bpdu(priority, bridge, port):
    ident = struct.pack("!H", priority) + mac(bridge)
    return b"\x42\x42\x03" + struct.pack("!HBBB8sI8sHHHHH", 0, 0, 0, 0, ident, 0, ident, port,
                                         0, 20 * 256, 2 * 256, 15 * 256)
