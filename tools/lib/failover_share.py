"""How evenly members share very many flows, and what a packet that is another member's costs them.

First all flows pass, and the frames that come out say by their MAC addresses whose each flow is. Then only the flows of
member 1 pass, as many packets: what its process takes for a packet is the price of its own, what the others take the
price of another's. What a member took while all flows passed is its share of the work, and has to be clearly less than
what member 1 took when it did all of it.
"""

import multiprocessing
import os
import shutil
import socket
import statistics
import struct
import time

import failover_watch
from failover_machine import Sentinel
from lab_wires import enter

FLOWS, PORTS = 10_000, 100
CLUSTER_MAC, HOST_MAC = bytes.fromhex('030000000001'), bytes.fromhex('0200000a0001')
TO = ('10.2.0.100', 9999)
# How far from its even share of the flows a member may be.
TOLERANCE = 0.05
# How many times its even share of all the work a member may work.
MOST = 1.5
REPEATS = 3
SECONDS, BURST = 3, 400
# With all flows and with those of member 1 by turns: the median of them counts.
ROUNDS = 5
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


def generate(namespace, flows, rate, seconds, processor, back):
    """Before the workers and after the clusters' threads, on their processor: a burst comes whole, as from a device.

    Else a worker that has little to do wakes up for each packet, and that costs more than the packet does.
    """
    with open(f'/run/netns/{namespace}') as there:
        enter(there)
    os.sched_setaffinity(0, {processor})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass
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


def workers(pid):
    """Threads, the first worker first."""
    names = {}
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/comm') as file:
            names[int(thread)] = file.read()
    return sorted((thread for thread, name in names.items() if name.startswith('worker')), key=names.get)


def used(pid):
    """Seconds of a processor that the workers of a process took, for user and kernel together."""
    total = 0
    for thread in workers(pid):
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
    processor = min(os.sched_getaffinity(workers(cluster.processes[1].pid)[0]))
    hosts = [
        multiprocessing.Process(target=collect, args=(f'{kit.P}-B', SECONDS + 1, collected), daemon=True),
        multiprocessing.Process(target=generate, args=(f'{kit.P}-A', flows, rate, SECONDS, processor, generated),
                                daemon=True)]
    for host in hosts:
        host.start()
        time.sleep(0.2)
    sent, (owners, packets) = generated.get(), collected.get()
    for host in hosts:
        host.join(5)
    after = {number: look(cluster, number) for number in cluster.numbers}
    took = {number: [late - early for early, late in zip(before[number], after[number])] for number in cluster.numbers}
    return sent, owners, packets, took


def run(kit, driver, choices, longest):
    """Begun again when this machine stood still for longer than that."""
    for repeated in range(REPEATS + 1):
        sentinel = Sentinel()
        try:
            found = measure(kit, driver, choices, sentinel)
        finally:
            stall = max((seconds for _, seconds in sentinel.end()), default=0)
        if stall <= longest:
            words = found['words']
            print('\n'.join(words) if words else '  the share of each is even')
            return {**found, 'trials': 1, 'repeated': repeated, 'stall': stall * 1000}
        print(f'  this machine stood still for {stall * 1000:.0f} ms: that does not count')
    print(f'no trial without a stall of this machine, {REPEATS} repeated')
    return {**found, 'trials': 0, 'repeated': REPEATS, 'stall': stall * 1000,
            'words': ['no trial without a stall of this machine']}


def measure(kit, driver, choices, sentinel):
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
    shares, prices = weigh(kit, cluster, mine, rate, idle, words)
    judge(shares, prices, sentinel.mustWait.is_set(), words)
    return {'fault': 'share', 'flows': counts, 'prices': prices, 'shares': shares, 'words': words}


def weigh(kit, cluster, mine, rate, idle, words):
    """By member, what it took for each of all packets in each round: of all flows, and of those of member 1."""
    shares, prices = {number: [] for number in cluster.numbers}, {number: [] for number in cluster.numbers}
    for _ in range(ROUNDS):
        for figures, flows in ((shares, range(FLOWS)), (prices, mine)):
            sent, _, packets, took = phase(kit, cluster, flows, rate)
            for number in cluster.numbers:
                figures[number].append(max(0.0, took[number][0] - idle[number][0]) / sent * 1e6)
    strange = sum(packets.values()) - packets.get(1, 0)
    if strange:
        words.append(f'{strange} packets of flows of member 1 came from others')
    for number in cluster.numbers:
        _, early, late = took[number]
        print(f'  only flows of member 1, {sent} packets: member {number} takes '
              f'{statistics.median(prices[number]):.3f} µs for each, {early} of them dropped by its kernel, {late} by '
              f'its workers')
    return shares, prices


def judge(shares, prices, isPiecemeal, words):
    own = statistics.median(prices[1])
    others = max(statistics.median(figures) for number, figures in prices.items() if number != 1)
    print(f'  a packet of another member costs at most {others / own * 100:.1f} % of what one of its own does')
    most = MOST / len(shares) * 100
    for number, figures in shares.items():
        parts = [share / price * 100 for share, price in zip(figures, prices[1])]
        part = statistics.median(parts)
        print(f'  all flows: member {number} takes {part:.0f} % ({min(parts):.0f} to {max(parts):.0f}) of what member '
              f'1 takes when it does all of the work')
        if part > most and not isPiecemeal:
            words.append(f'member {number} takes {part:.0f} % of what one takes that does all of the work: more '
                         f'than {most:.0f} %')
    if isPiecemeal:
        print('  Nobody judges how much that is, for without real-time priority bursts do not come whole.')
    print('  The kernel\'s part is left out: on these wires whoever sends a frame is charged for dropping it, too.')
