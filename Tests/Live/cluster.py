"""Three members between two bridges: what has to hold while they come and go. Called by tools/test.

    cluster.py PROGRAM [xdp|packet] [CASE...]

A stream of UDP probes runs from one host to the other through the cluster, and each case says what may be lost of it.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
import time

from trials import PATIENCE, Trial, brief, clean, dies, main

from cluster_members import identify
from cluster_wires import HOST, HOSTS, address


def forms(trial):
    """All share the work, and nothing is lost while nothing happens."""
    trial.members.start_all()
    master, shares = trial.members.settle(trial.wires.numbers)
    trial.notes.append(f'shares {sorted(shares.values())}')
    stream = trial.during(1, lambda: None)
    yield from clean(stream)
    works = [number for number in trial.wires.numbers if not trial.members.show(number)['isFenced']]
    if len(works) != 3:
        yield f'only {works} have a lease'
    if master['term'] < 1:
        yield 'the master has no term'


def client_dies(trial):
    yield from dies(trial, trial.client())


def master_dies(trial):
    yield from dies(trial, trial.master())


def stands_still(trial):
    """SIGSTOP for longer than any lease: when it goes on, it works on nothing that is others' by now."""
    victim = trial.client()

    def pause():
        trial.members.tell(victim, signal.SIGSTOP)
        time.sleep(1)
        trial.members.tell(victim, signal.SIGCONT)

    stream = trial.during(2, pause)
    trial.notes.append(brief(stream))
    yield from clean(stream, len(stream.sent))
    if stream.outage()[0] > PATIENCE:
        yield f'a flow was away for {stream.outage()[0] * 1000:.0f} ms'
    trial.members.settle(trial.wires.numbers)


def drains(trial):
    """A member that is told to end gives its work away first, and is given some when it is back: nothing is lost."""
    victim, codes = trial.client(), []
    stream = trial.during(1, lambda: codes.append(trial.members.end(victim)))
    trial.notes.append(brief(stream))
    yield from clean(stream)
    if codes != [0]:
        yield f'it ended with code {codes}'
    trial.members.settle(trial.others(victim))
    stream = trial.during(1, lambda: trial.bring_back(victim))
    trial.notes.append(f'back: {brief(stream)}')
    yield from clean(stream)
    yield from knows_neighbours(trial, victim)


def knows_neighbours(trial, number):
    """Who is new knows from the others whom they send to: nothing passes meanwhile."""
    trial.members.end(number)
    trial.bring_back(number)
    rows = trial.members.show(number, 'neighbours')['rows']
    if not any(row['address'] == address('outside', HOST) and row['mac'] for row in rows):
        yield f'unit {number} does not know the host outside: {rows}'


def stranger(trial):
    """Whom another authority vouches for does not come in, and nobody else minds."""
    victim = trial.client()
    trial.members.end(victim)
    folder, own = trial.wires.folder, trial.members.addresses[victim]
    other = os.path.join(folder, 'other')
    identify(trial.members.program, 'authority', '--cluster', 'lab', '--out', other)
    identify(trial.members.program, 'unit', '--authority', other, '--number', str(victim), '--address', own[0],
             '--address', own[1], '--out', os.path.join(folder, 'forged.pem'))
    path = trial.members.path(victim, 'yaml')
    with open(path) as file:
        honest = file.read()
    forged = honest.replace(f'/unit{victim}.', '/forged.').replace('/authority/', '/other/')
    with open(path, 'w') as file:
        file.write(forged)
    trial.members.settle(trial.others(victim))
    stream = trial.during(2, lambda: trial.members.start(victim))
    yield from clean(stream)
    look = trial.members.show(victim)
    if not look or look['role'] not in ('joining', 'offering') or not look['isFenced']:
        yield f'the stranger is {look and look["role"]}'
    if not any(f'unit {victim} is not believed' in trial.members.last_words(other, 20)
               for other in trial.others(victim)):
        yield 'nobody says why it is not let in'
    trial.members.kill(victim)
    with open(path, 'w') as file:
        file.write(honest)
    trial.bring_back(victim)


def drowned(trial):
    """Frames in the master's name, thousands a second on either side: every word of its own is heard all the same."""
    victim, members = trial.master(), trial.members
    listener = trial.others(victim)[0]
    term = members.show(victim)['term']

    def heard():
        """How many words the listener believes in three seconds, of any unit's: all but few are the master's."""
        before = members.show(listener)['passed']
        time.sleep(3)
        return members.show(listener)['passed'] - before

    calm, forgers, counts = heard(), [], []

    def begin():
        for place, side in HOSTS:
            forgers.append(subprocess.Popen(
                ['ip', 'netns', 'exec', trial.wires.namespace(place), sys.executable,
                 os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drown.py'), side, str(victim), str(FORGED)],
                stdout=subprocess.PIPE, text=True))
        time.sleep(1)
        counts.append(heard())

    try:
        stream = trial.during(0.5, begin)
    finally:
        for forger in forgers:
            forger.terminate()
        written = sum(int(forger.communicate(timeout=10)[0] or 0) for forger in forgers)
    trial.notes.append(f'{written} forged, {counts[0]} words believed, and {calm} before; {brief(stream)}')
    yield from clean(stream, len(stream.sent) // 100)
    if written < FORGED:
        yield f'no more than {written} frames were forged'
    if counts[0] < calm * 9 // 10:
        yield f'{counts[0]} words were believed, where {calm} are said'
    master, _ = members.settle(trial.wires.numbers)
    if master['unit'] != victim or master['term'] != term:
        yield f'unit {victim} was master, of term {term}; now {master["unit"]} is, of {master["term"]}'


def revoked(trial):
    """A master whose certificate is taken back leaves, and loses nothing where it hears of that first. Who has not heard
    of it, and asks to be let in, hears it from the others."""
    victim, members = trial.master(), trial.members
    authority = os.path.join(trial.wires.folder, 'authority')
    shutil.copytree(authority, authority + '.before')
    identify(members.program, 'revoke', '--authority', authority, '--number', str(victim))

    def reload():
        for number in [victim, *trial.others(victim)]:
            members.tell(number, signal.SIGHUP)
            time.sleep(1.5)

    stream = trial.during(0.5, reload)
    trial.notes.append(brief(stream))
    yield from clean(stream)
    members.settle(trial.others(victim))
    look = members.show(victim)
    if not look or look['role'] != 'outside' or not look['isFenced']:
        yield f'it is {look and look["role"]}'
    yield from hears_why(trial, victim)
    inside, outside = members.addresses[victim]
    for kind in ('pem', 'key'):
        os.remove(os.path.join(trial.wires.folder, f'unit{victim}.{kind}'))
    identify(members.program, 'unit', '--authority', authority, '--number', str(victim), '--address', inside,
             '--address', outside, '--out', os.path.join(trial.wires.folder, f'unit{victim}.pem'))
    members.kill(victim)
    trial.bring_back(victim)


def hears_why(trial, victim):
    path = trial.members.path(victim, 'yaml')
    with open(path) as file:
        honest = file.read()
    trial.members.kill(victim)
    with open(path, 'w') as file:
        file.write(honest.replace('/authority/', '/authority.before/'))
    trial.members.start(victim)
    # Others may have complained a moment ago, and do so once in ten seconds.
    deadline = time.monotonic() + 12
    while 'does not believe this one' not in trial.members.last_words(victim, 20):
        if time.monotonic() > deadline:
            yield f'it does not hear why it is not let in: {trial.members.last_words(victim, 20)}'
            break
        time.sleep(0.2)
    with open(path, 'w') as file:
        file.write(honest)


# A second, by each of two who do it. Ten times a unit's whole share of verifications.
FORGED = 10000

CASES = [forms, client_dies, master_dies, stands_still, drains, stranger, drowned, revoked]


if __name__ == '__main__':
    main('cluster', CASES, functools.partial(Trial, 'cluster'))
