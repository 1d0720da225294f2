"""One gateway of ours for the meetings with other people's: a configuration, its nonces, and replays through it."""

import json
import os
import subprocess

NEAR, FAR = '198.51.100.1', '198.51.100.2'
NEAR_NET, FAR_NET = '10.1.0.0/24', '10.2.0.0/24'
TO_PEER, FROM_PEER = 0x1001, 0x1002


class Failure(Exception):
    """One sentence that says what was not as it has to be."""


class Gateway:
    """`seals` and `opens`: keying material in hexadecimal, as the configuration has it."""

    def __init__(self, program, folder, name, cipher, seals, opens, **more):
        self.program, self.folder, self.name = program, folder, name
        state = os.path.join(folder, name + '-nonces')
        os.mkdir(state, 0o700)
        field = {
            'name': 'peer', 'address': NEAR, 'peer': FAR, 'inboundSPI': FROM_PEER, 'outboundSPI': TO_PEER,
            'inboundKey': opens, 'outboundKey': seals, 'keysBorn': '2026-11-21', 'local': [NEAR_NET], 'remote': [FAR_NET],
        }
        field.update(cipher)
        field.update(more)
        text = {
            'unit': {'number': 0, 'stateDirectory': state},
            'cluster': {'addresses': [field['address']]},
            'tunnels': [field],
        }
        self.configuration = os.path.join(folder, name + '.yaml')
        with open(self.configuration, 'w', opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(text, file)  # JSON is YAML
        self.run('keys', self.configuration, '--begin')

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f'hauberk {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}')
        return done.stdout

    def replay(self, source, target, *options):
        """What replay says of it, as JSON."""
        text = self.run('replay', source, '--config', self.configuration, '--out', target, '--json', *options)
        return json.loads(text)


def counts(report):
    """Drops by reason, those that are none left out."""
    return {name: number for name, number in report['drops'].items() if number}
