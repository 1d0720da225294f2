#!/usr/bin/env python3
"""Lets a protocol analyser read what we seal: tshark, with the key log that replay writes.

Usage: analyser.py HAUBERK CAPTURE
For every cipher that it knows: the inner packets that it sees have to be those of the capture, one by one.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from gateway import Failure, Gateway, counts

INTEGRITY = {'hmac-sha1-96': 20, 'hmac-sha256': 32, 'hmac-sha384': 48, 'hmac-sha512': 64}
# Octets of key and salt.
CIPHERS = [({'cipher': f'aes-{bits}-gcm'}, bits // 8 + 4) for bits in (128, 192, 256)] + [
    ({'cipher': f'aes-{bits}-{mode}', 'integrity': integrity}, bits // 8 + (4 if mode == 'ctr' else 0) + more)
    for bits, mode in ((128, 'cbc'), (256, 'cbc'), (128, 'ctr')) for integrity, more in INTEGRITY.items()
] + [({'cipher': 'null', 'integrity': integrity}, more) for integrity, more in INTEGRITY.items()]
EVERYTHING = {'local': ['0.0.0.0/0', '::/0'], 'remote': ['0.0.0.0/0', '::/0']}


def seen(capture, folder, keys=None):
    """Of every packet what stands innermost: addresses, length, identification, checksum of the transport."""
    home = os.path.join(folder, 'home')
    os.makedirs(os.path.join(home, 'wireshark'), exist_ok=True)
    if keys:
        shutil.copy(keys, os.path.join(home, 'wireshark', 'esp_sa'))
    done = subprocess.run(
        ['tshark', '-r', capture, '-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE',
         '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-T', 'fields', '-E', 'occurrence=l', '-e', 'ip.src',
         '-e', 'ip.dst', '-e', 'ip.id', '-e', 'ip.len', '-e', 'ipv6.src', '-e', 'ipv6.dst', '-e', 'ipv6.plen', '-e',
         'udp.checksum', '-e', 'tcp.checksum', '-e', 'tcp.seq_raw'],
        capture_output=True, text=True, timeout=300, env=dict(os.environ, XDG_CONFIG_HOME=home, HOME=home))
    if done.returncode != 0:
        raise Failure(f'tshark ended with {done.returncode}: {done.stderr.strip()[-200:]}')
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    # Where IPv6 is innermost, IPv4 is what was put around it.
    return [row[4:] if row[4] else row for row in rows]


def meet(program, capture, folder, fields, octets):
    material = bytes(range(1, octets + 1)).hex()
    ours = Gateway(
        program, folder, 'ours', fields, seals=material, opens=material[::-1], address='192.0.2.1', peer='192.0.2.2',
        **EVERYTHING)
    path = lambda name: os.path.join(folder, name)
    sealed = ours.replay(capture, path('sealed.pcap'), '--keylog', path('keys'))
    if counts(sealed):
        raise Failure(f'not all was sealed: {counts(sealed)}')
    want, got = seen(capture, folder), seen(path('sealed.pcap'), folder, path('keys'))
    wrong = sum(a != b for a, b in zip(want, got)) + abs(len(want) - len(got))
    if wrong:
        first = next((f'{a!r} became {b!r}' for a, b in zip(want, got) if a != b), 'their number')
        raise Failure(f'{wrong} of {len(want)} packets are not what was sealed: {first}')
    return len(want)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, capture = os.path.abspath(sys.argv[1]), sys.argv[2]
    status = 0
    for fields, octets in CIPHERS:
        title = ', '.join(fields.values())
        folder = tempfile.mkdtemp(prefix='hauberk-meets-')
        try:
            print(f'pass  analyser, {title}: {meet(program, capture, folder, fields, octets)} packets read')
        except Failure as failure:
            print(f'FAIL  analyser, {title}: {failure}')
            status = 1
        finally:
            shutil.rmtree(folder)
        sys.stdout.flush()
    sys.exit(status)


if __name__ == '__main__':
    main()
