"""Rules of the cluster that are left out of its code, one at a time, to see that the simulation finds it out.

    mutations.py CHECKOUT [--seeds N] [RULE...]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

CLUSTER = 'Sources/Control/Cluster/'
# By name: the rule, and what becomes of the lines that make it: by file, what stands there once, and what comes in its place.
RULES = {
    'fencing': (
        'nobody works without a lease (X17)',
        ('ClusterUnit+Work.swift', '    leaseUntil = moment\n    direct(.lease(until: moment))\n',
         '    leaseUntil = moment + .second\n    direct(.lease(until: moment + .second))\n')),
    'stamp': (
        'a lease counts from the question, not from the answer',
        ('ClusterUnit+Client.swift', '      extendLease(until: entry.echo + profile.clientLease)',
         '      extendLease(until: now + profile.clientLease)')),
    'phases': (
        'the old owner has stopped before the new one begins (X17)',
        ('Assignment.swift', '    table[set] = OwnershipEntry(state: .pending, member: other)\n    isChanged = true\n  }\n',
         '    give(set, to: other)\n    isChanged = true\n  }\n')),
    'term': (
        'a table of an earlier term or version is refused (X12)',
        ('ClusterUnit+Client.swift',
         'guard isMaster, from.term >= term, from.term > term || table.version >= client.tableKnown else { return }',
         'guard isMaster else { return }'),
        ('ClusterUnit+Work.swift', '    guard table.isNewer(than: holdings.table) else { return }\n', '')),
    'collecting': (
        'a new master deals when all have said what they run, or lost their leases',
        ('ClusterUnit+Dealing.swift', '      guard master.members.allSatisfy(\\.hasReported) else { return }\n', '')),
    'early': (
        'nobody follows a master whose workers still answer (X19)',
        ('ClusterUnit+Succession.swift', '      answeredAt.age(at: now) >= profile.succession, client.heardAt',
         '      answeredAt <= now, client.heardAt')),
}


class Trouble(Exception):
    pass


def copy(checkout, house):
    """All that git knows or would know; what is there already and the same keeps its time, and is not built again."""
    names = subprocess.run(['git', '-C', checkout, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                           capture_output=True, text=True, check=True).stdout.split('\0')
    for name in filter(None, names):
        source, target = os.path.join(checkout, name), os.path.join(house, name)
        if not os.path.isfile(source):
            continue
        with open(source, 'rb') as file:
            octets = file.read()
        if os.path.isfile(target):
            with open(target, 'rb') as file:
                if file.read() == octets:
                    continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


def build(house):
    done = subprocess.run(['swift', 'build', '--package-path', house, '--product', 'hauberk'], capture_output=True, text=True)
    if done.returncode != 0:
        raise Trouble(f'it does not build:\n{(done.stdout + done.stderr)[-2000:]}')


def simulate(house, seeds):
    """How many fail, and which is the first."""
    program = os.path.join(house, '.build/debug/hauberk')
    half = seeds // 2
    parts = [subprocess.Popen([program, 'simulate', '--seeds', f'{first}-{last}'], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
             for first, last in ((1, half), (half + 1, seeds))]
    failed = [int(number) for part in parts for number in re.findall(r'^seed (\d+):', part.communicate()[0], re.M)]
    if not failed and any(part.returncode not in (0, 10) for part in parts):
        raise Trouble('the simulation did not come to its end')
    return sorted(failed)


def leave_out(house, name, seeds):
    kept = {}
    try:
        for file, old, new in RULES[name][1:]:
            path = os.path.join(house, CLUSTER, file)
            with open(path) as source:
                text = source.read()
            kept.setdefault(path, text)
            if text.count(old) != 1:
                raise Trouble(f'what makes "{name}" is not in {CLUSTER}{file} any more: tools/lib/mutations.py has to follow')
            with open(path, 'w') as source:
                source.write(text.replace(old, new))
        build(house)
        return simulate(house, seeds)
    finally:
        for path, text in kept.items():
            with open(path, 'w') as source:
                source.write(text)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('checkout')
    parser.add_argument('--seeds', type=int, default=400)
    parser.add_argument('rules', nargs='*')
    words = parser.parse_args()
    chosen = words.rules or list(RULES)
    unknown = [name for name in chosen if name not in RULES]
    if unknown or words.seeds < 2:
        print(f'usage: tools/mutations [--seeds N] [{"|".join(RULES)}]...', file=sys.stderr)
        return 64
    house = os.path.join(words.checkout, '.build/mutations/house')
    copy(words.checkout, house)
    status = 0
    try:
        build(house)
        failed = simulate(house, words.seeds)
        if failed:
            raise Trouble(f'{len(failed)} of {words.seeds} seeds fail with every rule in place')
        print(f'whole: {words.seeds} seeds held', flush=True)
        for name in chosen:
            failed = leave_out(house, name, words.seeds)
            first = ', '.join(str(seed) for seed in failed[:3])
            print(f'{name}: {RULES[name][0]}: left out, {len(failed)} of {words.seeds} seeds fail'
                  f'{", the first are " + first if failed else ": nobody noticed"}', flush=True)
            status = status or (0 if failed else 1)
    except Trouble as trouble:
        print(f'tools/mutations: {trouble}', file=sys.stderr)
        return 1
    return status


if __name__ == '__main__':
    sys.exit(main())
