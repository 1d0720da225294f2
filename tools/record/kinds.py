"""Counts what a capture holds: a packet may be of several kinds. Also the proof that none is missing."""
import struct

ORDER = ["ARP", "LLC/STP", "other EtherType", "VLAN (802.1Q)", "QinQ (802.1ad)", "IPv4", "IPv6",
         "IPv4 options", "IPv4 fragment", "IPv6 hop-by-hop", "IPv6 destination options", "IPv6 routing",
         "IPv6 fragment", "IPv6 atomic fragment", "multicast", "broadcast", "TCP", "HTTP (port 80)",
         "TLS (port 443)", "bulk (port 9000)", "UDP", "DNS (port 53)", "IKE (500)", "IKE in 4500",
         "ESP in 4500", "NAT keepalive", "L2TP control", "L2TP data", "ICMP echo", "ICMP error",
         "ICMPv6 echo", "ICMPv6 error", "ND", "IGMP", "MLD", "ESP", "AH", "GRE", "SCTP",
         "frame over 1514", "frame over 60000", "malformed"]


class Bad(Exception):
    pass


def need(data, size):
    if len(data) < size:
        raise Bad


def kinds(frame):
    found = set()
    try:
        link(frame, found)
    except Bad:
        found.add("malformed")
    if len(frame) > 1514 and "VLAN (802.1Q)" not in found:
        found.add("frame over 1514")
    if len(frame) > 60000:
        found.add("frame over 60000")
    return found


def link(frame, found):
    if frame[0] & 1:
        found.add("broadcast" if frame[:6] == b"\xff" * 6 else "multicast")
    kind, at = struct.unpack("!H", frame[12:14])[0], 14
    while kind in (0x8100, 0x88A8):
        found.add("QinQ (802.1ad)" if kind == 0x88A8 else "VLAN (802.1Q)")
        need(frame, at + 4)
        kind, at = struct.unpack("!H", frame[at + 2:at + 4])[0], at + 4
    body = frame[at:]
    if kind < 1536:
        found.add("LLC/STP")
    elif kind == 0x0806:
        found.add("ARP")
        need(body, 28)
    elif kind == 0x0800:
        found.add("IPv4")
        network4(body, found)
    elif kind == 0x86DD:
        found.add("IPv6")
        network6(body, found)
    else:
        found.add("other EtherType")


def network4(data, found):
    need(data, 20)
    head, total = (data[0] & 15) * 4, struct.unpack("!H", data[2:4])[0]
    if data[0] >> 4 != 4 or head < 20 or total < head or total > len(data):
        raise Bad
    if data[12] == 127 or data[12] >= 224 or data[12:16] == data[16:20] or data[8] == 0:
        raise Bad
    value = sum(struct.unpack(f"!{head // 2}H", data[:head]))
    if value % 65535:
        raise Bad
    if head > 20:
        found.add("IPv4 options")
        check_options(data[20:head])
    where = struct.unpack("!H", data[6:8])[0]
    if where & 0x3FFF:
        found.add("IPv4 fragment")
        if where & 0x2000 and (total - head) % 8 or (where & 0x1FFF) * 8 + total > 65535:
            raise Bad
    if where & 0x1FFF == 0:
        transport(data[9], data[head:total], found, whole=not where & 0x2000)


def check_options(options):
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2 or at + options[at + 1] > len(options):
            raise Bad
        at += options[at + 1]


def network6(data, found):
    need(data, 40)
    length = struct.unpack("!H", data[4:6])[0]
    if data[0] >> 4 != 6 or 40 + length > len(data) or length == 0 and data[6] != 59:
        raise Bad
    if data[8] == 255 or data[8:24] == bytes(15) + b"\1":
        raise Bad
    proto, rest, whole, headers = data[6], data[40:40 + length], True, 0
    names = {0: "IPv6 hop-by-hop", 60: "IPv6 destination options", 43: "IPv6 routing"}
    while proto in (0, 43, 44, 60):
        headers += 1
        if proto == 0 and headers > 1 or headers > 16:
            raise Bad
        need(rest, 8)
        if proto == 44:
            where = struct.unpack("!H", rest[2:4])[0]
            found.add("IPv6 fragment" if where & 0xFFF9 else "IPv6 atomic fragment")
            whole = not where & 1
            if where & 1 and (len(rest) - 8) % 8:
                raise Bad
            if where & 0xFFF8:
                return
            size = 8
        else:
            found.add(names[proto])
            size = (rest[1] + 1) * 8
        need(rest, size)
        proto, rest = rest[0], rest[size:]
    transport(proto, rest, found, whole, v6=True)


def transport(proto, data, found, whole, v6=False):
    if proto == 6:
        found.add("TCP")
        need(data, 20)
        if not 20 <= (data[12] >> 4) * 4 <= len(data) or data[13] & 3 == 3:
            raise Bad
        ports = struct.unpack("!HH", data[:4])
        for port, name in ((80, "HTTP (port 80)"), (443, "TLS (port 443)"), (53, "DNS (port 53)"),
                           (9000, "bulk (port 9000)")):
            if port in ports:
                found.add(name)
    elif proto == 17:
        found.add("UDP")
        need(data, 8)
        source, target, size = struct.unpack("!HHH", data[:6])
        if size < 8 or whole and size > len(data):
            raise Bad
        ports, body = (source, target), data[8:]
        if 53 in ports:
            found.add("DNS (port 53)")
        elif 500 in ports:
            found.add("IKE (500)")
        elif 4500 in ports:
            found.add("NAT keepalive" if len(body) == 1 else "IKE in 4500" if body[:4] == bytes(4) else "ESP in 4500")
        elif 1701 in ports:
            found.add("L2TP control" if body[0] & 0x80 else "L2TP data")
    elif proto == 1:
        need(data, 8)
        found.add("ICMP error" if data[0] in (3, 11, 12) else "ICMP echo")
    elif proto == 58:
        need(data, 8)
        kind = data[0]
        found.add("ICMPv6 error" if kind < 128 else "ICMPv6 echo" if kind < 130 else
                  "ND" if 133 <= kind <= 137 else "MLD")
    elif proto == 2:
        found.add("IGMP")
    elif proto in (47, 50, 51, 132):
        found.add({47: "GRE", 50: "ESP", 51: "AH", 132: "SCTP"}[proto])
        need(data, {47: 4, 50: 8, 51: 12, 132: 12}[proto])
        if proto == 51:
            need(data, (data[1] + 2) * 4)


def table(packets):
    counts = dict.fromkeys(ORDER, 0)
    for packet in packets:
        for kind in kinds(packet):
            counts[kind] += 1
    return counts
