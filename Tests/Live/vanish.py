"""Devices that vanish under traffic and come back: traffic goes on, and nothing of the old ones is left."""

import json
import os
import subprocess
import time

from belongings import grown, mapped, settled
from lab_wires import HOSTS, INSIDE, LINKS, NETWORKS, call
from world import Echo

TIMES = 3


def plug(lab, near, device, far, other):
    """The cable of a lab's link, made anew."""
    wires = lab.wires
    many = ['numtxqueues', str(lab.workers), 'numrxqueues', str(lab.workers)]
    call('ip', '-n', wires.namespace(near), 'link', 'add', 'name', device, *many, 'type', 'veth', 'peer', 'name', other,
         *many, 'netns', wires.namespace(far))
    for place, name in [(near, device), (far, other)]:
        subprocess.run(['ip', 'netns', 'exec', wires.namespace(place), 'ethtool', '-K', name, 'tx', 'off', 'rx', 'off',
                        'tso', 'off', 'gso', 'off', 'gro', 'off'], capture_output=True)
        call('ip', '-n', wires.namespace(place), 'link', 'set', 'dev', name, 'up')
    if near.startswith('host'):
        side = near[-1].lower()
        for host, network, router in zip(HOSTS[side], NETWORKS[side], INSIDE[side]):
            place = wires.namespace(near)
            call('ip', '-n', place, 'addr', 'add', host + '/' + network.split('/')[1], 'dev', device)
            call('ip', '-n', place, 'route', 'add', 'default', 'via', router)
    for place, name in [(near, device), (far, other)]:
        if place == 'outside':
            call('ip', '-n', wires.namespace(place), 'link', 'set', 'dev', name, 'master', 'switch')


def passes(lab, patience=8.0, family=0):
    """Seconds until a ping crosses the tunnel; None. All neighbours are known then."""
    echo = Echo(lab.wires.namespace('hostA'), HOSTS['b'][family])
    since, number = time.monotonic(), 0
    try:
        while time.monotonic() < since + patience:
            try:
                echo.ask(number)
            except OSError:
                time.sleep(0.01)
            number += 1
            echo.hear(0.01)
            if echo.replies:
                return time.monotonic() - since
    finally:
        echo.close()
    return None


def log(lab, side):
    with open(lab.gateways.path(side + '.log')) as file:
        return file.read()


def status_of(lab, device):
    port = next(port for port in lab.gateways.ask('a', 'status')['ports'] if port['side'] == device)
    return port['link']


def vanish(lab, link, flood):
    """Once: gone under traffic, told, back, and used again. Sentences."""
    near, device, far, other = link
    side = device if near == 'gatewayA' else other
    call('ip', '-n', lab.wires.namespace(near), 'link', 'del', device)
    deadline = time.monotonic() + 3
    while status_of(lab, side) != 'absent' and time.monotonic() < deadline:
        time.sleep(0.02)
    if status_of(lab, side) != 'absent':
        return f'{side} was deleted, and status says {status_of(lab, side)}'
    plug(lab, *link)
    seconds = passes(lab)
    if seconds is None:
        return f'{side} is back, and no packet passes: {log(lab, "a").splitlines()[-3:]}'
    lab.note(f'{seconds * 1000:.0f} ms')
    if flood.poll() is not None:
        return f'the traffic ended: {flood.args}'
    return None


def vanishing(lab):
    """Both devices of gateway A in turn, each several times, while UDP floods through the tunnel."""
    pid = lab.gateways.processes['a'].pid
    wires = lab.wires
    flood = subprocess.Popen(
        ['ip', 'netns', 'exec', wires.namespace('hostA'), 'sh', '-c',
         f'while :; do ping -q -i 0.002 -c 500 {HOSTS["b"][0]} >/dev/null 2>&1 || sleep 0.02; done'],
        start_new_session=True)
    held, octets, words = None, [], []
    try:
        for turn in range(TIMES):
            for link in LINKS[:2]:
                wrong = vanish(lab, link, flood)
                if wrong:
                    yield wrong
                    return
            # The first time may have made something that stays; after it nothing grows.
            if held is None:
                held = settled(pid)
            else:
                words.append(grown(pid, held))
            octets.append(mapped(pid))
    finally:
        os.killpg(flood.pid, 9)
        flood.wait()
    if any(words):
        yield f'what a gateway holds after each time: {words}'
    if octets[-1] > octets[0] + 1024:
        yield f'KiB that a gateway has mapped after each time: {octets}'
    told = log(lab, 'a')
    for word in ('has vanished', 'is back'):
        # Said again soon it is folded.
        if word not in told:
            yield f'the log does not say that a device {word}'


def waiting(lab):
    """A device that stays away: tried again, later and later, and told once; the gateway rests meanwhile."""
    near, device, far, other = LINKS[1]
    call('ip', '-n', lab.wires.namespace(near), 'link', 'del', device)
    pid = lab.gateways.processes['a'].pid
    time.sleep(0.3)
    before, said = used(pid), log(lab, 'a')
    time.sleep(2)
    share = (used(pid) - before) / 2
    lab.note(f'{share * 100:.1f} % of a core')
    if share > 0.1:
        yield f'a gateway without a device takes {share * 100:.0f} % of a core'
    if len(log(lab, 'a').splitlines()) > len(said.splitlines()) + 4:
        yield f'it talks too much of it: {log(lab, "a")[len(said):]}'
    if not any('there is no device' in line for line in lab.gateways.ask('a', 'status')['warnings']):
        yield 'the status does not warn of it'
    plug(lab, *LINKS[1])
    if passes(lab) is None:
        yield 'no packet passes when it is back'


def used(pid):
    """Seconds of a processor."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def tap(lab):
    """A TAP device in a bridge, deleted several times: the gateway makes it again, and its MAC address stays."""
    if lab.method != 'packet' or lab.workers != 1:
        lab.note('with AF_PACKET beside it, and one worker')
        return
    place, path = lab.wires.namespace('gatewayA'), lab.gateways.configuration('a')
    lab.gateways.stop('a')
    with open(path) as file:
        before = file.read()
    text = json.loads(before)
    text['ports']['inside'].update(device='tap0', method='tap', mac='02:00:00:00:00:0a')
    with open(path, 'w') as file:
        json.dump(text, file)
    call('ip', '-n', place, 'tuntap', 'add', 'tap0', 'mode', 'tap')
    call('ip', '-n', place, 'link', 'set', 'tap0', 'up')
    call('ip', '-n', place, 'link', 'add', 'name', 'br0', 'type', 'bridge', 'mcast_snooping', '0', 'forward_delay', '0')
    for device in ('tap0', 'inside'):
        call('ip', '-n', place, 'link', 'set', device, 'master', 'br0')
    call('ip', '-n', place, 'link', 'set', 'br0', 'up')
    lab.gateways.start('a', begin=False)
    pid, held, words = lab.gateways.processes['a'].pid, None, []
    for turn in range(TIMES + 1):
        seconds = passes(lab)
        if seconds is None:
            yield f'no packet passes the TAP device, deleted {turn} times: {log(lab, "a").splitlines()[-3:]}'
            break
        lab.note(f'{seconds * 1000:.0f} ms')
        if held is None:
            held = settled(pid)
        else:
            words.append(grown(pid, held))
        call('ip', '-n', place, 'link', 'del', 'tap0')
        bridge_again(place)
    if any(words):
        yield f'what the gateway holds after each time: {words}'
    lab.gateways.stop('a')
    call('ip', '-n', place, 'link', 'del', 'br0')
    with open(path, 'w') as file:
        file.write(before)
    lab.gateways.start('a', begin=False)


def bridge_again(place, patience=5):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        done = subprocess.run(['ip', '-n', place, 'link', 'set', 'tap0', 'master', 'br0'], capture_output=True)
        if done.returncode == 0:
            return
        time.sleep(0.02)


CASES = [vanishing, waiting, tap]
