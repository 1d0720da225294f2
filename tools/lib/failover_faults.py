"""What can happen to a cluster in the failover lab: the lab's own faults, and those that it does not know.

    halves:MS      the first members with hosts A and B, the others with hosts of their own, cut from each other
    port:MS        both bridge ports of a member go down and come up again; portA, portB: one of them
    rolling        each member in turn is drained, ends, and is started again when all is whole
"""

import collections
import os
import subprocess
import time

import failover_watch

# Victim: 1 is the master, 2 a client. Seconds: what the trial takes beyond what every trial takes.
Fault = collections.namedtuple('Fault', 'what victim seconds isLoss', defaults=(0, True))

FAULTS = {
    'crash of the master': Fault('crashsilent', 1), 'crash of a client': Fault('crashsilent', 2),
    'SIGKILL of the master': Fault('sigkill', 1), 'SIGKILL of a client': Fault('sigkill', 2),
    'SIGSTOP 300 ms, master': Fault('sigstop:300', 1), 'SIGSTOP 300 ms, client': Fault('sigstop:300', 2),
    'SIGSTOP 3 s, master': Fault('sigstop:3000', 1, 2), 'SIGSTOP 3 s, client': Fault('sigstop:3000', 2, 2),
    'SIGSTOP 30 s, master': Fault('sigstop:30000', 1, 29), 'SIGSTOP 30 s, client': Fault('sigstop:30000', 2, 29),
    'master hears nothing for 2 s': Fault('asym:in:2000', 1, 2),
    'client hears nothing for 2 s': Fault('asym:in:2000', 2, 2),
    'master not heard for 2 s': Fault('asym:out:2000', 1, 2), 'client not heard for 2 s': Fault('asym:out:2000', 2, 2),
    'master cut off for 2 s': Fault('partition:2000', 1, 2), 'client cut off for 2 s': Fault('partition:2000', 2, 2),
    'two halves for 3 s, and merged': Fault('halves:3000', 1, 4),
    'inside cable of the master': Fault('linkdownA', 1), 'inside cable of a client': Fault('linkdownA', 2),
    'outside cable of the master': Fault('linkdownB', 1), 'outside cable of a client': Fault('linkdownB', 2),
    'both cables of the master': Fault('linkdown', 1), 'both cables of a client': Fault('linkdown', 2),
    'bridge ports of the master, 2 s': Fault('port:2000', 1, 2),
    'bridge ports of a client, 2 s': Fault('port:2000', 2, 2),
    'control of the master cut 2 s': Fault('cp:2000', 1, 2), 'control of a client cut 2 s': Fault('cp:2000', 2, 2),
    'rolling restart': Fault('rolling', 1, 26, False),
    'nothing': Fault('none', 1, 0, False),
}
HALF_HOSTS = ('10.1.0.101', '10.2.0.101')
# After halves have met, until their masters have heard each other, both may work: ARCHITECTURE.md says for how long.
MERGE_DETECTIONS = 0.25


class Lab:
    """The kit, with its faults, its losses and its last look replaced by ones that know ours as well."""

    # The frames of a cluster among themselves.
    CONTROL = 'ether type 0x88b5'

    def __init__(self, kit, watcher, detection):
        self.kit, self.watcher, self.detection = kit, watcher, detection
        self.ownApply, self.ownAnalyse = kit.apply, kit.analyse
        kit.apply, kit.analyse, kit.impair = self.apply, self.analyse, self.impair
        self.lossOf = 'all'
        self.wire = 0
        self.second = None
        self.words = []

    def begin(self, choices, fault):
        self.choices, self.fault = choices, fault
        self.words, self.second, self.wire = [], None, 0

    def nft(self, text):
        self.kit.ns('net', 'nft -f -', input=text)

    # What is lost on the wires

    def impair(self, percent):
        """Each probe meets chance once before the cluster and once behind it, so that what the wires lost is known."""
        chance = f'numgen random mod 10000 < {int(percent * 100)} counter drop'
        if self.lossOf == 'control':
            return self.nft(f'add rule bridge lab imp {self.CONTROL} {chance}\n')
        far, probe = ('pO', 'ip protocol esp') if self.choices.traffic == 'group' else ('pB', 'udp dport 9999')
        self.nft(f'''add chain bridge lab wireA {{ type filter hook prerouting priority 0; }}
add chain bridge lab wireB {{ type filter hook forward priority -5; }}
add rule bridge lab wireA iifname "pA" udp dport 9999 {chance}
add rule bridge lab wireB oifname "{far}" {probe} {chance}
add rule bridge lab imp iifname "pA" udp dport 9999 accept
add rule bridge lab imp oifname {{ "{far}", "pB", "pI" }} accept
add rule bridge lab imp {chance}
''')

    def count_wire(self):
        listing = self.kit.ns('net', 'nft list table bridge lab')
        chain, total = '', 0
        for line in listing.splitlines():
            words = line.split()
            if words[:1] == ['chain']:
                chain = words[1]
            if chain in ('wireA', 'wireB') and 'packets' in words:
                total += int(words[words.index('packets') + 1])
        return total

    # Faults

    def apply(self, fault, victim, driver):
        watcher, kind = self.watcher, fault.split(':')[0]
        # By office, whoever that is: who was started first need not be the master any more.
        victim = watcher.one(isMaster=victim == 1)
        if self.choices.traffic == 'group' and kind == 'cp':
            # What the lab lets pass are probes in clear.
            self.nft('add rule bridge lab fault ip protocol esp accept\n')
        began = failover_watch.now()
        if kind == 'rolling':
            watcher.faultAt = began
            self.roll(driver)
            watcher.healedAt = failover_watch.now()
            return None, None
        if kind == 'halves':
            self.start_second()
            watcher.faultAt = began = failover_watch.now()
            found = float(fault.split(':')[1]) / 1000, self.cut_halves()
        elif kind in ('port', 'portA', 'portB'):
            watcher.faultAt = began
            found = float(fault.split(':')[1]) / 1000, self.switch_ports(victim, kind)
        else:
            watcher.faultAt = began
            found = self.ownApply(fault, victim, driver)
        seconds, heal = found
        if heal is None or seconds is None:
            if kind != 'none':
                watcher.live.discard(victim)
            return seconds, heal

        def healed():
            heal()
            watcher.healedAt = failover_watch.now()
            if kind == 'halves':
                watcher.cuts.append((began, watcher.healedAt + MERGE_DETECTIONS * self.detection))

        return seconds, healed

    def switch_ports(self, victim, kind):
        ports = [f'pA{victim}', f'pB{victim}'] if kind == 'port' else [f'p{kind[-1]}{victim}']

        def turn(way):
            self.kit.ns('net', "sh -c '" + '; '.join(f'ip link set {port} {way}' for port in ports) + "'")

        turn('down')
        return lambda: turn('up')

    def halves(self):
        numbers = list(self.watcher.cluster.numbers)
        return numbers[:(len(numbers) + 1) // 2], numbers[(len(numbers) + 1) // 2:]

    def cut_halves(self):
        first, rest = self.halves()
        near = [f'p{side}' for side in 'AB'] + [f'p{side}{number}' for side in 'AB' for number in first]
        far = [f'q{side}' for side in 'AB'] + [f'p{side}{number}' for side in 'AB' for number in rest]
        near, far = ('{ ' + ', '.join(f'"{port}"' for port in ports) + ' }' for ports in (near, far))
        self.nft(f'add rule bridge lab fault iifname {near} oifname {far} drop\n'
                 f'add rule bridge lab fault iifname {far} oifname {near} drop\n')
        return lambda: self.kit.ns('net', 'nft flush chain bridge lab fault')

    def start_second(self):
        """Hosts of the other half, and probes between them, which begin a second before the cut."""
        kit, choices = self.kit, self.choices
        for side, address, number in zip('AB', HALF_HOSTS, (0x0a, 0x0b)):
            place = f'{kit.P}-{side}2'
            kit.sh(f'ip netns add {place}')
            kit.sh(f'ip -n {kit.P}-net link add q{side} type veth peer name eth0 address 02:00:00:{number:02x}:00:02 '
                   f'netns {place}')
            kit.sh(f'ip -n {kit.P}-net link set q{side} master br{side} up')
            kit.sh(f'ip -n {place} link set eth0 up')
            kit.sh(f'ip -n {place} addr add {address}/24 dev eth0')
            kit.sh(f'ip netns exec {place} ethtool -K eth0 tx off rx off tso off gso off gro off', check=False)
            kit.sh(f'ip -n {place} route add default via 10.{1 + "AB".index(side)}.0.254')
        seconds = choices.post - 1
        path = f'{choices.work}/run0/rx2.csv'
        enter = ['ip', 'netns', 'exec']
        receiver = subprocess.Popen(
            [*enter, f'{kit.P}-B2', f'{kit.BIN}/probe', 'recv', '9999', str(seconds + 1.5), path])
        time.sleep(0.3)
        sender = subprocess.Popen(
            [*enter, f'{kit.P}-A2', f'{kit.BIN}/probe', 'send', HALF_HOSTS[1], '9999', str(choices.rate), str(seconds),
             str(choices.flows), '64'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.second = (path, int(choices.rate * seconds), receiver, sender)
        time.sleep(1)

    def roll(self, driver):
        cluster, watcher = self.watcher.cluster, self.watcher
        for number in cluster.numbers:
            done = subprocess.run([cluster.program, 'drain', '--control', cluster.path(number, 'sock')],
                                  capture_output=True, text=True, timeout=30)
            if done.returncode != 0:
                self.words.append(f'member {number} does not drain: {done.stderr.strip()}')
            try:
                cluster.processes[number].wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.words.append(f'member {number} does not end')
                return
            since = failover_watch.now()
            cluster.start(number)
            if not failover_watch.until(10, lambda: watcher.whole_since(since) is not None):
                self.words.append(f'the cluster is not whole again 10 s after member {number} was started')
                return

    # The end

    def analyse(self, csv, rate, at, total):
        """Called while all still runs."""
        self.wire = self.count_wire()
        if self.fault.what == 'rolling' and self.watcher.healedAt is None:
            self.words.append('the rolling restart did not end in time')
        if self.second:
            _, _, receiver, sender = self.second
            for process in (sender, receiver):
                process.wait(timeout=30)
        failover_watch.until(3, lambda: self.watcher.recovery() is not None)
        self.watcher.end()
        found = self.ownAnalyse(csv, rate, at, total)
        found['load'] = os.getloadavg()[0]
        return found
