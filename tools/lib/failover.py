"""The command behind tools/failover: trials of the failover lab, with a look at how steadily this machine itself runs.

A trial counts only if no stall of the machine above half the detection time fell into it: a virtual machine that is
paused stops all members at once, and says nothing of them.
"""

import argparse
import collections
import ctypes
import importlib.util
import json
import multiprocessing
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Who is hit, and with what; member 1 is the master.
FAULTS = {
    'crash of the master': ('crashsilent', 1), 'crash of a client': ('crashsilent', 2),
    'SIGKILL of the master': ('sigkill', 1), 'SIGKILL of a client': ('sigkill', 2),
    'SIGSTOP 300 ms, master': ('sigstop:300', 1), 'SIGSTOP 300 ms, client': ('sigstop:300', 2),
    'SIGSTOP 3 s, master': ('sigstop:3000', 1), 'SIGSTOP 3 s, client': ('sigstop:3000', 2),
    'master hears nothing for 2 s': ('asym:in:2000', 1), 'client hears nothing for 2 s': ('asym:in:2000', 2),
    'master not heard for 2 s': ('asym:out:2000', 1), 'client not heard for 2 s': ('asym:out:2000', 2),
    'master cut off for 2 s': ('partition:2000', 1), 'client cut off for 2 s': ('partition:2000', 2),
    'inside cable of the master': ('linkdownA', 1), 'inside cable of a client': ('linkdownA', 2),
    'both cables of the master': ('linkdown', 1), 'both cables of a client': ('linkdown', 2),
    'control of the master cut 2 s': ('cp:2000', 1), 'control of a client cut 2 s': ('cp:2000', 2),
    'nothing': ('none', 1),
}
DETECTION = {'normal': 0.1, 'fast': 0.02}


def look_for_stalls(ends, worst):
    """Before everything else on this machine, once a millisecond."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
    except PermissionError:
        pass
    ctypes.CDLL(None).mlockall(3)
    last = time.monotonic()
    while not ends.is_set():
        time.sleep(0.001)
        now = time.monotonic()
        worst.value = max(worst.value, now - last - 0.001)
        last = now


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shares(csv, flows, rate, total):
    """Of every flow: how many probes were lost, and the longest run of them in milliseconds."""
    came = collections.Counter()
    with open(csv) as file:
        for line in file:
            parts = line.strip().split(',')
            if len(parts) == 4 and parts[0].isdigit():
                came[int(parts[0])] += 1
    lost, longest, run = [0] * flows, [0] * flows, [0] * flows
    for sequence in range(total):
        flow = sequence % flows
        if came[sequence]:
            run[flow] = 0
        else:
            lost[flow] += 1
            run[flow] += 1
            longest[flow] = max(longest[flow], run[flow])
    return lost, [count * flows * 1000 / rate for count in longest]


def trial(lab, driver, choices, fault, victim, program):
    ends, worst = multiprocessing.Event(), multiprocessing.Value('d', 0)
    sentinel = multiprocessing.Process(target=look_for_stalls, args=(ends, worst), daemon=True)
    options = argparse.Namespace(
        members=choices.members, mode='route', victim=str(victim), fault=fault, rate=choices.rate, flows=choices.flows,
        size=64, loss=choices.loss, pre=2, post=choices.post, tcp=False, keep=0, work=choices.work,
        opt=[f'program={program}', f'pace={choices.pace}', f'method={choices.method}', f'workers={choices.workers}'])
    sentinel.start()
    try:
        result = lab.one(options, driver, 0)
    finally:
        ends.set()
        sentinel.join(5)
    total = int(options.rate * (options.pre + options.post))
    lost, outages = shares(f'{options.work}/run0/rx.csv', options.flows, options.rate, total)
    # Two probes of a flow in a row, or more, belong to an outage; one alone is anybody's.
    hit = [flow for flow in range(options.flows) if outages[flow] > 2 * options.flows * 1000 / options.rate]
    return {
        'outage': max((outages[flow] for flow in hit), default=0.0), 'hit': len(hit),
        'others': sum(lost[flow] for flow in range(options.flows) if flow not in hit), 'lost': sum(lost),
        'twice': result.get('dups', 0), 'reordered': result.get('reordered', 0), 'stall': worst.value * 1000,
    }


def run(lab, driver, choices, name, program):
    fault, victim = FAULTS[name]
    good, repeated = [], 0
    while len(good) < choices.trials and repeated < 3 * choices.trials:
        found = trial(lab, driver, choices, fault, victim, program)
        if found['stall'] > DETECTION[choices.pace] * 500:
            repeated += 1
        else:
            good.append(found)
            if choices.verbose:
                print(f'  {json.dumps(found)}', flush=True)
    if not good:
        print(f'{name:32}  no trial without a stall of this machine, {repeated} repeated', flush=True)
        return None
    outages = [found['outage'] for found in good]
    line = {
        'fault': name, 'trials': len(good), 'repeated': repeated, 'median': statistics.median(outages),
        'worst': max(outages), 'others': sum(found['others'] for found in good),
        'twice': sum(found['twice'] for found in good), 'reordered': sum(found['reordered'] for found in good),
        'lost': [found['lost'] for found in good],
    }
    print(f"{name:32}  {line['median']:7.0f}  {line['worst']:6.0f}  {line['others']:6}  {line['twice']:5}  "
          f"{line['reordered']:9}  {len(good)} + {repeated}", flush=True)
    return line


def main():
    parser = argparse.ArgumentParser(prog='tools/failover', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('program', help=argparse.SUPPRESS)
    parser.add_argument('kit', help=argparse.SUPPRESS)
    parser.add_argument('--trials', type=int, default=5)
    parser.add_argument('--members', type=int, default=3)
    parser.add_argument('--pace', choices=list(DETECTION), default='normal')
    parser.add_argument('--method', choices=['auto', 'xdp', 'packet'], default='auto')
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--rate', type=int, default=4000, help='probes a second, over all flows')
    parser.add_argument('--flows', type=int, default=16)
    parser.add_argument('--post', type=float, default=4, help='seconds from the fault on')
    parser.add_argument('--loss', type=float, default=0, help='percent of all frames, on both segments')
    parser.add_argument('--only', action='append', help='a fault, by a part of its name; may be repeated')
    parser.add_argument('--json', help='a file for the figures')
    parser.add_argument('--verbose', action='store_true')
    choices = parser.parse_args()
    choices.work = os.path.join(ROOT, '.build/failover')
    os.makedirs(choices.work, exist_ok=True)
    sys.dont_write_bytecode = True
    lab = load(os.path.join(choices.kit, 'lab.py'), 'failover_lab')
    held = lab.lock()
    lab.BIN = lab.build(choices.work)
    driver = load(os.path.join(HERE, 'failover_driver.py'), 'failover_driver')
    wanted = [name for name in FAULTS if not choices.only or any(part in name for part in choices.only)]
    if not wanted:
        parser.error(f'there is no such fault, but {"; ".join(FAULTS)}')
    print(f'{choices.members} members, {choices.pace} pace, {choices.rate} probes a second in {choices.flows} flows')
    print(f"{'fault':32}  {'outage':>7}  {'worst':>6}  {'others':>6}  {'twice':>5}  {'reordered':>9}  trials + repeated")
    lines = []
    try:
        for name in wanted:
            lines.append(run(lab, driver, choices, name, choices.program))
    finally:
        lab.down()
        held.close()
    print('outage: the longest of the flows of the one that was hit, in ms, median and worst. others: probes of all other')
    print('flows that were lost. repeated: trials in which this machine stood still for half a detection time itself.')
    if choices.json:
        with open(choices.json, 'w') as file:
            json.dump([line for line in lines if line], file, indent=1)


main()
