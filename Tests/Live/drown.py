"""Writes frames in a unit's name, as fast as it is told, until it is ended: what others say to it is repeated with changes.

    drown.py DEVICE UNIT FRAMES_PER_SECOND

It hears the unit's own messages, takes the MAC address, life and number out of each, and goes on from there: with numbers
that are about to come and made-up watchwords, and with the number and the watchword just heard but other words. None of
them is signed well. At its end it says how many it wrote.
"""

import os
import signal
import socket
import struct
import sys
import time

CONTROL = 0x88b5
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
HEADER, SENDER, SEQUENCE, WORD, PAYLOAD = 14, 14 + 4, 14 + 32, 14 + 40, 14 + 72
AT_ONCE = 4


def main():
    device, unit, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(CONTROL))
    wire.bind((device, CONTROL))
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                    struct.pack('IHH8s', socket.if_nametoindex(device), PACKET_MR_PROMISC, 0, b''))
    wire.setblocking(False)
    goes = []
    signal.signal(signal.SIGTERM, lambda *_: goes.append(False))
    heard, written, begin = None, 0, time.monotonic()
    while not goes:
        try:
            while True:
                frame, (_, _, kind, _, _) = wire.recvfrom(2048)
                if kind != socket.PACKET_OUTGOING and struct.unpack_from('!H', frame, SENDER)[0] == unit:
                    heard = frame
        except BlockingIOError:
            pass
        if heard is None or written >= (time.monotonic() - begin) * rate:
            time.sleep(0.0001)
            if heard is None:
                begin = time.monotonic()
            continue
        sequence, = struct.unpack_from('!Q', heard, SEQUENCE)
        for number in range(AT_ONCE):
            forged = bytearray(heard)
            forged[PAYLOAD:] = os.urandom(len(forged) - PAYLOAD)
            if number:
                struct.pack_into('!Q', forged, SEQUENCE, sequence + number * number)
                forged[WORD:WORD + 16] = os.urandom(16)
            try:
                wire.send(forged)
            except OSError:
                pass
        written += AT_ONCE
    print(written)


if __name__ == '__main__':
    main()
