"""One member that is alone among quiet hosts: it hears that it hears, and works. Called by tools/test.

    alone.py PROGRAM [xdp|packet] [CASE...]

Nobody else speaks on these segments but hosts that send once a second, by IPv6 alone or by IPv4.
"""

import functools
import signal
import socket
import time

from trials import Trial, main

from cluster_wires import HOST, address, address6
from world import inside

# Seconds; a cluster begins within one of them, once it hears somebody, and hosts ask once a second where it is.
MOST = 4


def passes(trial, name, seconds):
    """Whether a datagram a second comes through the cluster within so many; and after how many seconds."""
    family = socket.AF_INET6 if name is address6 else socket.AF_INET
    with inside(trial.wires.namespace('hostB')):
        sink = socket.socket(family, socket.SOCK_DGRAM)
    with inside(trial.wires.namespace('hostA')):
        source = socket.socket(family, socket.SOCK_DGRAM)
    try:
        to = name('outside', HOST), 9000
        sink.bind(to)
        sink.settimeout(1)
        begin = time.monotonic()
        while time.monotonic() < begin + seconds:
            source.sendto(b'once a second', to)
            try:
                sink.recv(64)
                return time.monotonic() - begin
            except TimeoutError:
                continue
        return None
    finally:
        sink.close()
        source.close()


def comes_through(trial, name, seconds):
    family = 'IPv6' if name is address6 else 'IPv4'
    after = passes(trial, name, seconds)
    if after is None:
        yield f'{family}: nothing came through in {seconds} s'
    else:
        trial.notes.append(f'{family} after {after * 1000:.0f} ms')


def forms(trial):
    """Three members, which learn hosts of IPv6 alone."""
    trial.members.start_all()
    trial.members.settle(trial.wires.numbers)
    yield from comes_through(trial, address6, MOST)


def is_left(trial):
    """The others die, and the hosts say nothing: it asks those that it knows, or has been told of, and stays."""
    master = trial.master()
    for number in trial.others(master):
        trial.members.tell(number, signal.SIGKILL)
    time.sleep(2)
    shown = trial.members.show(master)
    if shown['isFenced'] or shown['unit'] != master:
        yield f'it has left: {trial.members.last_words(master)}'
    yield from comes_through(trial, address6, 1)


def begins(trial, name):
    """The first to be started, before the others: who asks where the cluster is can be asked, too."""
    for number in trial.wires.numbers:
        if trial.members.processes[number].poll() is None:
            trial.members.kill(number)
    trial.members.start(1)
    time.sleep(1)
    if not trial.members.show(1)['isFenced']:
        yield 'it works before anybody was heard'
    yield from comes_through(trial, name, MOST)


def begins_by_ipv4(trial):
    yield from begins(trial, address)


def begins_by_ipv6(trial):
    yield from begins(trial, address6)


CASES = [forms, is_left, begins_by_ipv4, begins_by_ipv6]


if __name__ == '__main__':
    main('alone', CASES, functools.partial(Trial, 'alone', isDual=True))
