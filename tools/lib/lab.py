"""The command behind tools/lab. Arguments: the program, then up, exec, status or down and what belongs to it."""

import argparse
import os
import subprocess
import sys

# What a test of clusters has left goes by `down`, too.
import cluster_wires  # noqa: F401
from lab_gateways import Gateways, Wishes
from lab_wires import Failure, HOSTS, Wires, command

PING = ['ping', '-n', '-i', '0.01', '-c', '20', '-W', '2']


def say(line):
    print(f'lab: {line}', flush=True)


def up(program, choices):
    wires = Wires.make(choices.name, choices.workers)
    try:
        gateways = Gateways(program, wires)
        gateways.write(Wishes(choices.method, choices.workers, choices.group, choices.suite))
        for side in 'ab':
            milliseconds = gateways.start(side)
            say(f'gateway {side.upper()} answers {milliseconds:.0f} ms after its start')
        for near, far in [('a', 'b'), ('b', 'a')]:
            for address in wires.host_addresses(far):
                ping(wires, near, address)
        show(gateways, 'a')
        helps(choices.name, wires)
    except BaseException:
        wires.remove()
        raise


def ping(wires, near, address):
    done = wires.run(f'host{near.upper()}', *PING, address)
    summary = [line for line in done.stdout.splitlines() if 'packet loss' in line or line.startswith('rtt')]
    if done.returncode != 0 or ' 0% packet loss' not in done.stdout:
        raise Failure(f'host {near.upper()} cannot ping {address}: {" ".join(summary) or done.stderr.strip()}')
    say(f'host {near.upper()} pings {address}: {"; ".join(summary)}')


def show(gateways, side, *options):
    print(flush=True)
    done = gateways.status(side, *options)
    print(flush=True)
    return done


def helps(name, wires):
    say(f'it stays up. Its folder is {wires.folder}: configurations, logs, control sockets')
    for words in [
        f'exec hostA ping {HOSTS["b"][0]}',
        'exec hostA ping -M do -s 1472 ' + HOSTS['b'][0] + '   # too long with ESP around it: the gateway says so',
        'exec outside tcpdump -ni a                   # what is between the gateways',
        'status a --watch 1',
        'down',
    ]:
        say(f'    {command(name, words)}')


def main():
    program, words = sys.argv[1], sys.argv[2:]
    parser = argparse.ArgumentParser(prog='tools/lab', add_help=False)
    parser.add_argument('--name', default='lab')
    parser.add_argument('--method', choices=['auto', 'xdp', 'packet'], default='auto')
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--group', action='store_true')
    parser.add_argument('--suite', default='aes-128-gcm')
    parser.add_argument('verb', nargs='?', choices=['up', 'exec', 'status', 'down'], default='up')
    # What follows these is not ours to read.
    split = next((at for at, word in enumerate(words) if word in ('exec', 'status')), len(words))
    choices = parser.parse_args(words[:split + 1])
    rest = words[split + 1:]
    if choices.verb == 'up':
        up(program, choices)
    elif choices.verb == 'down':
        left = Wires.find(choices.name).remove()
        for line in left:
            say(line)
        sys.exit(1 if left else 0)
    elif choices.verb == 'exec':
        if len(rest) < 2:
            raise Failure('exec takes a place, such as hostA, and a command')
        os.execvp('ip', ['ip', 'netns', 'exec', Wires.find(choices.name).namespace(rest[0]), *rest[1:]])
    else:
        if not rest or rest[0].lower() not in ('a', 'b'):
            raise Failure('status takes a or b')
        sys.exit(Gateways(program, Wires.find(choices.name)).status(rest[0].lower(), *rest[1:]))


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit(f'lab: {failure}')
    except subprocess.CalledProcessError as failed:
        sys.exit(f'lab: {" ".join(failed.cmd)}: {(failed.stderr or "").strip()}')
    except KeyboardInterrupt:
        sys.exit('lab: interrupted')
