"""What operators do with a gateway that runs: look at packets, let it end without loss, give it signed files alone."""

import json
import os
import subprocess
import time

from lab_wires import Failure, HOSTS
from renewal import Stream
from vanish import log, passes


def command(lab, side, *words):
    """A program that speaks with the gateway, started."""
    return subprocess.Popen([lab.gateways.program, *words, '--control', lab.gateways.socket(side)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def traced(lab):
    """Who asks for packets is told of those and no others, one client at a time."""
    if None in (passes(lab), passes(lab, family=1)):
        yield 'no packet passes'
        return
    asked = command(lab, 'a', 'trace', '--count', '6', '--protocol', 'icmp', '--seconds', '5', '--json')
    time.sleep(0.3)
    other = command(lab, 'a', 'trace', '--count', '1')
    _, words = other.communicate(timeout=10)
    if other.returncode == 0 or 'somebody traces already' not in words:
        yield f'a second trace ends with {other.returncode}: {words}'
    for family in (1, 0):
        passes(lab, family=family)
    with Stream(lab):
        out, words = asked.communicate(timeout=10)
    stories = [json.loads(line) for line in out.splitlines()]
    if asked.returncode != 0 or [story['number'] for story in stories] != list(range(1, 7)):
        yield f'the trace ends with {asked.returncode} and {len(stories)} packets: {words}'
    for story in stories:
        came, left = story['came'], story['left']
        inner = came if story['origin'] == 'inside' else left
        if inner['protocol'] != 'ICMP' or {inner['source'], inner['destination']} != {'10.1.0.2', HOSTS['b'][0]}:
            yield f'this was not asked for: {story}'
            break
        if story['origin'] == 'inside' and (story['fate'] == 'dropped' or story['exit'] is None or left['spi'] is None):
            yield f'a packet that was sealed is told otherwise: {story}'
            break
    none = command(lab, 'a', 'trace', '--count', '5', '--from', '10.99.0.0/16', '--seconds', '1', '--json')
    with Stream(lab):
        out, words = none.communicate(timeout=10)
    if none.returncode != 0 or out:
        yield f'packets from nowhere were told: {out} {words}'
    if (lab.method, lab.workers) == ('packet', 1):
        yield from left_alone(lab)


def left_alone(lab):
    """A client that goes away without a word: the next one has its turn, soon."""
    lost = command(lab, 'a', 'trace', '--count', '1000')
    time.sleep(0.3)
    lost.kill()
    lost.communicate()
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        again = command(lab, 'a', 'trace', '--count', '1', '--seconds', '1')
        _, words = again.communicate(timeout=10)
        if again.returncode == 0:
            break
        time.sleep(0.3)
    else:
        yield f'a client that has gone keeps the trace: {words}'


def drained(lab):
    """Under traffic: everything that was taken is finished, what comes meanwhile is refused and counted."""
    process = lab.gateways.processes['a']
    with Stream(lab, patience=0.2):
        time.sleep(0.2)
        since = time.monotonic()
        asked = command(lab, 'a', 'drain', '--json')
        out, words = asked.communicate(timeout=30)
        lab.note(f'{(time.monotonic() - since) * 1000:.0f} ms')
    code = process.wait(timeout=10)
    answer = json.loads(out) if asked.returncode == 0 else {}
    if code != 0 or not answer.get('done') or answer.get('lostDatagrams') or answer.get('heldNow'):
        yield f'drain ends with {asked.returncode}, the gateway with {code}: {out} {words}'
    if 'draining' not in log(lab, 'a') or 'drained' not in log(lab, 'a'):
        yield f'the log says nothing of it: {log(lab, "a").splitlines()[-3:]}'
    lab.gateways.processes.pop('a')
    lab.gateways.marks['a'] = os.path.getsize(lab.gateways.path('a.log'))
    lab.gateways.start('a', begin=False)
    if passes(lab) is None:
        yield 'no packet passes after a new start'


def signed(lab):
    """With trusted keys: a file that was changed is refused at a start and at a reload, and a signed one taken."""
    gateways, key, trusted = lab.gateways, lab.gateways.path('key.pem'), lab.gateways.path('trust.pem')
    try:
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', key], check=True, capture_output=True)
        subprocess.run(['openssl', 'pkey', '-in', key, '-pubout', '-out', trusted], check=True, capture_output=True)
    except FileNotFoundError:
        lab.note('no openssl to make keys')
        return
    file = gateways.configuration('a')
    gateways.stop('a')
    try:
        gateways.start('a', begin=False, options=['--trust', trusted])
        yield 'a file without a signature was taken'
        return
    except Failure as failure:
        if gateways.processes.pop('a').wait(timeout=10) != 10 or 'is not signed' not in str(failure):
            yield f'a file without a signature is refused otherwise: {failure}'
    subprocess.run([gateways.program, 'sign', file, '--key', key], check=True, capture_output=True)
    gateways.start('a', begin=False, options=['--trust', trusted])
    gateways.ask('a', 'reload')
    with open(file, 'a') as text:
        text.write('\n')
    asked = command(lab, 'a', 'reload')
    _, words = asked.communicate(timeout=10)
    if asked.returncode != 10 or 'nothing has changed' not in words:
        yield f'a reload of a changed file ends with {asked.returncode}: {words}'
    if passes(lab) is None:
        yield 'no packet passes after a refused reload'
    subprocess.run([gateways.program, 'sign', file, '--key', key], check=True, capture_output=True)
    gateways.ask('a', 'reload')
    if any('refused' in line for line in gateways.ask('a', 'status')['warnings']):
        yield 'a reload that was refused is warned of after a good one'
    os.unlink(file + '.sig')
    gateways.stop('a')
    gateways.save('a')
    gateways.start('a', begin=False)


CASES = [traced, drained, signed]
