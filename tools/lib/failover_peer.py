"""The same faults for keepalived, by the lab's own driver: two machines, of which one works, and its echo test."""

import os
import shutil

from failover_faults import FAULTS
import failover_report

# Seconds between advertisements; three of them are its detection time.
ADVERT = {'normal': '0.1', 'fast': '0.01'}
# Those that the lab knows, and that hit the one that works.
KINDS = ('crashsilent', 'sigkill', 'sigstop', 'asym', 'partition', 'cp', 'linkdown', 'linkdownA', 'linkdownB', 'none')


def run(kit, choices, repeat, load):
    if not shutil.which('keepalived'):
        raise SystemExit('there is no keepalived: apt-get install keepalived')
    driver = load(os.path.join(choices.kit, 'drivers/keepalived.py'), 'failover_keepalived')
    choices.members, choices.opt = 2, [f'advert={ADVERT[choices.pace]}']
    choices.traffic = 'clear'
    print(f'keepalived, two machines, advertisements every {ADVERT[choices.pace]} s, {choices.rate} probes a second\n'
          + failover_report.columns(failover_report.HEAD))
    lines = []
    for name in choices.wanted:
        fault = FAULTS[name]
        if fault.victim == 1 and fault.what.split(':')[0] in KINDS:
            lines.append(repeat(kit, driver, choices, name, fault))
    return lines
