"""A cluster in a lab: what tools/lab says and does for --members."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time

from cluster_members import Members
from cluster_wires import HOST, ClusterWires, address
from lab_wires import Failure, born

RATE, FLOWS = 1000, 32


def up(program, choices, say):
    if not 2 <= choices.members <= 8:
        raise Failure(f'a cluster in a lab has 2 to 8 members, and not {choices.members}')
    wires = ClusterWires.make(choices.name, choices.workers, kind='cluster', members=choices.members)
    try:
        members = Members(program, wires, choices.method, choices.pace, choices.workers)
        since = time.monotonic()
        members.start_all()
        master, shares = members.settle(wires.numbers, 30)
        say(f'{len(shares)} members share the work after {time.monotonic() - since:.1f} s; unit {master["unit"]} is master')
        remember(wires, members)
        done = wires.run('hostA', 'ping', '-n', '-i', '0.01', '-c', '50', '-W', '2', address('outside', HOST))
        say('host A pings host B: ' + '; '.join(line for line in done.stdout.splitlines() if 'packet loss' in line))
        print(subprocess.run([program, 'show', 'members', '--control', members.path(1, 'sock')], capture_output=True,
                             text=True).stdout, flush=True)
        me = 'tools/lab' if choices.name == 'lab' else f'tools/lab --name {choices.name}'
        say(f'it stays up. Its folder is {wires.folder}: configurations, logs, control sockets')
        for words in ['traffic                 # in another terminal: probes, and what is lost of them',
                      'member 1 kill', 'member 1 start', 'member 2 stop', 'member 2 continue', 'member 3 drain',
                      'member 2 status         # the cluster as it sees it; `work` is a map of all work sets',
                      'exec hostA ping ' + address('outside', HOST), 'down']:
            say(f'    {me} {words}')
    except BaseException:
        wires.remove()
        raise


def remember(wires, members):
    wires.record['program'] = members.program
    wires.record['members of'] = {str(number): [process.pid, born(process.pid)]
                                  for number, process in members.processes.items()}
    wires.save()


def member(wires, words):
    """What happens to one member."""
    if len(words) < 2 or not words[0].isdigit() or int(words[0]) not in wires.numbers:
        raise Failure('expected a member and a verb: tools/lab member 1 kill|stop|continue|drain|start|status')
    number, verb, more = int(words[0]), words[1], words[2:]
    program, folder = wires.record['program'], wires.folder
    socket_path = f'{folder}/member{number}.sock'
    if verb in ('status', 'work', 'members'):
        what = 'cluster' if verb == 'status' else verb
        return subprocess.run([program, 'show', what, '--control', socket_path, *more], check=False).returncode
    if verb == 'drain':
        return subprocess.run([program, 'drain', '--control', socket_path], check=False).returncode
    pid, since = wires.record['members of'][str(number)]
    lives = since is not None and born(pid) == since
    if verb == 'start':
        if lives:
            raise Failure(f'member {number} runs')
        with open(f'{folder}/member{number}.log', 'a') as log:
            process = wires.start(f'member{number}', program, 'run', f'{folder}/member{number}.yaml', stdout=log,
                                  stderr=log)
        wires.record['members of'][str(number)] = [process.pid, born(process.pid)]
        wires.save()
        return 0
    numbers = {'kill': signal.SIGKILL, 'stop': signal.SIGSTOP, 'continue': signal.SIGCONT}
    if verb not in numbers:
        raise Failure(f'there is no {verb!r}: kill, stop, continue, drain, start, status, work')
    if not lives:
        raise Failure(f'member {number} does not run: tools/lab member {number} start')
    os.kill(pid, numbers[verb])
    return 0


def traffic(wires):
    """Until somebody ends it: a line for each second."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    child = os.fork()
    if child == 0:
        enter(wires.namespace('hostB'))
        listen(receiver)
    try:
        enter(wires.namespace('hostA'))
        send(sender)
    except KeyboardInterrupt:
        pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return 0


def enter(namespace):
    import ctypes
    with open(f'/run/netns/{namespace}') as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0) != 0:
            raise Failure(f'cannot enter {namespace}: {os.strerror(ctypes.get_errno())}')


def listen(back):
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((address('outside', HOST), 9000))
    while True:
        back.send(sink.recv(64))


def send(back):
    back.setblocking(False)
    sources = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
    time.sleep(0.2)
    begin, number, came = time.monotonic(), 0, {}
    print('second   sent  lost  twice  longest outage of a flow', flush=True)
    second = 0
    while True:
        wait = begin + number / RATE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sources[number % FLOWS].sendto(struct.pack('!I', number), (address('outside', HOST), 9000))
        number += 1
        if number % RATE == 0:
            collect(back, came)
            # What was sent a moment ago may be on its way: each second is judged a second later.
            if second > 0:
                tell(second, came)
            second += 1


def collect(back, came):
    while True:
        try:
            found, = struct.unpack('!I', back.recv(64))
        except BlockingIOError:
            return
        came[found] = came.get(found, 0) + 1


def tell(second, came):
    first = (second - 1) * RATE
    lost = [number for number in range(first, first + RATE) if number not in came]
    twice = sum(came.pop(number, 1) - 1 for number in range(first, first + RATE))
    longest = 0
    for flow in range(FLOWS):
        run = 0
        for number in range(first + (flow - first) % FLOWS, first + RATE, FLOWS):
            run = run + 1 if number in set(lost) else 0
            longest = max(longest, run)
    outage = f'{longest * FLOWS * 1000 // RATE} ms' if longest else '-'
    print(f'{second:6} {RATE:6} {len(lost):5} {twice:6}  {outage}', flush=True)
