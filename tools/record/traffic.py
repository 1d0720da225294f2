"""The conversations. Each function makes a list of jobs; main mixes and runs them."""
# long because: one function a kind of traffic, side by side, and nothing else.
import contextlib
import random
import socket
import ssl
import struct
import time

import frames as f
from servers import dns_query, exactly, until

V4, V6 = socket.AF_INET, socket.AF_INET6
dice = random.Random(20)


def family_of(address):
    return V6 if ":" in address else V4


def pause(low=0.001, high=0.004):
    time.sleep(random.uniform(low, high))


class Site:
    """One side: its namespace, the addresses its kernel answers for, and silent hosts whose
    packets are made by hand (the router knows their MACs, nobody answers for them)."""

    def __init__(self, space, device, gateway_mac, v4, v6, silent, silent_mac, silent_v6):
        self.space, self.device, self.gateway_mac = space, device, gateway_mac
        self.v4, self.v6, self.silent, self.silent_mac = v4, v6, silent, silent_mac
        self.silent_v6 = silent_v6
        ports = list(range(32768, 60999))
        dice.shuffle(ports)
        self._ports = iter(ports)
        self.wire = None

    def port(self):
        return next(self._ports)

    def open_wire(self):
        self.wire = self.space.packet_socket(self.device)

    def udp(self, address, port=None, **options):
        sock = self.space.socket(family_of(address), socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, self.port() if port is None else port))
        return sock

    def connect(self, address, peer, port):
        sock = self.space.socket(family_of(address), socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((address, self.port()))
        sock.connect((peer, port))
        return sock

    def inject(self, host, packet, pad=0):
        """A packet from silent host number `host`, to the router."""
        kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
        self.wire.send(f.eth(self.gateway_mac, self.silent_mac(host), kind, packet).ljust(pad, b"\0"))


def pairs(a, b, count, both=True):
    """(client site, its address, server site, its address), spread over both families."""
    for n in range(count):
        client, server = (b, a) if both and n % 5 == 4 else (a, b)
        name = "v6" if n % 3 == 2 else "v4"
        yield client, dice.choice(getattr(client, name)), server, dice.choice(getattr(server, name))


# Answers from real servers

def dns(a, b, count):
    def job(client, source, target, name, kind, ident):
        with client.udp(source) as sock:
            sock.sendto(dns_query(ident, name, kind), (target, 53))
            sock.recvfrom(4096)

    def over_tcp(client, source, target, name, ident):
        with client.connect(source, target, 53) as sock:
            query = dns_query(ident, name, 16)
            sock.sendall(struct.pack("!H", len(query)) + query)
            exactly(sock, struct.unpack("!H", exactly(sock, 2))[0])

    jobs = []
    for n, (client, source, _, target) in enumerate(pairs(a, b, count)):
        name = f"{dice.choice(['www', 'mail', 'ring', 'host', 'nx'])}{n % 90}.example.net"
        if name.startswith("nx"):
            name = "nx.example.org"
        jobs.append((job, client, source, target, name, dice.choice([1, 1, 28, 16, 15]), dice.getrandbits(16)))
        if n % 60 == 0:
            jobs.append((over_tcp, client, source, target, name, dice.getrandbits(16)))
    return jobs


def fetch(stream, size, post=0):
    head = b"POST" if post else b"GET"
    stream.sendall(head + b" /%d HTTP/1.1\r\nHost: www.example.net\r\n" % size
                   + (b"Content-Length: %d\r\n" % post if post else b"") + b"\r\n" + b"m" * post)
    head, rest = until(stream, b"\r\n\r\n").split(b"\r\n\r\n", 1)
    exactly(stream, size - len(rest))


def http(a, b, count):
    def job(client, source, target, sizes, post):
        with client.connect(source, target, 80) as sock:
            for size in sizes:
                fetch(sock, size, post)
                pause()

    return [(job, client, source, target, [dice.choice([0, 40, 100, 200, 300, 600, 1600]) for _ in range(1 + n % 2)],
             dice.choice([0, 0, 0, 300])) for n, (client, source, _, target) in enumerate(pairs(a, b, count))]


def tls(a, b, count):
    def job(client, source, target, version, size):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(client.connect(source, target, 443),
                                 server_hostname="www.example.net") as sock:
            fetch(sock, size)
            with contextlib.suppress(OSError):
                sock.unwrap().close()

    return [(job, client, source, target, [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3][n % 2],
             dice.choice([30, 200, 900])) for n, (client, source, _, target) in enumerate(pairs(a, b, count))]


def refused(a, b, count):
    def job(client, source, target, port):
        with contextlib.suppress(ConnectionRefusedError):
            client.connect(source, target, port).close()

    return [(job, client, source, target, dice.choice([22, 23, 25, 179, 445, 3389, 8080]))
            for client, source, _, target in pairs(a, b, count)]


def bulk(client, source, target, up, down):
    """`up` lists the sizes sent, with a pause after each in which the peer opens its window."""
    with client.connect(source, target, 9000) as sock:
        sock.sendall(struct.pack("!II", sum(up), down))
        for size in up:
            pause(0.03, 0.03)
            sock.sendall(random.Random(size).randbytes(size))
        exactly(sock, max(down, 1))


def udp(a, b, count):
    sizes = [0, 1, 2, 18, 26, 64, 64, 100, 128, 172, 172, 256, 512, 1000, 1232, 1440, 1472]

    def job(client, source, target, port, size):
        with client.udp(source) as sock:
            sock.sendto(random.randbytes(size), (target, port))
            sock.recvfrom(65536)

    jobs = []
    for n, (client, source, _, target) in enumerate(pairs(a, b, count)):
        size = sizes[n] if n < len(sizes) else dice.choice(sizes[:11])     # every size once, then small ones
        jobs.append((job, client, source, target, dice.choice([7, 7, 5004]),
                     min(size, 1452) if family_of(source) == V6 else size))
    for n, (client, source, _, target) in enumerate(pairs(a, b, 3)):        # larger than a frame
        jobs.append((job, client, source, target, 7, 1500 + 500 * n))
    return jobs


def ping(a, b, count):
    def job(client, source, target, ident, size, repeat, options):
        family = family_of(source)
        with client.space.socket(family, socket.SOCK_RAW, 58 if family == V6 else 1) as sock:
            sock.bind((source, 0))
            if options:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, options)
            for n in range(repeat):
                data = bytes(k & 255 for k in range(size))
                rest = struct.pack("!HH", ident, n + 1)
                packet = (f.echo6(source, target, ident, n + 1, data) if family == V6
                          else f.icmp(8, 0, rest, data))
                sock.sendto(packet, (target, 0))
                pause()

    jobs = [(job, client, source, target, dice.getrandbits(16), dice.choice([0, 8, 32, 56, 56, 56, 56, 120]),
             1 + n % 2, None) for n, (client, source, _, target) in enumerate(pairs(a, b, count))]
    for client, source, _, target in pairs(a, b, 3):            # larger than a frame: real fragments
        jobs.append((job, client, source, target, dice.getrandbits(16), dice.choice([1600, 1900, 3100]), 1, None))
    for n in range(10):
        options = [bytes([7, 39, 4]) + bytes(36) + b"\0",                       # record route
                   bytes([7, 15, 4]) + bytes(12) + b"\0",
                   bytes([68, 20, 5, 0]) + bytes(16),                           # timestamp
                   bytes([1, 1, 1, 0])][n % 4]
        jobs.append((job, a, dice.choice(a.v4), dice.choice(b.v4), dice.getrandbits(16), 56, 1, options))
    return jobs


def errors(a, b, special):
    """Datagrams that make the router or the far host answer with an ICMP error."""
    def job(client, source, target, port, size, hops=None, dont_fragment=False):
        with client.udp(source) as sock:
            v6 = family_of(source) == V6
            if hops and v6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
            elif hops:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
            if dont_fragment:                    # DF always, whatever path MTU is known
                sock.setsockopt(*((socket.IPPROTO_IPV6, 23, 3) if v6 else (socket.IPPROTO_IP, 10, 3)))
            sock.sendto(random.randbytes(size), (target, port))
            pause()

    jobs = []
    for client, source, _, target in pairs(a, b, 30):
        jobs.append((job, client, source, target, 40000 + len(jobs), dice.choice([0, 12, 60, 300])))
    for n, (client, source, _, target) in enumerate(pairs(a, b, 10, both=False)):
        for hops in (1, 2):
            jobs.append((job, client, source, target, 33434 + 2 * n + hops, 32, hops))
    for n in range(2):
        jobs.append((job, a, a.v4[n], special["narrow4"], 7, 1450, None, True))
        jobs.append((job, a, a.v6[n], special["narrow6"], 7, 1430, None, True))
    for n in range(4):
        jobs.append((job, a, a.v4[n], special["prohibited4"], 7, 20))
        jobs.append((job, a, a.v6[n], special["prohibited6"], 7, 20))
        jobs.append((job, a, a.v4[n], "192.0.2.250", 7, 20))                   # no route
        jobs.append((job, a, a.v6[n], "2001:db8:f::1", 7, 20))
    return jobs


def multicast(a, router, count):
    groups4, groups6 = ["224.0.0.251", "239.1.2.3"], ["ff02::fb", "ff05::1:3"]

    def join(site_space, device, address, group):
        family = family_of(group)
        with site_space.inside():
            index = socket.if_nametoindex(device)
        with site_space.socket(family, socket.SOCK_DGRAM) as sock:
            if family == V4:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                socket.inet_aton(group) + socket.inet_aton(address))
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                socket.inet_pton(V6, group) + struct.pack("I", index))
            pause(0.3, 0.6)

    def send(space, device, address, group, port, data):
        with space.inside():
            index = socket.if_nametoindex(device)
        with space.socket(family_of(group), socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind((address, port))
            if family_of(group) == V4:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sock.sendto(data, (group, port))

    jobs = [(join, a.space, a.device, a.v4[0], g) for g in groups4 + groups6]
    for n in range(count):
        query = dns_query(0, f"ring{n}.local", 1)
        jobs.append((send, a.space, a.device, a.v4[n % 9], "224.0.0.251", 5353, query))
        jobs.append((send, a.space, a.device, a.v6[n % 9], "ff02::fb", 5353, query))
        jobs.append((send, router, "ra", "192.0.2.1", "224.0.0.251", 5353, query))
        if n % 2 == 0:
            jobs.append((send, a.space, a.device, a.v4[n], "239.1.2.3", 6000 + n, bytes(48)))
            jobs.append((send, a.space, a.device, a.v4[n], "192.0.2.127", 6100 + n, bytes(40)))
            jobs.append((send, a.space, a.device, a.v4[n], "255.255.255.255", 6200 + n, bytes(40)))
            jobs.append((send, router, "ra", "192.0.2.1", "192.0.2.127", 6300 + n, bytes(40)))
    return jobs


def talk(a, b, source, target, sport, dport, script):
    """A scripted UDP conversation between two real sockets: [(from the client?, data), ...]"""
    with a.udp(source, sport) as left, b.udp(target, dport) as right:
        left.connect((target, dport))
        right.connect((source, left.getsockname()[1]))
        for from_client, data in script:
            (left if from_client else right).send(data)
            (right if from_client else left).recv(65536)
            pause(0.0005, 0.002)


def ike_script(marker):
    """IKE_SA_INIT, IKE_AUTH, an informational exchange; bodies are random."""
    i, r = dice.randbytes(8), dice.randbytes(8)
    proposal = bytes.fromhex("00000024010100030300000c01000014800e01000300000802000005") + bytes.fromhex("000000080400001f")
    init = (f.ike_payload(34, proposal) + f.ike_payload(40, b"\0\x1f\0\0" + dice.randbytes(32))
            + f.ike_payload(0, dice.randbytes(32)))

    def sealed(first, size):
        return struct.pack("!BBH", first, 0, 4 + size) + dice.randbytes(size)

    rounds = [(i, bytes(8), r, 33, 34, 0, init)] if not marker else []
    rounds += [(i, r, r, 46, 35, 1, sealed(35, 220)), (i, r, r, 46, 37, 2, sealed(0, 52))]
    script = []
    for spi_i, spi_ask, spi_answer, first, exchange, msgid, body in rounds:
        script.append((True, marker + f.ike(spi_i, spi_ask, first, exchange, 0x08, msgid, body)))
        script.append((False, marker + f.ike(spi_i, spi_answer, first, exchange, 0x20, msgid, body)))
    return script


def ike(a, b, count):
    return [(talk, a, b, a.v4[n] if n % 3 else a.v6[n], b.v4[n] if n % 3 else b.v6[n], 500, 500, ike_script(b""))
            for n in range(count)]


def nat_traversal(a, b, count):
    jobs = []
    for n in range(count):
        script = ike_script(bytes(4))[:2 + n % 3]
        spis = dice.randrange(256, 1 << 32), dice.randrange(256, 1 << 32)
        for seq in range(1, 7):
            for out in (True, False):
                body = dice.randbytes(8 + 4 * dice.randrange(10, 30) + 16)
                script.append((out, f.esp(spis[out], seq, body)))
        script.insert(dice.randrange(len(script)), (True, b"\xff"))
        script.append((True, b"\xff"))
        v6 = n % 4 == 3
        jobs.append((talk, a, b, (a.v6 if v6 else a.v4)[10 + n], (b.v6 if v6 else b.v4)[10 + n],
                     4500 if n % 2 else None, 4500, script))
    return jobs


def l2tp(a, b, count):
    jobs = []
    for n in range(count):
        mine, theirs = dice.randrange(1, 65536), dice.randrange(1, 65536)
        session = dice.randrange(1, 65536), dice.randrange(1, 65536)

        def control(kind, *more):
            return f.l2tp_avp(0, struct.pack("!H", kind)) + b"".join(f.l2tp_avp(*avp) for avp in more)

        def number(value):
            return struct.pack("!H", value)

        opening = [(2, b"\1\0"), (3, bytes([0, 0, 0, 3])), (7, b"lac.example")]
        script = [
            (True, f.l2tp_control(0, 0, 0, 0, control(1, *opening, (9, number(mine))))),            # SCCRQ
            (False, f.l2tp_control(mine, 0, 0, 1, control(2, *opening, (9, number(theirs))))),      # SCCRP
            (True, f.l2tp_control(theirs, 0, 1, 1, control(3))),                                    # SCCCN
            (True, f.l2tp_control(theirs, 0, 2, 1, control(10, (14, number(session[0])), (15, bytes(4))))),
            (False, f.l2tp_control(mine, session[0], 1, 3, control(11, (14, number(session[1]))))),  # ICRP
            (True, f.l2tp_control(theirs, session[1], 3, 2, control(12, (24, bytes(4)), (19, bytes(4))))),
            (False, f.l2tp_control(mine, 0, 2, 4, b"")),                                            # ZLB
            (True, f.l2tp_data(theirs, session[1], b"\xff\x03\xc0\x21\x01\x01\x00\x0a\x05\x06" + dice.randbytes(4))),
        ]
        for k in range(4):
            inner = (f"203.0.113.{n + 1}", "203.0.113.200", 4000 + k, 7)
            script.append((True, f.l2tp_data(theirs, session[1], b"\xff\x03\x00\x21" + f.ipv4(
                inner[0], inner[1], 17, f.udp(*inner, bytes(20 * k))), k % 2 == 0)))
            script.append((False, f.l2tp_data(mine, session[0], b"\xff\x03\x00\x21" + f.ipv4(
                inner[1], inner[0], 17, f.udp(inner[1], inner[0], 7, 4000 + k, bytes(20 * k))), k % 2 == 1)))
        script += [(True, f.l2tp_control(theirs, 0, 4, 3, control(6))),                             # HELLO
                   (False, f.l2tp_control(mine, 0, 2, 5, b"")),
                   (True, f.l2tp_control(theirs, 0, 5, 3, control(4, (9, number(mine)), (1, b"\0\1"))))]
        jobs.append((talk, a, b, a.v4[20 + n], b.v4[20 + n], 1701, 1701, script))
    return jobs


# Made by hand, between silent hosts

def by_hand(a, b, kind, count):
    """Jobs that play scripts of (from a?, protocol, payload) between silent hosts."""
    def job(host_a, host_b, v6, script):
        ends = [(s.silent_v6 if v6 else s.silent)(h) for s, h in ((a, host_a), (b, host_b))]
        for from_a, proto, payload in script:
            src, dst = ends if from_a else ends[::-1]
            if callable(payload):
                payload = payload(src, dst)
            packet = (f.ipv6(src, dst, proto, payload) if v6 else
                      f.ipv4(src, dst, proto, payload, ident=random.getrandbits(16)))
            (a if from_a else b).inject(host_a if from_a else host_b, packet)
            pause(0.0005, 0.003)

    return [(job, dice.randrange(80, 120), dice.randrange(80, 120), n % 4 == 3, kind(n)) for n in range(count)]


def esp_script(n):
    spis = dice.randrange(256, 1 << 32), dice.randrange(256, 1 << 32)
    start = dice.choice([0, 0, 1000, 0x7FFFFFF0])
    script = []
    for seq in range(1, 6):
        for out in (True, False):
            size = dice.choice([40, 40, 56, 64, 84, 120, 200, 1350 if n % 8 == 0 else 90])
            script.append((out, 50, f.esp(spis[out], start + seq, dice.randbytes(8 + (size + 5) // 4 * 4 + 16))))
    return script


def ah_script(n):
    spis = dice.randrange(256, 1 << 32), dice.randrange(256, 1 << 32)

    def payload(out, seq):
        # One ICV of 12 bytes (IPv4) and one of 20 (a multiple of eight in all, for IPv6).
        icv = dice.randbytes(20 if n % 4 == 3 else 12)
        ports = (40000 + n, 7) if out else (7, 40000 + n)
        if n % 2:
            return lambda src, dst: f.ah(17, spis[out], seq, icv, f.udp(src, dst, *ports, bytes(32)))
        return lambda src, dst: f.ah(6, spis[out], seq, icv, f.tcp(src, dst, *ports, seq, seq, 0x18, bytes(24)))
    return [(out, 51, payload(out, seq)) for seq in range(1, 4) for out in (True, False)]


def sctp_script(n):
    ports, tags = (dice.randrange(1024, 65536), 2905), (dice.getrandbits(32) | 1, dice.getrandbits(32) | 1)
    cookie = dice.randbytes(40)

    def packet(out, *chunks, tag=None):
        return out, 132, f.sctp(*(ports if out else ports[::-1]), tags[out] if tag is None else tag, *chunks)

    def init(kind, own, more=b""):
        return f.chunk(kind, 0, struct.pack("!IIHHI", tags[own], 65536, 4, 4, 1) + more)

    def data(tsn):
        return f.chunk(0, 3, struct.pack("!IHHI", tsn, 0, tsn - 1, 0) + bytes(16 * tsn))

    def sack(tsn):
        return f.chunk(3, 0, struct.pack("!IIHH", tsn, 65000, 0, 0))

    return [packet(True, init(1, False), tag=0),
            packet(False, init(2, True, struct.pack("!HH", 7, 4 + len(cookie)) + cookie)),
            packet(True, f.chunk(10, 0, cookie)), packet(False, f.chunk(11, 0)),
            packet(True, data(1)), packet(False, sack(1), data(1)), packet(True, sack(1), data(2)),
            packet(False, sack(2)), packet(True, f.chunk(7, 0, struct.pack("!I", 1))),
            packet(False, f.chunk(8, 0)), packet(True, f.chunk(14, 0))]


def extensions(a, b, count):
    """Echo requests behind extension headers, from hosts that the far kernel answers."""
    pad = bytes([1, 4, 0, 0, 0, 0])
    alert = bytes([5, 2, 0, 0, 1, 0])

    def job(source, target, build):
        for packet in build(source, target):
            # The real host's MAC, so that the answers to it and these go the same way.
            a.wire.send(f.eth(a.gateway_mac, "02:00:00:00:0a:01", 0x86DD, packet))
            pause()

    def chain(*wrappers, last=None):
        """wrappers: (number of the header, function(following) → bytes), outermost first.
        `last` is where a routing header says the packet ends (its checksum covers that address)."""
        def build(source, target):
            inner, following = f.echo6(source, last or target, dice.getrandbits(16), 1, bytes(48)), 58
            for number, wrap in reversed(wrappers):
                inner, following = wrap(following) + inner, number
            return [f.ipv6(source, target, following, inner)]
        return build

    def fragments(source, target):
        """Two fragments of a datagram with a destination options header before the payload."""
        whole = f.ext_options(58, pad) + f.echo6(source, target, dice.getrandbits(16), 1, bytes(1500))
        ident = dice.getrandbits(32)
        return [f.ipv6(source, target, 44, f.ext_fragment(60, 0, 1, ident) + whole[:1024]),
                f.ipv6(source, target, 44, f.ext_fragment(60, 128, 0, ident) + whole[1024:])]

    hop = (0, lambda following: f.ext_options(following, pad))
    rtr = (0, lambda following: f.ext_options(following, alert))
    dst = (60, lambda following: f.ext_options(following, pad))
    big = (60, lambda following: f.ext_options(following, bytes([1, 100]) + bytes(100)))
    odd = (60, lambda following: f.ext_options(following, bytes([0xBE, 4, 1, 2, 3, 4])))     # must be refused
    rt0 = (43, lambda following: f.ext_routing(following, 0, 1, ["2001:db8:b::10"]))         # must be refused
    rt4 = (43, lambda following: f.ext_routing(following, 4, 0, ["2001:db8:b::10"]))
    rt2 = (43, lambda following: f.ext_routing(following, 2, 0, ["2001:db8:b::10"]))
    atm = (44, lambda following: f.ext_fragment(following, 0, 0, dice.getrandbits(32)))      # atomic
    kinds = [chain(hop), chain(dst), chain(atm), chain(hop, dst), chain(rt4), chain(rt2), chain(rt0, last="2001:db8:b::10"), chain(big),
             chain(hop, dst, rt4, atm, dst), chain(odd), chain(atm, dst), chain(rtr), fragments]
    return [(job, dice.choice(a.v6), dice.choice(b.v6), kinds[n % len(kinds)]) for n in range(count)]


def crafted_fragments(a, b):
    """IPv4 fragments that arrive backwards, tiny, overlapping or without their first."""
    def job(n):
        src, dst = a.silent(80 + n), b.silent(80 + n)
        whole, ident = f.udp(src, dst, 5000 + n, 7, bytes(600)), dice.getrandbits(16)
        cuts = [[(0, 304), (304, 608)], [(304, 608), (0, 304)], [(0, 8), (8, 608)],
                [(0, 304), (200, 608)], [(304, 608)], [(0, 200), (200, 400), (400, 608)]][n % 6]
        for low, high in cuts:
            a.inject(80 + n, f.ipv4(src, dst, 17, whole[low:high], ident=ident, flags=high < len(whole), offset=low // 8))
            pause()
    return [(job, n) for n in range(12)]


def padded(a, b, count):
    """Short packets in frames of the least length a real wire carries."""
    def job(n):
        host, port = 80 + n % 40, a.port()
        src, dst = a.silent(host), b.silent(host)
        a.inject(host, f.ipv4(src, dst, 17, f.udp(src, dst, port, 7, b"x" * (n % 5))), pad=60)
        pause()
        a.inject(host, f.ipv4(src, dst, 6, f.tcp(src, dst, port, 80, n, n, 0x10)), pad=60)
    return [(job, n) for n in range(count)]


def link_layer(a, router):
    wire = router.packet_socket("ra")
    own = "02:00:00:00:0a:fe"

    def bridge(n):
        wire.send(f.llc("01:80:c2:00:00:00", own, f.bpdu(0x8000, own, 0x8001)).ljust(60, b"\0"))
        if n % 4 == 0:
            a.wire.send(f.llc("01:80:c2:00:00:00", a.silent_mac(80), f.bpdu(0x9000, a.silent_mac(80), 0x8002)).ljust(60, b"\0"))

    def odd(n):
        frames = [
            f.llc("ff:ff:ff:ff:ff:ff", a.silent_mac(81), b"\xaa\xaa\x03\0\0\0\x88\xb6" + bytes(40)),     # SNAP
            f.eth("02:00:00:00:0a:fe", a.silent_mac(82), 0x88B6, bytes(46)),                             # unknown
            f.eth("02:00:00:00:0a:fe", a.silent_mac(83), 0x8100, struct.pack("!HH", 0xA000, 0x0800)      # priority tag
                  + f.ipv4(a.silent(83), "198.51.100.83", 17, f.udp(a.silent(83), "198.51.100.83", 5000 + n, 7, bytes(26)))),
            f.eth("ff:ff:ff:ff:ff:ff", a.silent_mac(84), 0x0806, bytes.fromhex("0001080006040001")       # gratuitous ARP
                  + f.mac(a.silent_mac(84)) + f.ip(a.silent(84)) + bytes(6) + f.ip(a.silent(84)))]
        a.wire.send(frames[n % 4])

    return [(bridge, n) for n in range(12)] + [(odd, n) for n in range(12)]


def malformed(a, b, router):
    wire = router.packet_socket("ra")
    s4, d4 = a.silent(90), b.silent(90)
    s6, d6 = a.silent_v6(90), b.silent_v6(90)
    good_udp, good_udp6 = f.udp(s4, d4, 5000, 7, bytes(24)), f.udp(s6, d6, 5000, 7, bytes(24))
    good_tcp = f.tcp(s4, d4, 5000, 80, 1, 1, 0x18, bytes(24))
    v4 = lambda payload=good_udp, proto=17, **k: (0x0800, f.ipv4(s4, d4, proto, payload, **k))
    v6 = lambda proto=17, payload=good_udp6, **k: (0x86DD, f.ipv6(s6, d6, proto, payload, **k))
    options = f.ext_options
    pad = bytes([1, 4, 0, 0, 0, 0])
    chain = b"".join(options(60, pad) for _ in range(24))
    cut = lambda item, size: (item[0], item[1][:size])
    broken = [
        v4(version=5), v4(version=0), v4(version=6), v4(ihl=4), v4(ihl=0), v4(ihl=15, payload=b"", total=20),
        v4(total=12), v4(total=0), v4(total=900), v4(bad_sum=True), v4(ttl=0),
        cut(v4(), 1), cut(v4(), 10), cut(v4(), 19), cut(v4(), 20), (0x0800, b""),
        v4(good_udp[:2]), v4(good_udp[:7]), v4(f.udp(s4, d4, 5000, 7, b"", length=4)),
        v4(f.udp(s4, d4, 5000, 7, bytes(8), length=400)), v4(good_tcp[:3], 6), v4(good_tcp[:12], 6),
        v4(f.tcp(s4, d4, 5000, 80, 1, 1, 0x10, words=2), 6), v4(f.tcp(s4, d4, 5000, 80, 1, 1, 0x10, words=15), 6),
        v4(f.tcp(s4, d4, 5000, 80, 1, 1, 0x3F), 6),
        v4(options=bytes([7, 0, 4, 0])), v4(options=bytes([7, 60, 4, 0])), v4(flags=1, payload=bytes(13)),
        v4(offset=8190, payload=bytes(64)), v4(b"\x08", 1), v4(f.esp(7, 1, b"")[:6], 50),
        v4(b"\x11\xff" + bytes(10), 51), v4(b"\x20", 47),
        (0x0800, f.ipv4("127.0.0.1", d4, 17, good_udp)), (0x0800, f.ipv4("224.0.0.9", d4, 17, good_udp)),
        (0x0800, f.ipv4(d4, d4, 17, good_udp)), (0x0800, f.ipv4("255.255.255.255", d4, 17, good_udp)),
        v6(version=4), v6(version=0), v6(length=900), v6(length=0), cut(v6(), 1), cut(v6(), 20), cut(v6(), 39),
        cut(v6(), 40), (0x86DD, b""), v6(payload=good_udp6[:2]), v6(payload=good_udp6[:7]),
        v6(0, b"\x11\xff" + bytes(6)), v6(60, b"\x3c"), v6(60, chain), v6(60, chain + b"\x3c\x09"),
        v6(60, options(0, pad) + options(17, pad) + good_udp6), v6(43, b"\x11\x20\x00\x01" + bytes(4)),
        v6(44, f.ext_fragment(17, 0, 1, 5)[:5]), v6(44, f.ext_fragment(17, 0, 1, 5) + bytes(13)),
        v6(59, b""), v6(59, bytes(16)), v6(0, options(17, bytes([0xC2, 4, 0, 1, 0, 0])) + good_udp6, length=0),
        v6(51, b"\x11\x7f" + bytes(14)), v6(58, b"\x80"), (0x86DD, f.ipv6("::1", d6, 17, good_udp6)),
        (0x86DD, f.ipv6("ff02::1", d6, 17, good_udp6)),
        (0x0806, bytes.fromhex("00010800060400")), (0x0806, bytes.fromhex("00010800ff040001") + bytes(20))]
    outward = [(0x8100, b"\0"), (0x8100, b"\0\x0a"), (0x88A8, b"\0\x14\x81\0"),
               (0x8100, b"\0\x0a\x81\0\0\x0b\x81\0\0\x0c\x81\0\0\x0d\x08\0" + v4()[1])]

    def job(kind, packet, out):
        if out:
            wire.send(f.eth("02:00:00:00:0a:01", "02:00:00:00:0a:fe", kind, packet))
        else:
            a.wire.send(f.eth("02:00:00:00:0a:fe", a.silent_mac(90), kind, packet))

    return [(job, *item, False) for item in broken] + [(job, *item, True) for item in outward]
