"""`hauberk lab` as a newcomer runs it: what it tells of a member's death, and that nothing of it stays. Called by tools/test.

    lab.py PROGRAM [CASE...]
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time

from trials import Tally, need

NAME = 'live'
RECORDS = '/run/hauberk-labs'
# Promised are 200 ms, and this machine has two cores for all members.
PATIENCE = 400
ORDERED = 60


def lab(*words, **more):
    return subprocess.Popen([program, 'lab', '--name', NAME, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True, **more)


def finished(process, said=''):
    try:
        output, error = process.communicate(said, timeout=ORDERED)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, output, error


def namespaces():
    listed = os.listdir('/run/netns') if os.path.isdir('/run/netns') else []
    return [name for name in listed if name.startswith(f'hauberk-{NAME}-')]


def members():
    """Processes that run a configuration of this lab."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                if f'{RECORDS}/{NAME}/member'.encode() in file.read():
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def remains():
    """Sentences of what a lab has left."""
    if namespaces():
        yield f'namespaces stay: {namespaces()}'
    if members():
        yield f'processes stay: {members()}'
    for path in (f'{RECORDS}/{NAME}', f'{RECORDS}/{NAME}.record'):
        if os.path.exists(path):
            yield f'{path} stays'


def master_dies():
    """The share of a killed master is back in time, nobody else's goes, and in the end nothing is left."""
    code, output, error = finished(lab('--members', '3', '--seconds', '7', '--json', '--do', 'at 2 kill master'))
    if code != 0:
        yield f'it ended with {code}: {error.strip()}'
        return
    lines = [json.loads(line) for line in output.splitlines()]
    total, seconds = lines[-1], lines[:-1]
    order = total['orders'][0]
    notes.append(f'{total["sent"]} probes, {order["lost"]} lost in {order["flowsHit"]} flows, away for '
                 f'{order["outageMilliseconds"]:.0f} ms at most')
    if total['kind'] != 'summary' or len(seconds) != 7 or order['order'] != 'kill master':
        yield f'the lines are {len(seconds)} seconds and {total}'
    if total['twice']:
        yield f'{total["twice"]} probes came twice'
    if order['outageMilliseconds'] > PATIENCE:
        yield f'a flow was away for {order["outageMilliseconds"]:.0f} ms'
    # A third of 2000 a second, for as long as an outage may be.
    if order['lost'] > PATIENCE * 2000 // 1000 * 2 // 3:
        yield f'{order["lost"]} probes were lost, which is more than the share of one of three'
    if seconds[0]['lost']:
        yield f'{seconds[0]["lost"]} probes were lost before anything was done'
    if [each['state'] for each in seconds[-1]['members']].count('killed') != 1:
        yield f'the members are {seconds[-1]["members"]}'
    yield from remains()


def orders():
    """Orders come as lines; what cannot be done gets a sentence, and the end of the input is the end."""
    process = lab('--members', '2')
    said = 'start 1\ncut 2 inside\nmend 2\nstop 1\ncontinue 1\nfly 1\ndrain 2\nquit\n'
    code, output, error = finished(process, said)
    if code != 0:
        yield f'it ended with {code}: {error.strip()}'
    for sentence in ('start 1: member 1 is running', 'the inside cable of member 2 is pulled', 'is plugged in again',
                     'stands still', 'goes on', "there is no 'fly'", 'gives its work away'):
        if sentence not in output.replace('member 2, the master,', 'member 2').replace('2,', '2'):
            yield f'nobody said {sentence!r}: {output}'
    yield from remains()


def killed():
    """After kill -9 of a lab its members go with it, and the next lab takes away the rest."""
    process = lab('--members', '2')
    until(lambda: len(members()) >= 2 and os.path.exists(f'{RECORDS}/{NAME}/member2.sock'))
    process.kill()
    process.communicate()
    if not namespaces():
        yield 'there was nothing to be taken away'
    until(lambda: not members())
    code, output, error = finished(lab('--members', '2', '--seconds', '1'))
    if code != 0 or 'took away what a lab' not in error:
        yield f'the next one ended with {code}: {error.strip()}'
    yield from remains()


def signalled():
    """A signal ends it, while it builds and when it is up, and it takes away what there is."""
    for number, moment in [(signal.SIGTERM, lambda: namespaces()), (signal.SIGHUP, lambda: len(members()) == 2),
                           (signal.SIGINT, lambda: os.path.exists(f'{RECORDS}/{NAME}/member2.sock'))]:
        process = lab('--members', '2')
        until(moment)
        process.send_signal(number)
        code, _, error = finished(process)
        if code != 8:
            yield f'signal {number} ended it with {code}: {error.strip()}'
        yield from remains()


def second():
    """Of one name there is one; and a lab that cannot be built leaves nothing."""
    process = lab('--members', '2')
    until(lambda: os.path.exists(f'{RECORDS}/{NAME}.record') and namespaces())
    code, _, error = finished(lab('--members', '2'))
    if code != 7 or f'is up already: it is process {process.pid}' not in error:
        yield f'the second ended with {code}: {error.strip()}'
    finished(process, 'quit\n')
    yield from remains()
    foreign = f'hauberk-{NAME}-hostB'
    subprocess.run(['ip', 'netns', 'add', foreign], check=True)
    try:
        code, _, error = finished(lab('--members', '2'))
        if code != 7 or foreign not in error or namespaces() != [foreign]:
            yield f'beside a namespace of somebody else it ended with {code}: {error.strip()}, {namespaces()}'
    finally:
        subprocess.run(['ip', 'netns', 'del', foreign], check=True)
    yield from remains()


def screen():
    """On a terminal there is a screen, keys are orders, and the terminal is given back as it was."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(NO_COLOR='1')
        os.execv(program, [program, 'lab', '--name', NAME, '--members', '2'])
    seen = b''

    def shows(text):
        nonlocal seen
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            pass
        return text in seen

    until(lambda: shows(b'all work sets') or shows(b'a work set'))
    os.write(terminal, b'kilx\x7fl 1\r')
    until(lambda: shows(b'is killed: it has told nobody'))
    os.write(terminal, b'quit\r')
    until(lambda: shows(b'everything it made is taken away'))
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    if status != 0:
        yield f'it ended with {os.waitstatus_to_exitcode(status)}'
    if b'\x1b[?1049l' not in seen or b'kill 1' not in seen[seen.rindex(b'\x1b[?1049l'):]:
        yield 'the terminal was not given back, or the sum is not on it'
    yield from remains()


def until(holds, patience=40.0):
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f'not within {patience:.0f} s')
        time.sleep(0.02)


CASES = [master_dies, orders, killed, signalled, second, screen]
program, notes = os.path.abspath(sys.argv[1]), []


def main():
    wanted, tally = sys.argv[2:], Tally()
    need()
    for case in CASES:
        if not wanted or case.__name__ in wanted:
            tally.run(f'lab: {case.__name__}', case, notes)
    tally.end()


if __name__ == '__main__':
    main()
