"""What a running gateway takes over from its file: keys that are new, other addresses, other VLANs."""

import contextlib
import copy
import secrets
import socket
import struct
import threading
import time

from lab_wires import Failure, HOSTS, INSIDE
from vanish import passes
from watch import ETH_P_ALL
from world import Echo, inside

VLAN, OURS, HIS = 7, '10.9.0.1', '10.9.0.2'
SECOND = '10.1.0.254'


@contextlib.contextmanager
def changing(lab, side):
    """A gateway's configuration, to be changed; as it was in the end, there too."""
    before = copy.deepcopy(lab.gateways.texts[side])
    try:
        yield lab.gateways.texts[side]
    finally:
        lab.gateways.texts[side] = before
        reload(lab, side)


def reload(lab, side, *words):
    lab.gateways.save(side)
    lab.gateways.ask(side, 'reload', *words)


def begun(lab):
    """Who was started without --begin takes a key that is new only where somebody says that it is."""
    lab.gateways.stop('a')
    lab.gateways.start('a', begin=False)
    with changing(lab, 'a') as text:
        old = text['tunnels'][0]
        text['tunnels'].append({
            **old, 'name': 'new', 'inboundSPI': 0x30001, 'outboundSPI': 0x30002,
            'inboundKey': secrets.token_hex(len(old['inboundKey']) // 2),
            'outboundKey': secrets.token_hex(len(old['inboundKey']) // 2)})
        try:
            reload(lab, 'a')
            yield 'a key without a record was taken'
        except Failure as failure:
            if 'reload --begin' not in str(failure) or 'nothing has changed' not in str(failure):
                yield f'the refusal does not say what to do: {failure}'
        reload(lab, 'a', '--begin')
        rows = lab.gateways.ask('a', 'show', 'sas')['rows']
        if len(rows) != 4:
            yield f'there are {len(rows)} SAs of two tunnels'
        # Now it has a record.
        reload(lab, 'a')
    if passes(lab) is None:
        yield 'no packet passes'


class Stream:
    """Pings through the tunnel, a few at a time, for as long as it is open: `lost` of `asked`."""

    def __init__(self, lab, patience=2.0):
        self.patience = patience
        self.echoes = [Echo(lab.wires.namespace('hostA'), address) for address in HOSTS['b']]
        self.asked = self.lost = 0
        self.isOver = False
        self.thread = threading.Thread(target=self.go)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.isOver = True
        self.thread.join()
        for echo in self.echoes:
            echo.close()

    def go(self):
        while not self.isOver:
            for echo in self.echoes:
                echo.replies.clear()
                self.lost += len(echo.ask_all([56] * 16, patience=self.patience))
                self.asked += 16


def answers(lab, address, patience):
    echo = Echo(lab.wires.namespace('hostA'), address)
    try:
        return echo.one(patience) == 'reply'
    except OSError:
        # Nobody has told the host's kernel who has that address.
        return False
    finally:
        echo.close()


def has(lab, vlan, address, patience):
    """Whether somebody on hostA's link answers ARP for an address of a VLAN: a kernel without VLANs can ask, too."""
    mac, ours, his = b'\2\0\0\0\0\x99', socket.inet_aton(HIS), socket.inet_aton(address)
    ask = (b'\xff' * 6 + mac + struct.pack('!HHHHHBBH', 0x8100, vlan, 0x806, 1, 0x800, 6, 4, 1) + mac + ours + bytes(6)
           + his)
    with inside(lab.wires.namespace('hostA')):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    with link:
        link.bind(('inside', ETH_P_ALL))
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            link.send(ask.ljust(64, b'\0'))
            link.settimeout(0.1)
            again = time.monotonic() + 0.1
            try:
                while time.monotonic() < again:
                    # The tag of what comes is not in the frame.
                    frame = link.recv(2048)
                    if frame[:6] == mac and frame[12:14] == b'\x08\x06' and frame[28:32] == his:
                        return True
            except socket.timeout:
                pass
    return False


def addressed(lab):
    """An address and a VLAN come and go, under traffic: interfaces get other numbers, and no packet is lost."""
    if None in (passes(lab), passes(lab, family=1)):
        yield 'no packet passes before'
        return
    with Stream(lab) as stream:
        for turn in range(3):
            with changing(lab, 'a') as text:
                port = text['ports']['inside']
                port['addresses'] = [SECOND + '/24', *port['addresses']]
                port['vlans'] = [{'id': VLAN, 'addresses': [OURS + '/24']}]
                reload(lab, 'a')
                if not has(lab, VLAN, OURS, 3):
                    yield f'nobody has {OURS} in VLAN {VLAN}, in turn {turn}'
                for address in (SECOND, INSIDE['a'][0]):
                    if not answers(lab, address, 3):
                        yield f'{address} does not answer, in turn {turn}'
            if answers(lab, SECOND, 0.2):
                yield f'{SECOND} is gone and still answers, in turn {turn}'
            if has(lab, VLAN, OURS, 0.2):
                yield f'{OURS} is gone, and somebody still has it, in turn {turn}'
    lab.note(f'{stream.asked} pings')
    if stream.lost or stream.asked == 0:
        yield f'{stream.lost} of {stream.asked} pings were lost meanwhile'
    sas = lab.gateways.ask('a', 'show', 'sas')['rows']
    if any(sum(sa['drops'].values()) for sa in sas):
        yield f'SAs have dropped: {sas}'


CASES = [begun, addressed]
