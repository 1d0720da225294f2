#!/usr/bin/env python3
"""Meets a Linux kernel: we seal pings of all sizes, a kernel with XFRM opens and answers them, we open the answers.

Usage: kernel.py HAUBERK PEER [--count N] [--only TEXT]
HAUBERK is the program; PEER starts the kernel (uml-peer.sh). Needs root: it makes a network namespace of its own, and
removes it. Every answer has to come back once, whole and unchanged; the kernel has to have refused nothing. Then the
same packets once more: the kernel has to refuse them, and we the kernel's.
"""

import argparse
import ctypes
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import packets
from gateway import FAR, FAR_NET, FROM_PEER, NEAR, NEAR_NET, TO_PEER, Failure, Gateway, counts

OUR_MAC, PEER_MAC = bytes.fromhex('0200000000aa'), bytes.fromhex('0200000000bb')
INNER, PEER_INNER = '10.1.0.1', '10.2.0.1'
TAP = 'hbmeet0'
UNDER_WAY = 16
# For the C library inside: the kernel's command line gives it to the first process, and that to all.
SHORT_REGISTERS = 'GLIBC_TUNABLES=glibc.cpu.hwcaps=' + ','.join(
    '-' + name for name in 'AVX_Fast_Unaligned_Load AVX AVX2 AVX512F AVX512VL AVX512BW AVX512DQ AVX512CD FMA XSAVE XSAVEC'.split())

# The peer's name of the algorithm, ours, octets of key and salt, octets of integrity key.
ALGORITHMS = [
    ('gcm128', {'cipher': 'aes-128-gcm'}, 20, 0),
    ('gcm256', {'cipher': 'aes-256-gcm'}, 36, 0),
    ('chacha', {'cipher': 'chacha20-poly1305'}, 36, 0),
    ('cbc128-sha256', {'cipher': 'aes-128-cbc', 'integrity': 'hmac-sha256'}, 16, 32),
    ('cbc256-sha256', {'cipher': 'aes-256-cbc', 'integrity': 'hmac-sha256'}, 32, 32),
]


def hide_long_registers():
    """For the process that becomes the kernel. User-mode Linux 6.1 reads and writes other processes' extended registers in
    a room of 2696 octets, and where the processor's are longer (AMX) it dies of that. Told that there are none, it makes do
    with the short ones: ptrace(PTRACE_GETREGSET or SETREGSET, ..., NT_X86_XSTATE, ...) fails with EINVAL. What runs on that
    kernel must not use the long ones then: see SHORT_REGISTERS."""
    if os.uname().machine != 'x86_64':
        return
    load, equal, back = 0x20, 0x15, 0x06  # of classic BPF: a word, jump if equal, return
    program = [
        (load, 0, 0, 0), (equal, 0, 6, 101),  # the call's number: ptrace
        (load, 0, 0, 16), (equal, 1, 0, 0x4204), (equal, 0, 3, 0x4205),  # the request
        (load, 0, 0, 32), (equal, 0, 1, 0x202),  # which registers
        (back, 0, 0, 0x50000 | 22), (back, 0, 0, 0x7fff0000),  # EINVAL; all else is allowed
    ]
    code = b''.join(struct.pack('<HBBI', *line) for line in program)
    room = ctypes.create_string_buffer(code, len(code))
    head = struct.pack('<HxxxxxxQ', len(program), ctypes.addressof(room))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.c_char_p(head), 0, 0) != 0:  # PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), 'no seccomp')


class Peer:
    """The kernel, from its start to its counters."""

    def __init__(self, script, folder, algorithm, keys, esn, window, seconds, inside=(), settings='', **more):
        """`inside`: words before the script's, such as those of a namespace; `settings`: more for the kernel's command
        line; `more`: other values of the script's environment."""
        kernel = os.path.join(folder, 'kernel')
        with open(kernel, 'w') as file:
            file.write(f'#!/bin/sh\nexec linux.uml "$@" {SHORT_REGISTERS} {settings}\n')
        os.chmod(kernel, 0o755)
        (key_in, auth_in), (key_out, auth_out) = keys
        environment = dict(
            os.environ, LINUX=kernel, ALG=algorithm, ESN=str(int(esn)), WINDOW=str(window), SECS=str(seconds), TAP=TAP, RAW='',
            MAC=PEER_MAC.hex(':'), REMOTE_MAC=OUR_MAC.hex(':'), LOCAL=FAR + '/24', REMOTE=NEAR, INNER=PEER_INNER,
            INNER_NET=FAR_NET, REMOTE_NET=NEAR_NET, SPI_IN=hex(TO_PEER), SPI_OUT=hex(FROM_PEER), KEY_IN=key_in.hex(),
            KEY_OUT=key_out.hex(), AUTH_IN=auth_in.hex(), AUTH_OUT=auth_out.hex(), RESPONDER='1', SEQ_OUT='0')
        environment.update(more)
        self.process = subprocess.Popen(
            [*inside, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, preexec_fn=hide_long_registers)
        said = []
        for line in self.process.stdout:
            said.append(line.strip())
            if line.startswith('UML-READY'):
                self.words = line.strip()
                return
        words = [line for line in said if 'rror' in line or line.startswith('uml-peer')]
        raise Failure('the kernel did not come up: ' + ' / '.join(words or said[-3:]))

    def end(self):
        """Stops it. Its states by SPI: packets, replays and failures; and what its XFRM refused, by name."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        text = self.process.stdout.read()
        self.process.wait()
        states = {}
        for block in re.split(r'\n(?=src )', text):
            spi = re.search(r'\bspi (0x[0-9a-f]+)', block)
            used = re.search(r'(\d+)\(packets\)', block)
            stats = re.search(r'replay-window (\d+) replay (\d+) failed (\d+)', block)
            if spi and used:
                states[int(spi[1], 16)] = (int(used[1]), int(stats[2]) if stats else 0, int(stats[3]) if stats else 0)
        refused = {name: int(number) for name, number in re.findall(r'^(Xfrm\w+)\s+(\d+)$', text, re.M)}
        return states, refused


def play(socket_, frames, expected):
    """Sends them, a few at a time, and returns what came back: all ESP from the peer. `expected` whole packets."""
    answers, wholes, given_up, sent = [], 0, 0, 0
    together = packets.Reassembly()
    each = max(1, len(frames) / max(1, expected))
    while True:
        while sent < len(frames) and sent - (wholes + given_up) * each < UNDER_WAY:
            socket_.send(frames[sent])
            sent += 1
        if wholes >= expected > 0 and sent == len(frames):
            return answers
        ready, _, _ = select.select([socket_], [], [], 2)
        if not ready:
            if sent == len(frames):
                return answers
            # Lost on the way: what is still to be sent does not wait for it.
            given_up += UNDER_WAY
            continue
        frame = socket_.recv(65536)
        if frame[12:14] != b'\x08\x00' or frame[23] != 50 or frame[26:30] != packets.address(FAR):
            continue
        answers.append(frame[:14 + int.from_bytes(frame[16:18], 'big')])
        if together.add(frame[14:]) is not None:
            wholes += 1


def pings(count):
    """Requests of all sizes, and the payload of each."""
    dice = random.Random(1)
    sizes = [0, 1, 8, 56, 1372, 1373, 1400, 1440, 1458, 1459, 1471, 1472]
    payloads = [dice.randbytes(sizes[n] if n < len(sizes) else dice.randrange(1473)) for n in range(count)]
    ethernet = PEER_MAC + OUR_MAC + b'\x08\x00'
    frames = [
        ethernet + packets.ipv4(INNER, PEER_INNER, 1, packets.echo(8, number, payload), number & 0xffff)
        for number, payload in enumerate(payloads)
    ]
    return frames, payloads


def compare(path, payloads):
    """Every answer once, whole, unchanged."""
    left = dict(enumerate(payloads))
    together = packets.Reassembly()
    for frame in packets.read(path):
        whole = together.add(frame[14:])
        if whole is None:
            continue
        protocol, source, destination, body = whole
        number = int.from_bytes(body[6:8], 'big')
        if (protocol, source, destination) != (1, packets.address(PEER_INNER), packets.address(INNER)):
            raise Failure('what was opened is no answer to a ping')
        if number not in left:
            raise Failure(f'the answer to ping {number} came twice')
        if body != packets.echo(0, number, left.pop(number)):
            raise Failure(f'the answer to ping {number} is not what was asked')
    if left:
        raise Failure(f'{len(left)} of {len(payloads)} pings have no answer, of {sorted(left)}')


def meet(arguments, folder, algorithm, cipher, key_octets, auth_octets, esn):
    dice = random.Random(algorithm)
    keys = [(dice.randbytes(key_octets), dice.randbytes(auth_octets)) for _ in range(2)]
    material = [(key + auth).hex() for key, auth in keys]
    ours = Gateway(
        arguments.hauberk, folder, 'ours', cipher, seals=material[0], opens=material[1], esn=esn, pathMTU=1500)
    frames, payloads = pings(arguments.count)
    path = lambda name: os.path.join(folder, name + '.pcap')
    packets.write(path('clear'), frames)
    sealed = ours.replay(path('clear'), path('sealed'))
    if counts(sealed):
        raise Failure(f'not all was sealed: {counts(sealed)}')
    esp = list(packets.read(path('sealed')))

    peer = Peer(arguments.peer, folder, algorithm, keys, esn, 64, 60 + arguments.count // 20)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    wire.bind((TAP, 0))
    try:
        answers = play(wire, esp, len(frames))
        # The last once more: what it has seen, no peer takes again.
        again = play(wire, esp[-20:], 0)
    finally:
        wire.close()
        states, refused = peer.end()
    packets.write(path('answers'), answers)
    opened = ours.replay(path('answers'), path('opened'), '--workers', '2')
    compare(path('opened'), payloads)
    unexpected = {name: n for name, n in counts(opened).items() if name != 'reassembled'}
    if unexpected:
        raise Failure(f'we refused some of the answers: {unexpected}')
    if again:
        raise Failure('the kernel answered a packet that it had seen')
    taken, replayed, failed = states[TO_PEER]
    if (taken, replayed, failed) != (len(esp), 20, 0) or refused != {'XfrmInStateSeqError': 20}:
        raise Failure(f'the kernel took {taken} of {len(esp)}, replays {replayed}, failures {failed}, {refused}')
    # The kernel's answers twice over: the second time every one is refused.
    packets.write(path('twice'), answers + answers)
    twice = ours.replay(path('twice'), path('once'))
    late = counts(twice)
    stale = late.pop('replayed', 0) + late.pop('outsideWindow', 0)
    late.pop('reassembled', None)
    if stale != states[FROM_PEER][0] or late:
        raise Failure(f'of {states[FROM_PEER][0]} answers that came again we refused {stale}; {late}')
    return f'{len(frames)} pings in {len(esp)} ESP packets, {len(answers)} back'


def inside(arguments):
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    for setting in ('all', 'default'):
        with open(f'/proc/sys/net/ipv6/conf/{setting}/disable_ipv6', 'w') as file:
            file.write('1')
    subprocess.run(['ip', 'tuntap', 'add', 'dev', TAP, 'mode', 'tap'], check=True)
    status = 0
    for algorithm, cipher, key_octets, auth_octets in ALGORITHMS:
        for esn in (False, True):
            title = f'linux kernel, {algorithm}{", extended numbers" if esn else ""}'
            if arguments.only not in title:
                continue
            folder = tempfile.mkdtemp(prefix='hauberk-meets-')
            try:
                print(f'pass  {title}: {meet(arguments, folder, algorithm, cipher, key_octets, auth_octets, esn)}')
            except Failure as failure:
                print(f'FAIL  {title}: {failure}')
                status = 1
            finally:
                shutil.rmtree(folder)
            sys.stdout.flush()
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('hauberk', type=os.path.abspath)
    parser.add_argument('peer', type=os.path.abspath)
    parser.add_argument('--count', type=int, default=1000)
    parser.add_argument('--only', default='')
    parser.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        sys.exit(inside(arguments))
    namespace = f'hauberk-{os.getpid()}'
    subprocess.run(['ip', 'netns', 'add', namespace], check=True)
    try:
        done = subprocess.run(
            ['ip', 'netns', 'exec', namespace, sys.executable, '-B', os.path.abspath(__file__), '--inside', *sys.argv[1:]])
    finally:
        subprocess.run(['ip', 'netns', 'del', namespace])
    sys.exit(done.returncode)


if __name__ == '__main__':
    main()
