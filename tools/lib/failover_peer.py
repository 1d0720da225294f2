"""The same faults for keepalived, by the lab's own driver: two machines, of which one works. Their kernels forward."""

import os
import shutil
import subprocess
import time

import failover_report
from failover_faults import FAULTS, Lab
from failover_watch import Watcher

# Seconds between advertisements; three of them are its detection time.
ADVERT = {'normal': '0.1', 'fast': '0.01'}
DETECTION = {pace: 3 * float(advert) for pace, advert in ADVERT.items()}
# What a backup may suffer, and nobody sees it. One that hears nothing, or comes back late, may take over.
UNSEEN = ('crashsilent', 'sigkill', 'asym:out', 'linkdown')


class Pair(Watcher):
    """The driver, and in place of members that say what they do: the first works, by its priority."""

    numbers = (1, 2)

    def __init__(self, driver):
        super().__init__()
        self.driver, self.cluster, self.processes, self.words = driver, self, {}, {}
        self.GW_A, self.GW_B = driver.GW_A, driver.GW_B

    def start(self, number, *words):
        self.words[number] = words
        self.processes[number] = self.driver.start(number, *words)
        return self.processes[number]

    def start_again(self, number):
        """And waits until it has its office back."""
        self.start(number, *self.words[number])
        time.sleep(self.driver.settle(self.words[number][-1]))

    def settle(self, options):
        self.forget()
        return self.driver.settle(options)

    def one(self, isMaster):
        return 1 if isMaster else 2

    def recovery(self):
        return 0.0


class PairLab(Lab):
    # VRRP.
    CONTROL = 'ip protocol 112'

    def roll(self, driver):
        """Each ends as it is told to, and gives its office up."""
        for number in driver.numbers:
            driver.processes[number].terminate()
            try:
                driver.processes[number].wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.words.append(f'member {number} does not end')
                return
            driver.start_again(number)


def run(kit, choices, repeat, load):
    if not shutil.which('keepalived'):
        raise SystemExit('there is no keepalived: apt-get install keepalived')
    pair = Pair(load(os.path.join(choices.kit, 'drivers/keepalived.py'), 'failover_keepalived'))
    lab = PairLab(kit, pair, choices.detection)
    lab.lossOf = choices.loss_of
    choices.members, choices.opt = 2, [f'advert={ADVERT[choices.pace]}']
    choices.traffic = 'clear'
    print(failover_report.head(choices, f'keepalived, a master and a backup as the client, advertisements every '
                                        f'{ADVERT[choices.pace]} s'))
    lines = []
    for name in choices.wanted:
        fault = FAULTS[name]
        if fault.victim == 2 and fault.what.startswith(UNSEEN):
            line = {'fault': name, 'trials': 0, 'repeated': 0, 'why': 'a backup carries nothing'}
            print(failover_report.text(line), flush=True)
        else:
            line = repeat(kit, pair, choices, name, fault, lab)
        lines.append(line)
    return lines
