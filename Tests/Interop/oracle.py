#!/usr/bin/env python3
"""Meets an ESP that was written independently of ours, both ways: it opens what we seal, and we open what it seals.

Usage: oracle.py HAUBERK ORACLE CAPTURE...
HAUBERK is the program, ORACLE the other implementation (esp_oracle.py). Of every capture, what policy lets in has to
come back packet by packet, on one worker and on two. Run it with a Python that has what ORACLE needs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from gateway import FAR, FROM_PEER, NEAR, TO_PEER, Failure, Gateway, counts

KEYS = ['000102030405060708090a0b0c0d0e0f', '101112131415161718191a1b1c1d1e1f2021222324252627']
SALTS = ['cafebabe', '0badf00d']
EVERYTHING = {'local': ['0.0.0.0/0', '::/0'], 'remote': ['0.0.0.0/0', '::/0'], 'window': 4096}

# What it is called, fields of our configuration, options of theirs when they seal.
VARIANTS = [
    ('plain', {}, []),
    ('extended numbers, over the wrap', {'esn': True}, ['--esn', '--seq', str(2**32 - 200)]),
    ('in UDP', {'udp': {'localPort': 4500, 'peerPort': 4500}}, ['--nat-t', '4500:4500']),
    ('padded', {'padTo': 300}, ['--tfc', '100']),
    ('IPv6 outside', {'address': '2001:db8::1', 'peer': '2001:db8::2'}, []),
]


def theirs(oracle, *arguments):
    return subprocess.run([sys.executable, oracle, *arguments], capture_output=True, text=True, timeout=600)


def compare(oracle, want, got, missing):
    done = theirs(oracle, 'compare', '--want', want, '--got', got, '--allow-loss', str(missing))
    if done.returncode != 0:
        raise Failure(f'what came back is not what went in: {(done.stdout + done.stderr).strip()[-300:]}')


def meet(program, oracle, capture, folder, fields, options, workers):
    near = fields.get('address', NEAR), fields.get('peer', FAR)
    ours = Gateway(
        program, folder, 'ours', {'cipher': 'aes-128-gcm'}, seals=KEYS[0] + SALTS[0], opens=KEYS[0] + SALTS[1],
        **EVERYTHING, **fields)
    path = lambda name: os.path.join(folder, name)
    sealed = ours.replay(capture, path('sealed.pcap'), '--workers', workers)
    refused = sum(counts(sealed).values())
    with open(path('sas.json'), 'w') as file:
        json.dump([{
            'spi': hex(TO_PEER), 'key': KEYS[0], 'salt': SALTS[0], 'esn': fields.get('esn', False), 'window': 4096,
        }], file)
    done = theirs(oracle, 'decrypt', '--in', path('sealed.pcap'), '--out', path('clear.pcap'), '--sa', path('sas.json'), '--allow', 'bad_inner')
    if done.returncode != 0:
        raise Failure(f'they cannot open what we seal: {(done.stdout + done.stderr).strip()[-300:]}')
    said = json.loads(done.stdout)['counts']
    # A packet without a length, as segmentation offload leaves it: we take it for what is there, they do not.
    taken, odd = said['ok'], said.get('bad_inner', 0)
    compare(oracle, capture, path('clear.pcap'), refused + odd)
    if taken + odd != sealed['packets']['out']:
        raise Failure(f'they opened {taken} of {sealed["packets"]["out"]}: {said}')

    # The other way with just those packets: what we do not let in, we would not let out.
    done = theirs(
        oracle, 'encrypt', '--in', path('clear.pcap'), '--out', path('theirs.pcap'), '--spi', hex(FROM_PEER), '--key',
        KEYS[0], '--salt', SALTS[1], '--src', near[1], '--dst', near[0], *options)
    if done.returncode != 0:
        raise Failure(f'they cannot seal: {done.stderr.strip()[-300:]}')
    opened = ours.replay(path('theirs.pcap'), path('opened.pcap'), '--workers', workers)
    if counts(opened) or opened['packets']['out'] != taken:
        raise Failure(f'we opened {opened["packets"]["out"]} of {taken}: {counts(opened)}')
    compare(oracle, path('clear.pcap'), path('opened.pcap'), 0)
    return taken


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    program, oracle, captures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    status = 0
    for title, fields, options in VARIANTS:
        packets = 0
        try:
            for workers in ('1', '2'):
                for capture in captures:
                    folder = tempfile.mkdtemp(prefix='hauberk-meets-')
                    try:
                        packets += meet(program, oracle, capture, folder, fields, options, workers)
                    except Failure as failure:
                        raise Failure(f'{os.path.basename(capture)}, {workers} workers: {failure}') from None
                    finally:
                        shutil.rmtree(folder)
            print(f'pass  independent ESP, {title}: {packets} packets there and as many back')
        except Failure as failure:
            print(f'FAIL  independent ESP, {title}: {failure}')
            status = 1
        sys.stdout.flush()
    sys.exit(status)


if __name__ == '__main__':
    main()
