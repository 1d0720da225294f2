"""strongSwan with kernel-libipsec as Debian has it: a daemon in a namespace, IKE with a shared secret, ESP in user space and
always in UDP. The keys of its SAs come out of its log, so a gateway with static keys can take the place of one end."""

import os
import re
import signal
import subprocess
import time

CHARON = '/usr/lib/ipsec/charon'
# The first that has an algorithm computes it: what knows the processor's instructions comes before what does without.
PLUGINS = ('aesni openssl random nonce sha1 sha2 hmac kdf aes gcm chapoly curve25519 '
           'kernel-libipsec kernel-netlink socket-default vici')


class Trouble(Exception):
    """One sentence that says why there is no tunnel."""


class Daemon:
    """`own` and `peer` are gateways' addresses, `near` and `far` the networks behind them; `log`: with its keys."""

    def __init__(self, wires, place, own, peer, near, far, proposal, log=True):
        self.wires, self.place, self.own = wires, place, own
        self.folder = os.path.join(wires.folder, 'charon-' + place)
        os.mkdir(self.folder, 0o700)
        self.socket = 'unix://' + self.path('vici')
        with open(self.path('strongswan.conf'), 'w') as file:
            file.write(f'''charon {{
  load = {PLUGINS}
  replay_window = 1024
  plugins {{
    vici {{ socket = {self.socket} }}
    kernel-libipsec {{ allow_peer_ts = yes }}
  }}
  filelog {{ all {{
    path = {self.path('log')}
    default = {1 if log else 0}
    chd = {4 if log else 0}
    flush_line = yes
  }} }}
}}
''')
        with open(self.path('swanctl.conf'), 'w') as file:
            file.write(f'''connections {{ meeting {{
  version = 2
  local_addrs = {own}
  remote_addrs = {peer}
  proposals = aes128-sha256-x25519
  encap = yes
  mobike = no
  local {{
    auth = psk
    id = {own}
  }}
  remote {{
    auth = psk
    id = {peer}
  }}
  children {{ networks {{
    local_ts = {near}
    remote_ts = {far}
    esp_proposals = {proposal}
    rekey_time = 0
  }} }}
}} }}
secrets {{ ike-meeting {{ secret = "of this namespace alone" }} }}
''')
        # With a /run of its own: two daemons would fight for one file with their number.
        self.process = wires.start(
            place, 'sh', '-c', f'mount -t tmpfs none /run && exec {CHARON}', stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ, STRONGSWAN_CONF=self.path('strongswan.conf')))
        deadline = time.monotonic() + 10
        while not os.path.exists(self.path('vici')):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f'the daemon of {place} does not come up')
            time.sleep(0.05)
        self.ask('--load-all', '--file', self.path('swanctl.conf'))

    def path(self, name):
        return os.path.join(self.folder, name)

    def ask(self, *words):
        done = self.wires.run(self.place, 'env', 'STRONGSWAN_CONF=' + self.path('strongswan.conf'), 'swanctl', *words,
                              '--uri', self.socket)
        if done.returncode != 0:
            raise Trouble(f'swanctl {words[0]}: {(done.stderr or done.stdout).strip()[-200:]}')
        return done.stdout

    def initiate(self):
        self.ask('--initiate', '--child', 'networks', '--timeout', '10')

    def associations(self):
        """By the address that seals: SPI, and keying material as a gateway's configuration has it. After `initiate`."""
        with open(self.path('log')) as file:
            text = file.read()
        material = {}
        for kind in ('encryption', 'integrity'):
            for end, octets, dump in re.findall(
                    kind + r' (initiator|responder) key => (\d+) bytes[^\n]*\n((?:.*\[CHD\] +\d+: (?:[0-9A-F]{2} )+.*\n)+)',
                    text):
                found = ''.join(''.join(re.findall(r'\b[0-9A-F]{2}\b', line.split(': ', 1)[1][:48]))
                                for line in dump.splitlines())
                material[end] = material.get(end, '') + found[:2 * int(octets)].lower()
        spis = re.findall(r'SPI 0x([0-9a-f]+), src (\S+) dst (\S+)', text)
        if len(spis) != 2 or len(material) != 2:
            raise Trouble('the keys of the SAs are not in the log')
        return {source: (int(spi, 16), material['initiator' if source == self.own else 'responder'])
                for spi, source, _ in spis}

    def end(self):
        """Without a word to the other end, which keeps its SAs."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
