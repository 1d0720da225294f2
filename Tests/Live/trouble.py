"""What a gateway has to stand: frames of chance, frames that were changed, ESP that comes again, links that go away."""

import random
import socket
import subprocess
import threading

from watch import ETH_P_ALL
from world import inside


class Trouble(threading.Thread):
    """Something done again and again between `resume` and `rest`, until it is told to stop."""

    def __init__(self, pause):
        super().__init__(daemon=True)
        self.pause, self.count = pause, 0
        self.is_over, self.is_on = threading.Event(), threading.Event()
        # Held while something is done, so that whoever holds it knows that nothing is.
        self.doing = threading.Lock()

    def run(self):
        while not self.is_over.wait(self.pause):
            with self.doing:
                if self.is_on.is_set() and not self.is_over.is_set():
                    self.count += self.once()

    def resume(self):
        self.is_on.set()

    def rest(self):
        """Returns when nothing is done any more, and nothing is left undone."""
        with self.doing:
            self.is_on.clear()

    def stop(self):
        self.is_over.set()
        if self.is_alive():
            self.join()


class BadFrames(Trouble):
    """On the outside link, towards one gateway: noise, and what went by a moment ago, changed or not."""

    def __init__(self, namespace, device, mac, seed):
        super().__init__(0.02)
        self.chance, self.mac, self.kept = random.Random(seed), mac, []
        self.counts = {'noise': 0, 'changed': 0, 'again': 0}
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, ETH_P_ALL))
        self.socket.setblocking(False)

    def once(self):
        """A handful; frames from the other gateway are what this socket sees on their way out."""
        try:
            while len(self.kept) < 64:
                frame = self.socket.recv(2048)
                if frame[:6] == self.mac and len(frame) <= 1514:
                    self.kept.append(frame)
        except OSError:
            # Nothing there, or the link is down.
            pass
        for _ in range(4):
            kind = self.chance.choice(list(self.counts))
            frame = self.make(kind)
            try:
                self.socket.send(frame)
                self.counts[kind] += 1
            except OSError:
                # The same, or its queue is full.
                pass
        if self.chance.random() < 0.2:
            self.kept = []
        return 4

    def make(self, kind):
        chance = self.chance
        if kind == 'noise' or not self.kept:
            kind = chance.choice([b'\x08\0', b'\x86\xdd', b'\x08\6', b'\x81\0', chance.randbytes(2)])
            return self.mac + b'\2\0\0\0\0\7' + kind + chance.randbytes(chance.randrange(0, 1500))
        frame = bytearray(chance.choice(self.kept))
        if kind == 'changed':
            for _ in range(chance.randrange(1, 6)):
                frame[chance.randrange(12, len(frame))] ^= 1 << chance.randrange(8)
            if chance.random() < 0.2:
                frame = frame[:chance.randrange(14, len(frame) + 1)]
        return bytes(frame)

    def stop(self):
        super().stop()
        self.socket.close()


class Flaps(Trouble):
    """A link's far end goes down for a moment: in turn each that a gateway sees."""

    def __init__(self, ends, pause=7.0):
        super().__init__(pause)
        self.ends = ends

    def once(self):
        namespace, device = self.ends[self.count % len(self.ends)]
        link = ['ip', '-n', namespace, 'link', 'set', 'dev', device]
        subprocess.run([*link, 'down'], check=True)
        self.is_over.wait(0.3)
        subprocess.run([*link, 'up'], check=True)
        return 1
