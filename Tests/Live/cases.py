"""What has to hold between the hosts of a lab. Each case returns sentences: none means that it held."""

import socket
import struct
import time

import accounts
from lab_wires import HOSTS, INSIDE, OUTSIDE
from streams import Bulk, udp_bursts
from world import Echo, inside

FAMILIES = (0, 1)


def host(lab, side):
    return lab.wires.namespace(f'host{side.upper()}')


def both_ways():
    for family in FAMILIES:
        for near, far in (('a', 'b'), ('b', 'a')):
            yield near, far, HOSTS[far][family]


def flood(lab):
    """2000 pings each way, as fast as they are answered; a few of IPv6, which takes the same way."""
    for near, _, address in both_ways():
        count = '500' if ':' in address else '2000'
        done = lab.wires.run(f'host{near.upper()}', 'ping', '-f', '-q', '-n', '-c', count, '-W', '5', address)
        if ' 0% packet loss' not in done.stdout:
            yield f'{address}: ' + ' '.join(line for line in done.stdout.splitlines() if 'loss' in line)


def sizes(lab):
    """Every size that fits a link, without DF: what gets too long with ESP is cut and put together."""
    for near, _, address in both_ways():
        echo = Echo(host(lab, near), address)
        if echo.is6:
            # No router cuts IPv6: first the one has to know what fits, then the other, who answers.
            for number in (60000, 60001, 60002):
                echo.ask(number, 1452)
                echo.hear(0.2)
            echo.errors = []
        lost = echo.ask_all(range(0, 1453 if echo.is6 else 1473))
        if lost or echo.errors:
            yield f'{address}: {len(lost)} sizes were lost, from {lost[:1]}; errors {echo.errors[:3]}'
        echo.close()


def sizes_with_df(lab):
    """With DF the same up to what fits, and above it the sender is told what does."""
    for near, _, address in both_ways():
        headers = 48 if ':' in address else 28
        longest = lab.inner_mtu - headers
        echo = Echo(host(lab, near), address, df=True)
        lost = echo.ask_all(range(0, longest + 1))
        if lost or echo.errors:
            yield f'{address}: {len(lost)} sizes were lost, from {lost[:1]}; errors {echo.errors[:3]}'
        time.sleep(0.2)
        echo.ask(60000, longest + 1)
        echo.hear(0.5)
        told = [error for error in echo.errors if error[0] == (2 if echo.is6 else 3)]
        mtu = told and (told[0][3] if echo.is6 else told[0][3] & 0xffff)
        if not told or mtu != lab.inner_mtu or not echo.is6 and told[0][1] != 4:
            yield f'{address}: an octet more than {longest} was answered by {echo.errors}, not by {lab.inner_mtu}'
        echo.close()


def fragments(lab):
    """4000 octets, in pieces that are cut again."""
    for near, _, address in both_ways():
        echo = Echo(host(lab, near), address)
        lost = echo.ask_all([4000] * 64, at_once=8)
        if lost:
            yield f'{address}: {len(lost)} of 64 were lost'
        echo.close()


def udp(lab):
    """Bursts of every length."""
    for near, far, address in both_ways():
        bad = udp_bursts(host(lab, near), host(lab, far), address)
        if bad:
            yield f'{address}: {bad} datagrams of 3840 were lost or changed'


def tcp(lab):
    """20 MB both ways at once, IPv4 and IPv6; the kernel's first segments are too long, and it learns."""
    for near, far, address in both_ways():
        if near == 'a':
            words, speed = Bulk(host(lab, near), host(lab, far), address, 20_000_000).wait()
            lab.note(f'{speed:.0f} Mbit/s')
            yield from words


def path(lab):
    """What the kernel of a host knows of the path after TCP."""
    for near, _, address in both_ways():
        found = lab.wires.run(f'host{near.upper()}', 'ip', 'route', 'get', address).stdout
        if f'mtu {lab.inner_mtu}' not in found:
            yield f'host {near} does not know the MTU {lab.inner_mtu} towards {address}: {found.strip()}'


def hop_limit(lab):
    """1 ends at the near gateway, 2 at the far one, 3 arrives."""
    for near, far, address in both_ways():
        family = 1 if ':' in address else 0
        kind = 3 if family else 11
        for hops, wanted in ((1, INSIDE[near][family]), (2, INSIDE[far][family]), (3, None)):
            echo = Echo(host(lab, near), address, hops=hops)
            answer = echo.one()
            if wanted is None and answer != 'reply' or wanted and (
                    not isinstance(answer, tuple) or (answer[0], answer[1], answer[2]) != (kind, 0, wanted)):
                yield f'{address} with a hop limit of {hops}: {answer}, not time exceeded from {wanted}'
            echo.close()


def own_addresses(lab):
    """Gateways answer for themselves: the near one on both sides, the far one through the tunnel."""
    for near, far in (('a', 'b'), ('b', 'a')):
        for address in [*INSIDE[near], OUTSIDE[near], *INSIDE[far]]:
            echo = Echo(host(lab, near), address)
            answer = echo.one()
            if answer != 'reply':
                yield f'host {near} asks {address}: {answer}'
            echo.close()


def nobody(lab):
    """An address behind the far gateway that nobody has: the far gateway says so, through the tunnel."""
    asked = []
    for near, far in (('a', 'b'), ('b', 'a')):
        for family, wanted in ((0, (3, 1)), (1, (1, 3))):
            asked.append((Echo(host(lab, near), HOSTS[far][family][:-1] + '99'), (*wanted, INSIDE[far][family])))
            # Asked by all at once, answered after three questions in vain.
            asked[-1][0].ask(0)
    for echo, wanted in asked:
        answer = echo.answer(patience=8)
        if not isinstance(answer, tuple) or answer[:3] != wanted:
            yield f'{echo.address}: {answer}, not unreachable from {wanted[2]}'
        echo.close()


def clear(lab):
    """What comes in clear from outside, and pretends to be from the other side."""
    before = lab.gateways.ask('a', 'status')
    mac = bytes.fromhex(accounts.port(before, 'outside')['mac'].replace(':', ''))
    source, target = socket.inet_aton(HOSTS['b'][0]), socket.inet_aton(HOSTS['a'][0])
    with inside(host(lab, 'a')):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((HOSTS['a'][0], 0))
    listener.settimeout(0.3)
    datagram = struct.pack('!HHHH', 7, listener.getsockname()[1], 12, 0) + b'fake'
    header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, source, target)
    header = header[:10] + struct.pack('!H', lab.checksum(header)) + header[12:]
    with inside(lab.wires.namespace('outside')):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(('a', 0))
    with listener, wire:
        for _ in range(50):
            wire.send(mac + b'\2\0\0\0\0\7' + b'\x08\0' + header + datagram)
        try:
            yield f'host A received {listener.recv(100)!r} that came in clear from outside'
        except (TimeoutError, socket.timeout):
            pass
    counted = accounts.drop(lab.settled('a'), 'clearOutside') - accounts.drop(before, 'clearOutside')
    if counted != 50:
        yield f'{counted} of 50 packets in clear were counted as clearOutside'


TRAFFIC = [flood, sizes, sizes_with_df, fragments, udp, tcp, path, hop_limit, own_addresses, nobody, clear]
