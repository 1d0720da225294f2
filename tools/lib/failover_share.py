"""How evenly members share very many flows, and what a packet that is another member's costs them.

First all flows pass, and the frames that come out say by their MAC addresses whose each flow is. Then only the flows of
member 1 pass: what its process takes for a packet is the price of its own, what the others take the price of another's.
"""

import multiprocessing
import os
import shutil
import socket
import struct
import time

import failover_watch
from lab_wires import enter

FLOWS, PORTS = 10_000, 100
CLUSTER_MAC, HOST_MAC = bytes.fromhex('030000000001'), bytes.fromhex('0200000a0001')
TO = ('10.2.0.100', 9999)
# How far from its even share of the flows a member may be.
TOLERANCE = 0.05
SECONDS, BURST = 8, 50
SO_RCVBUFFORCE = 33


def address(flow):
    """10 000 of these are a hundred hosts with a hundred ports each."""
    return f'10.1.0.{101 + flow // PORTS}', 20000 + flow % PORTS


def frame(flow):
    source, port = address(flow)
    payload = struct.pack('!I', flow) + bytes(14)
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, socket.inet_aton(source),
                       socket.inet_aton(TO[0]))
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack('!H', ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[12:]
    return (CLUSTER_MAC + HOST_MAC + b'\x08\x00' + head
            + struct.pack('!HHHH', port, TO[1], 8 + len(payload), 0) + payload)


def generate(namespace, flows, rate, seconds, back):
    with open(f'/run/netns/{namespace}') as there:
        enter(there)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind(('eth0', 0))
    frames = [frame(flow) for flow in flows]
    begin, number, total = time.monotonic(), 0, int(rate * seconds) if frames else 0
    while number < total:
        for place in range(number, min(number + BURST, total)):
            try:
                wire.send(frames[place % len(frames)])
            except OSError:
                pass
        number += BURST
        time.sleep(max(0, begin + number / rate - time.monotonic()))
    back.put(number)


def collect(namespace, seconds, back):
    """By flow, whose frames it came in; by member, how many."""
    with open(f'/run/netns/{namespace}') as there:
        enter(there)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    wire.bind(('eth0', 0x0800))
    wire.settimeout(0.1)
    owners, packets = {}, {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            octets = wire.recv(128)
        except TimeoutError:
            continue
        if len(octets) >= 46 and octets[23] == 17 and octets[6:11] == b'\x02\x00\x00\x0b\x01':
            member, flow = octets[11], struct.unpack('!I', octets[42:46])[0]
            owners.setdefault(flow, set()).add(member)
            packets[member] = packets.get(member, 0) + 1
    back.put((owners, packets))


def used(pid):
    """Seconds of a processor that all threads of a process took, for user and kernel together."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/schedstat') as file:
            total += int(file.read().split()[0])
    return total / 1e9


def look(cluster, number):
    """Seconds of its process, packets of others that the kernel dropped for it, and those that it saw and dropped."""
    ports = failover_watch.request(cluster.path(number, 'sock'), 'ports')['rows']
    drops = failover_watch.request(cluster.path(number, 'sock'), 'drops')['rows']
    early = sum(port['received']['drops'].get('notMineEarly', 0) for port in ports)
    late = sum(drop['packets'] for drop in drops if drop['reason'] == 'notMine')
    return used(cluster.processes[number].pid), early, late


def phase(kit, cluster, flows, rate):
    """What came out, and what each member took for it."""
    generated, collected = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()
    before = {number: look(cluster, number) for number in cluster.numbers}
    workers = [
        multiprocessing.Process(target=collect, args=(f'{kit.P}-B', SECONDS + 1, collected), daemon=True),
        multiprocessing.Process(target=generate, args=(f'{kit.P}-A', flows, rate, SECONDS, generated), daemon=True)]
    for worker in workers:
        worker.start()
    sent, (owners, packets) = generated.get(), collected.get()
    for worker in workers:
        worker.join(5)
    after = {number: look(cluster, number) for number in cluster.numbers}
    took = {number: [late - early for early, late in zip(before[number], after[number])] for number in cluster.numbers}
    return sent, owners, packets, took


def run(kit, driver, choices):
    kit.up(choices.members)
    folder = f'{choices.work}/run0'
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    options = dict(word.split('=', 1) for word in choices.opt)
    options.update(members=choices.members, traffic='clear')
    for number in range(1, choices.members + 1):
        driver.start(number, f'{kit.P}-m{number}', folder, options)
    time.sleep(driver.settle(options))
    driver.watcher.end()
    cluster, rate = driver.watcher.cluster, choices.rate * 5
    # Host B has to be known before so many packets want to go to it.
    phase(kit, cluster, range(10), 100)
    _, _, _, idle = phase(kit, cluster, [], rate)
    sent, owners, packets, took = phase(kit, cluster, range(FLOWS), rate)
    counts = {number: sum(1 for whose in owners.values() if number in whose) for number in cluster.numbers}
    even, words = FLOWS / choices.members, []
    print(f'{FLOWS} flows, {sent} packets, {sum(packets.values())} came; an even share is {even:.0f} flows')
    for number, count in counts.items():
        off = count / even - 1
        print(f'  member {number}: {count} flows ({off * 100:+.1f} %), {packets.get(number, 0)} packets')
        if abs(off) > TOLERANCE:
            words.append(f'member {number} has {count} flows: more than {TOLERANCE * 100:.0f} % off an even share')
    several = sum(len(whose) > 1 for whose in owners.values())
    if several:
        words.append(f'{several} flows came from more than one member')
    mine = [flow for flow, whose in owners.items() if whose == {1}]
    sent, _, packets, took = phase(kit, cluster, mine, rate)
    prices = {}
    for number in cluster.numbers:
        seconds, early, late = max(0.0, took[number][0] - idle[number][0]), *took[number][1:]
        prices[number] = seconds / sent * 1e6
        print(f'  only flows of member 1, {sent} packets: member {number} takes {prices[number]:.3f} µs for each, '
              f'{early} of them dropped by its kernel, {late} by its workers')
    others = max(price for number, price in prices.items() if number != 1)
    print(f'  a packet of another member costs at most {others / prices[1] * 100:.1f} % of what one of its own does')
    print('\n'.join(words) if words else '  the share of each is even')
    return {'fault': 'share', 'trials': 1, 'repeated': 0, 'flows': counts, 'prices': prices, 'words': words}
