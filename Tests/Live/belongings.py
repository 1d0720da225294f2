"""What a process holds, as the kernel tells it."""

import collections
import os
import re
import time


def resident(pid):
    with open(f'/proc/{pid}/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def mapped(pid):
    """KiB of address space, without what is only reserved for threads' heaps."""
    with open(f'/proc/{pid}/status') as file:
        return int(next(line for line in file if line.startswith('VmSize')).split()[1])


def belongings(pid):
    """How many descriptors of each kind, and how many threads."""
    kinds = collections.Counter()
    for name in os.listdir(f'/proc/{pid}/fd'):
        try:
            target = os.readlink(f'/proc/{pid}/fd/{name}')
        except FileNotFoundError:
            continue
        kinds[re.sub(r':\[\d+\]$', '', target)] += 1
    kinds['threads'] = len(os.listdir(f'/proc/{pid}/task'))
    return kinds


def grown(pid, before, patience=2.0):
    """What there is more or less of than there was, as a sentence; nothing where it is the same. A client of the
    control socket who has just gone has a descriptor until the gateway finds that he has, so this waits a little."""
    deadline = time.monotonic() + patience
    while (now := belongings(pid)) != before:
        if time.monotonic() > deadline:
            return ', '.join(f'{before[kind]} {kind} before and {now[kind]} now'
                             for kind in sorted({*before, *now}) if before[kind] != now[kind])
        time.sleep(0.05)
    return ''


def settled(pid, calm=0.3, patience=3.0):
    """What it holds when that has not changed for a while."""
    before, deadline = belongings(pid), time.monotonic() + patience
    since = time.monotonic()
    while time.monotonic() < min(since + calm, deadline):
        time.sleep(0.05)
        if (now := belongings(pid)) != before:
            before, since = now, time.monotonic()
    return before
