"""How the failover lab starts a member of ours. Options: program, method, pace, workers."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster_members  # noqa: E402

GW_A, GW_B = '10.1.0.254', '10.2.0.254'
DEVICES = ['ethA', 'ethB']


def settle(options):
    return float(options.get('settle', 4))


def start(number, namespace, folder, options):
    count = int(options['members'])
    addresses = {unit: (f'10.1.0.{unit}', f'10.2.0.{unit}') for unit in range(1, count + 1)}
    program = options['program']
    # The kernel of a member forwards nothing, and its addresses are taken over.
    subprocess.run(['ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=0',
                    'net.ipv6.conf.all.forwarding=0', 'net.ipv6.conf.all.disable_ipv6=1'], check=False)
    if number == 1:
        cluster_members.make_identities(program, folder, addresses)
    os.makedirs(f'{folder}/state{number}', mode=0o700, exist_ok=True)
    path = f'{folder}/member{number}.yaml'
    with open(path, 'w') as file:
        file.write(cluster_members.configuration(
            number, addresses, folder, folder, [GW_A, GW_B], DEVICES, options.get('method', 'auto'),
            options.get('pace', 'normal'), int(options.get('workers', 1))))
    if number == 2:
        # So that the first is the master, and a trial can name its victim.
        time.sleep(1)
    log = open(f'{folder}/member{number}.log', 'w')
    return subprocess.Popen(['ip', 'netns', 'exec', namespace, program, 'run', path], stdout=log,
                            stderr=subprocess.STDOUT, start_new_session=True)
