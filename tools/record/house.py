"""Network namespaces without names: they live as long as this process holds them,
so nothing is left behind however it ends."""
import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import socket
import struct
import subprocess
import threading

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"


def _check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL)


class Namespace:
    home = None

    def __init__(self):
        if Namespace.home is None:
            Namespace.home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.unshare(_NEWNET), "unshare")
        self.fd = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.setns(Namespace.home, 0), "setns")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in this namespace; other threads are not affected."""
        _check(_libc.setns(self.fd, _NEWNET), "setns")
        try:
            yield
        finally:
            _check(_libc.setns(Namespace.home, _NEWNET), "setns")

    def sh(self, *command):
        with self.inside():
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

    def ip(self, line):
        self.sh("ip", *line.split())

    def sysctl(self, name, value):
        with self.inside(), contextlib.suppress(FileNotFoundError):
            with open("/proc/sys/net/" + name, "w") as file:
                file.write(str(value))

    def socket(self, family, kind, proto=0):
        with self.inside():
            sock = socket.socket(family, kind, proto)
        sock.settimeout(5)
        return sock

    def packet_socket(self, device, proto=0):
        sock = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(proto))
        sock.bind((device, proto))
        return sock

    def tun(self, name, tap):
        with self.inside():
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(),
                                                    (0x0002 if tap else 0x0001) | 0x1000))
        os.set_blocking(fd, False)
        return fd

    def link_to(self, other, mine, theirs):
        self.ip(f"link add {mine} type veth peer name {theirs} netns /proc/{os.getpid()}/fd/{other.fd}")


class Pump(threading.Thread):
    """One thread that calls a function whenever its file can be read."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.running = True

    def add(self, file, call):
        self.selector.register(file, selectors.EVENT_READ, call)

    def run(self):
        while self.running:
            for key, _ in self.selector.select(0.2):
                try:
                    key.data(key.fileobj)
                except OSError:
                    pass            # a device that went down, an error queued by ICMP


SOL_PACKET, AUXDATA, IGNORE_OUTGOING = 263, 8, 23


def tag_device(space, wire, name, tags, pump):
    """A tap whose frames cross `wire` with VLAN tags, [(tpid, tci), ...], outermost first."""
    tap = space.tun(name, tap=True)
    sock = space.packet_socket(wire, 3)
    sock.setsockopt(SOL_PACKET, AUXDATA, 1)
    sock.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    prefix = b"".join(struct.pack("!HH", *tag) for tag in tags)

    def out(fd):
        frame = os.read(fd, 65536)
        sock.send(frame[:12] + prefix + frame[12:])

    def arrived(_):
        frame, extra, _, _ = sock.recvmsg(65536, 256)
        for level, kind, data in extra:
            if (level, kind) == (SOL_PACKET, AUXDATA):
                # The kernel takes the outer tag out of the frame and hands it over aside.
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                if status & 0x10:
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        if frame[12:12 + len(prefix)] == prefix:
            os.write(tap, frame[:12] + frame[12 + len(prefix):])

    pump.add(tap, out)
    pump.add(sock, arrived)


def gre_device(space, name, local, remote, key, pump):
    """A tun whose packets cross in GRE; with a key also checksum and sequence number."""
    from frames import checksum
    tun = space.tun(name, tap=False)
    sock = space.socket(socket.AF_INET, socket.SOCK_RAW, 47)
    sock.setsockopt(socket.IPPROTO_IP, 15, 1)       # IP_FREEBIND: the address comes later
    sock.bind((local, 0))
    sequence = 0

    def out(fd):
        nonlocal sequence
        inner = os.read(fd, 65536)
        kind = 0x86DD if inner[0] >> 4 == 6 else 0x0800
        if key is None:
            frame = struct.pack("!HH", 0, kind) + inner
        else:
            head = struct.pack("!HHHHII", 0xB000, kind, 0, 0, key, sequence)
            head = head[:4] + struct.pack("!H", checksum(head + inner)) + head[6:]
            sequence += 1
            frame = head + inner
        sock.sendto(frame, (remote, 0))

    def arrived(_):
        packet, (source, _) = sock.recvfrom(65536)
        body = packet[(packet[0] & 15) * 4:]
        flags = struct.unpack("!H", body[:2])[0]
        if source == remote and flags == (0 if key is None else 0xB000):
            os.write(tun, body[4 if key is None else 16:])

    pump.add(tun, out)
    pump.add(sock, arrived)
