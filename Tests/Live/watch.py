"""Looks at every frame that leaves a gateway, at the other end of its cable, and says which should not have been."""

import collections
import socket
import threading

from world import SO_RCVBUFFORCE, inside

PACKET_IGNORE_OUTGOING, SOL_PACKET, ETH_P_ALL = 23, 263, 3
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86dd


class Watch:
    """What comes in at a device of a namespace, by kind."""

    def __init__(self, namespace, device, judge):
        self.kinds, self.strange, self.frames, self.octets = collections.Counter(), [], 0, 0
        self.judge = judge
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.bind((device, ETH_P_ALL))
        self.socket.settimeout(0.05)
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        frame = bytearray(160)
        while True:
            try:
                length = self.socket.recv_into(frame, 160, socket.MSG_TRUNC)
            except (TimeoutError, socket.timeout):
                if self.is_over:
                    return
                continue
            except OSError:
                # Its device is gone.
                return
            self.frames += 1
            self.octets += length
            kind, is_right = self.judge(frame, length)
            self.kinds[kind] += 1
            if not is_right and len(self.strange) < 5:
                self.strange.append(f'{kind}: {bytes(frame[:min(length, 64)]).hex()}')

    def stop(self):
        """Frames that the watch itself missed."""
        self.is_over = True
        self.thread.join()
        _, missed = (int.from_bytes(self.socket.getsockopt(SOL_PACKET, 6, 8)[at:at + 4], 'little') for at in (0, 4))
        self.socket.close()
        return missed


def between_gateways(addresses):
    """Only ARP, and ESP from one gateway to the other."""
    pair = {socket.inet_aton(address) for address in addresses}

    def judge(frame, length):
        kind = frame[12] << 8 | frame[13]
        if kind == ARP:
            return 'ARP', length <= 60
        if kind == IPV4 and frame[23] == 50:
            return 'ESP', {bytes(frame[26:30]), bytes(frame[30:34])} == pair
        if is_report(frame, kind):
            return 'MLD', True
        return f'type {kind:04x} protocol {frame[23] if kind == IPV4 else frame[20]}', False

    return judge


def is_report(frame, kind):
    """A gateway says whose groups it is in; kernels here have no IPv6 on these links."""
    return kind == IPV6 and frame[20] == 0 and frame[0:6] == b'\x33\x33\x00\x00\x00\x16' and frame[62] == 143


def towards_host(frame, length):
    """What a kernel would say that forwards, or is asked what it does not know, is not there."""
    kind = frame[12] << 8 | frame[13]
    if kind == ARP:
        return 'ARP', True
    if kind == IPV4:
        protocol, at = frame[23], 14 + (frame[14] & 15) * 4
        # What is behind a fragment's header is not where it seems.
        is_first = frame[20] & 0x1f == 0 and frame[21] == 0
    elif is_report(frame, kind):
        return 'MLD', True
    elif kind == IPV6:
        protocol, at, is_first = frame[20], 54, True
    else:
        return f'type {kind:04x}', False
    if not is_first:
        return 'fragment', True
    if protocol == 6:
        return ('TCP RST', False) if frame[at + 13] & 4 else ('TCP', True)
    if protocol == 17 or kind == IPV6 and protocol == 44:
        return 'UDP' if protocol == 17 else 'fragment', True
    if protocol == 1:
        # Protocol and port unreachable, redirect, router advertisement.
        kind, code = frame[at], frame[at + 1]
        return f'ICMP {kind}/{code}', not (kind == 3 and code in (2, 3) or kind in (5, 9))
    if protocol == 58:
        return f'ICMPv6 {frame[at]}/{frame[at + 1]}', not (frame[at] == 4 or frame[at] in (133, 134, 137, 143))
    return f'protocol {protocol}', False
