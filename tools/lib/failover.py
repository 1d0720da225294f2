"""The command behind tools/failover: trials of the failover lab, with a look at how steadily this machine itself runs.

A trial counts only if no stall of the machine above half the detection time fell into it: a virtual machine that is
paused stops all members at once, and says nothing of them.
"""

import argparse
import importlib.util
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import failover_peer  # noqa: E402
import failover_report  # noqa: E402
import failover_share  # noqa: E402
from failover_faults import FAULTS, Fault, Lab  # noqa: E402
from failover_machine import Busy, Sentinel  # noqa: E402
from failover_watch import Watcher  # noqa: E402

DETECTION = {'normal': 0.1, 'fast': 0.02}
PRE = 2


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trial(kit, driver, choices, fault, lab):
    """Nothing but what was measured."""
    post = choices.post + fault.seconds
    options = argparse.Namespace(
        members=choices.members, mode='route', victim=str(fault.victim), fault=fault.what,
        rate=choices.rate, flows=choices.flows, size=64, loss=choices.loss, pre=PRE, post=post, tcp=False, keep=0,
        work=choices.work, opt=choices.opt, traffic=choices.traffic)
    lab.begin(options, fault)
    busy = Busy(PRE + post + 60) if choices.busy else None
    sentinel = Sentinel()
    try:
        kit.one(options, driver, 0)
    finally:
        stalls = sentinel.end()
        if busy:
            busy.end()
    total = int(options.rate * (options.pre + options.post))
    found = failover_report.judge(f'{options.work}/run0/rx.csv', options.flows, options.rate, total)
    found.update(stall=max((seconds for _, seconds in stalls), default=0) * 1000,
                 stalls=[stall for stall in stalls if stall[1] > choices.detection / 2],
                 wire=lab.wire, words=list(lab.words))
    # Somebody else's cluster does not say.
    if not choices.peer:
        add_watched(found, lab.watcher)
    if lab.second:
        add_second(found, lab, options)
    return found


def add_watched(found, watcher):
    found.update(contested=watcher.contested(), whole=watcher.recovery(), takeovers=watcher.takeovers(),
                 suspicions=sum('is silent' in event for *_, event in watcher.events()))
    if not watcher.isSettled:
        found['words'].append('the members did not share the work within 20 s of their start')


def add_second(found, lab, options):
    path, total, *_ = lab.second
    other = failover_report.judge(path, options.flows, options.rate, total)
    found['outage'] = max(found['outage'], other['outage'])
    for key in ('twice', 'lost', 'reordered'):
        found[key] += other[key]
    if other['lost'] == total:
        found['words'].append('nothing arrived between the hosts of the other half')


def repeat(kit, driver, choices, name, fault, lab):
    good, repeated = [], 0
    while len(good) < choices.trials and repeated < 3 * choices.trials:
        found = trial(kit, driver, choices, fault, lab)
        if found['stall'] > choices.detection * 500:
            repeated += 1
        else:
            good.append(found)
        if choices.verbose:
            print(f'  {json.dumps(found)}', flush=True)
    line = failover_report.line(name, fault, good, repeated)
    print(failover_report.text(line), flush=True)
    return line


def of_themselves(takeovers, stalls, detection):
    """Those far from every stall of this machine: before its begin, or ten detection times beyond its end."""
    return [takeover for takeover in takeovers
            if not any(at - seconds <= takeover[0] <= at + 10 * detection for at, seconds in stalls)]


def watch(kit, driver, choices, lab):
    """Nothing happens; who takes over all the same? Where that comes of a stall of this machine, the watch says nothing of
    the cluster, and has to be made again."""
    choices.post = choices.watch
    found = trial(kit, driver, choices, Fault('none', 1, 0, False), lab)
    takeovers = found['takeovers']
    stalls = found['stalls'] = [(at - lab.watcher.since, seconds) for at, seconds in found['stalls']]
    happened = [(at, f'member {number}: {event}') for at, number, event in takeovers]
    happened += [(at, f'this machine has stood still for {seconds * 1000:.1f} ms') for at, seconds in stalls]
    for at, event in sorted(happened):
        print(f'  {at:8.2f} s  {event}')
    own = len(of_themselves(takeovers, stalls, choices.detection))
    loss = f'{choices.loss:g} % loss of {"control frames" if choices.loss_of == "control" else "all frames"}'
    print(f'{choices.watch:g} s, {choices.pace} pace, {loss}{", both cores busy" if choices.busy else ""}: '
          f'{own} takeovers, and {len(takeovers) - own} with a stall of this machine, '
          f'{found["suspicions"]} suspicions, {found["lost"]} probes lost, '
          f'{found["wire"]} of them by the wires, {found["twice"]} twice, {found["contested"]} sets with two owners; '
          f'this machine stood still for {found["stall"]:.1f} ms at most, {len(stalls)} times for half a detection time')
    if len(takeovers) > own:
        found['words'].append('this machine stood still: a watch in which somebody takes over for that does not count')
    for word in found['words']:
        print(f'  {word}')
    return {'fault': 'watched', **{key: found[key] for key in found if key != 'words'}}


def arguments():
    parser = argparse.ArgumentParser(prog='tools/failover', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('program', help=argparse.SUPPRESS)
    parser.add_argument('kit', help=argparse.SUPPRESS)
    parser.add_argument('--trials', type=int, default=5)
    parser.add_argument('--members', type=int, default=3)
    parser.add_argument('--pace', choices=list(DETECTION), default='normal')
    parser.add_argument('--traffic', choices=['clear', 'group'], default='clear',
                        help='group: sealed with a group SA, and opened by a gateway of its own')
    parser.add_argument('--method', choices=['auto', 'xdp', 'packet'], default='auto')
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--rate', type=int, help='probes a second, over all flows (default 4000; watched, 1000)')
    parser.add_argument('--flows', type=int, default=16)
    parser.add_argument('--post', type=float, default=4, help='seconds from the fault on, or from its end')
    parser.add_argument('--loss', type=float, default=0, help='percent of frames, on both segments')
    parser.add_argument('--loss-of', choices=['all', 'control'], default='all', help='frames that are lost')
    parser.add_argument('--busy', action='store_true', help='all cores are busy with something else')
    parser.add_argument('--watch', type=float, metavar='SECONDS', help='no fault: who takes over all the same?')
    parser.add_argument('--share', action='store_true',
                        help='10 000 flows: who works on what, and what it costs whom, without the kernel\'s part')
    parser.add_argument('--peer', choices=['keepalived'],
                        help='the same faults for two machines of which one works; their kernels forward, and go on '
                             'with it while keepalived alone is stopped or dead (lab.py --mode echo is stricter)')
    parser.add_argument('--only', action='append', help='a fault, by a part of its name; may be repeated')
    parser.add_argument('--list', action='store_true', help='all faults')
    parser.add_argument('--table', action='store_true', help='at the end, all of it as a table in Markdown')
    parser.add_argument('--json', help='a file for the figures')
    parser.add_argument('--verbose', action='store_true')
    choices = parser.parse_args()
    choices.rate = choices.rate or (1000 if choices.watch else 4000)
    choices.wanted = [name for name in FAULTS if not choices.only or any(part in name for part in choices.only)]
    if not choices.wanted:
        parser.error(f'there is no such fault, but {"; ".join(FAULTS)}')
    choices.detection = failover_peer.DETECTION[choices.pace] if choices.peer else DETECTION[choices.pace]
    if choices.peer and (choices.watch or choices.share):
        parser.error(f'{choices.peer} does not say who works on what: no --watch or --share with --peer')
    if choices.traffic == 'group':
        choices.wanted = [name for name in choices.wanted if not FAULTS[name].what.startswith('halves')]
        if not choices.wanted:
            parser.error('no halves with --traffic group: its far gateway is with one of them alone')
    choices.opt = [f'{name}={getattr(choices, name)}' for name in ('program', 'pace', 'method', 'workers', 'traffic')]
    return choices


def main():
    choices = arguments()
    if choices.list:
        print('\n'.join(choices.wanted))
        return
    choices.work = os.path.join(ROOT, '.build/failover')
    os.makedirs(choices.work, exist_ok=True)
    sys.dont_write_bytecode = True
    kit = load(os.path.join(choices.kit, 'lab.py'), 'failover_lab')
    held = kit.lock()
    kit.BIN = kit.build(choices.work)
    since, lines, isBroken = time.monotonic(), [], False
    try:
        if choices.peer:
            lines = failover_peer.run(kit, choices, repeat, load)
        else:
            lines, isBroken = ours(kit, choices)
    finally:
        kit.down()
        held.close()
    if choices.json:
        with open(choices.json, 'w') as file:
            json.dump(lines, file, indent=1)
    if choices.table:
        print(failover_report.table(lines, choices, time.monotonic() - since))
    sys.exit(1 if isBroken else 0)


def ours(kit, choices):
    """The figures, and whether something does not hold."""
    driver = load(os.path.join(HERE, 'failover_driver.py'), 'failover_driver')
    driver.watcher = Watcher()
    if choices.share:
        found = failover_share.run(kit, driver, choices, choices.detection / 2)
        return [found], bool(found.get('words'))
    lab = Lab(kit, driver.watcher, choices.detection)
    lab.lossOf = choices.loss_of
    if choices.watch:
        found = watch(kit, driver, choices, lab)
        return [found], bool(found['takeovers'] or found['twice'] or found['contested'])
    who = f'{choices.members} members, {choices.pace} pace, {choices.traffic} traffic'
    print(failover_report.head(choices, who))
    lines = [repeat(kit, driver, choices, name, FAULTS[name], lab) for name in choices.wanted]
    foot, isBroken = failover_report.foot([line for line in lines if line], choices.pace, choices.loss)
    print(foot)
    return lines, isBroken


main()
