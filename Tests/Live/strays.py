"""A gateway whose kernel has addresses at its devices, forwards, and speaks IPv6: nothing of the kernel's ever leaves."""

import json
import signal
import socket
import struct
import time

from lab_wires import HOSTS, INSIDE, NETWORKS, OUTSIDE, Failure, call
from vanish import passes
from watch import towards_host
from world import Echo, inside

# What the kernel has as well.
KERNELS = {'inside': [f'{INSIDE["a"][0]}/24', f'{INSIDE["a"][1]}/64'], 'outside': [f'{OUTSIDE["a"]}/24']}
ASKED = 50


def gateway(lab):
    return lab.wires.namespace('gatewayA')


def furnish(lab):
    """The kernel of gateway A could do everything by itself, and twice."""
    lab.wires.sysctl('gatewayA', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1',
                     'net.ipv4.conf.all.arp_notify=1')
    for device, addresses in KERNELS.items():
        lab.wires.sysctl('gatewayA', f'net.ipv6.conf.{device}.disable_ipv6=0')
        for address in addresses:
            call('ip', '-n', gateway(lab), 'addr', 'replace', address, 'dev', device, *(
                ['nodad'] if ':' in address else []))
    call('ip', '-n', gateway(lab), 'route', 'replace', NETWORKS['b'][0], 'via', OUTSIDE['b'])


def addresses(lab):
    """By device; without those that the kernel makes up."""
    found = json.loads(call('ip', '-n', gateway(lab), '-j', 'addr').stdout)
    return {link['ifname']: sorted(f'{a["local"]}/{a["prefixlen"]}' for a in link['addr_info'] if a['scope'] != 'link')
            for link in found if link['ifname'] in KERNELS}


def ipv6_is_off(lab):
    return [lab.wires.run('gatewayA', 'sysctl', '-n', f'net.ipv6.conf.{device}.disable_ipv6').stdout.strip()
            for device in KERNELS]


def take_over(lab, takes):
    path = lab.gateways.configuration('a')
    with open(path) as file:
        text = json.load(file)
    for port in text['ports'].values():
        port['takeAddresses'] = takes
    with open(path, 'w') as file:
        json.dump(text, file)


def refused(lab):
    """Addresses of the kernel's are a reason not to begin, and the sentence says what to do."""
    furnish(lab)
    take_over(lab, False)
    before = addresses(lab), ipv6_is_off(lab)
    try:
        lab.gateways.start('a', begin=False)
        yield 'a gateway began beside a kernel with the same addresses'
    except Failure as failure:
        for word in (KERNELS['inside'][0], 'ip address del', 'takeAddresses: yes'):
            if word not in str(failure):
                yield f'the refusal does not say {word!r}: {failure}'
    lab.gateways.processes.pop('a', None)
    if (addresses(lab), ipv6_is_off(lab)) != before:
        yield f'the refusal has changed {before} to {addresses(lab)}, {ipv6_is_off(lab)}'


def provoke(lab):
    """From host A to the gateway's own address: what a kernel would answer with RST, or as unreachable."""
    target = (INSIDE['a'][0], 9)
    with inside(lab.wires.namespace('hostA')):
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        strange = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)
        streams = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(ASKED)]
    for stream in streams:
        stream.setblocking(False)
        stream.connect_ex(target)
        for other in (datagram, strange):
            try:
                other.sendto(struct.pack('!Q', 1), target)
            except OSError:
                # What has come back before is told here.
                pass
    time.sleep(0.2)
    for one in (datagram, strange, *streams):
        one.close()


def alone(lab):
    """With the kernel's addresses taken over: each packet once, and no word of the kernel's."""
    take_over(lab, True)
    for side in 'ba':
        lab.gateways.start(side, begin=False)
    lab.look()
    # Unreachable is what the gateway says too, and counts: it is a frame more than that which would be the kernel's.
    lab.watches[('a', 'inside')].judge = lambda frame, length: (towards_host(frame, length)[0], True)
    if any(addresses(lab).values()):
        yield f'the kernel has its addresses still: {addresses(lab)}'
    if ipv6_is_off(lab) != ['1', '1']:
        yield 'the kernel speaks IPv6 still'
    if passes(lab) is None:
        yield 'no packet passes'
        return
    watch = lab.watches[('a', 'inside')]
    before = watch.kinds['ICMP 0/0']
    echo = Echo(lab.wires.namespace('hostA'), HOSTS['b'][0])
    lost = echo.ask_all([100] * ASKED)
    echo.close()
    provoke(lab)
    near = Echo(lab.wires.namespace('hostA'), INSIDE['a'][0])
    lost += near.ask_all([100] * ASKED)
    near.close()
    time.sleep(0.3)
    came = watch.kinds['ICMP 0/0'] - before
    if lost or came != 2 * ASKED:
        yield f'{2 * ASKED} pings brought {came} answers, {len(lost)} had none'
    if watch.kinds['TCP RST']:
        yield f'{watch.kinds["TCP RST"]} times RST came'
    yield from lab.seen()
    lab.note(f'{came} answers')


def given_back(lab):
    """At the end the kernel has all again, and works."""
    lab.gateways.stop('a')
    if addresses(lab) != {device: sorted(found) for device, found in KERNELS.items()}:
        yield f'given back: {addresses(lab)}, not {KERNELS}'
    if ipv6_is_off(lab) != ['0', '0']:
        yield 'IPv6 stays switched off'
    for address in INSIDE['a']:
        echo = Echo(lab.wires.namespace('hostA'), address)
        if echo.one() != 'reply':
            yield f'the kernel does not answer at {address}: something of the gateway is still in its way'
        echo.close()


def left_over(lab):
    """`kill -9`: packets are the kernel's at once, and the next start and end leaves all as it was before the first."""
    lab.gateways.start('a', begin=False)
    lab.gateways.stop('a', signal.SIGKILL)
    call('ip', '-n', gateway(lab), 'addr', 'replace', '10.1.0.9/24', 'dev', 'inside')
    echo = Echo(lab.wires.namespace('hostA'), '10.1.0.9')
    if echo.one() != 'reply':
        yield 'after kill -9 the kernel does not answer: something of the gateway is still in its way'
    echo.close()
    call('ip', '-n', gateway(lab), 'addr', 'del', '10.1.0.9/24', 'dev', 'inside')
    lab.gateways.start('a', begin=False)
    if passes(lab) is None:
        yield 'no packet passes after another start'
    yield from given_back(lab)
    lab.gateways.stop('b')


CASES = [refused, alone, given_back, left_over]
