"""Frames of 9000 octets: over AF_XDP where the kernel hands them out in pieces, else over AF_PACKET, which is said."""

import json

from lab_wires import HOSTS, LINKS, call
from vanish import passes
from world import Echo

MTU = 9000
# What a tunnel leaves of it.
LONGEST = MTU - 54 - 28 - 4


def set_mtu(lab, mtu):
    for near, device, far, other in LINKS:
        for place, name in ((near, device), (far, other)):
            call('ip', '-n', lab.wires.namespace(place), 'link', 'set', 'dev', name, 'mtu', str(mtu))
    call('ip', '-n', lab.wires.namespace('outside'), 'link', 'set', 'dev', 'switch', 'mtu', str(mtu))


def jumbo(lab):
    """Both gateways with the fastest method that works; nobody else runs."""
    if lab.method != 'xdp':
        lab.note('asked with AF_XDP')
        return
    before = {}
    set_mtu(lab, MTU)
    for side in 'ba':
        path = lab.gateways.configuration(side)
        with open(path) as file:
            before[path] = file.read()
        text = json.loads(before[path])
        for port in text['ports'].values():
            port.update(method='auto', mtu=MTU)
        with open(path, 'w') as file:
            json.dump(text, file)
        lab.gateways.start(side, begin=False)
    status = lab.gateways.ask('a', 'status')
    methods = {port['method'].split(',')[0] for port in status['ports']}
    lab.note(' and '.join(sorted(methods)))
    if 'AF_PACKET' in methods and not any('several buffers' in line for line in status['warnings']):
        yield f'AF_PACKET was taken, and why is not said: {status["warnings"]}'
    if passes(lab) is None:
        yield 'no packet passes'
    else:
        echo = Echo(lab.wires.namespace('hostA'), HOSTS['b'][0], df=True)
        sizes = [64, 1400, 2000, 3000, 4000, 6000, 8000, LONGEST] * 8
        lost = echo.ask_all(sizes, at_once=8)
        if lost or echo.errors:
            yield f'{len(lost)} of {len(sizes)} were lost, from {sizes[lost[0]] if lost else 0} octets: {echo.errors[:3]}'
        echo.close()
    for side in 'ab':
        lab.gateways.stop(side)
    for path, text in before.items():
        with open(path, 'w') as file:
            file.write(text)
    set_mtu(lab, 1500)


CASES = [jumbo]
