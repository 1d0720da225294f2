"""The machine beneath a trial: how long it stands still itself, and other work that keeps it busy."""

import ctypes
import multiprocessing
import os
import time

from failover_watch import now


def look_for_stalls(processor, ends, mustWait, found, least):
    """Before everything else on this processor, once a millisecond."""
    os.sched_setaffinity(0, {processor})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
    except PermissionError:
        mustWait.set()
    ctypes.CDLL(None).mlockall(3)
    last = now()
    while not ends.is_set():
        time.sleep(0.001)
        at = now()
        if at - last - 0.001 > least:
            found.put((at, at - last - 0.001))
        last = at


class Sentinel:
    """On each processor: one of a virtual machine's may stand still while the others run."""

    LEAST = 0.002
    isTold = False

    def __init__(self):
        self.ends, self.mustWait = multiprocessing.Event(), multiprocessing.Event()
        self.found = multiprocessing.SimpleQueue()
        self.processes = [multiprocessing.Process(target=look_for_stalls, args=(processor, self.ends, self.mustWait,
                                                                                self.found, self.LEAST), daemon=True)
                          for processor in sorted(os.sched_getaffinity(0))]
        for process in self.processes:
            process.start()

    def end(self):
        """All stalls that were longer than a few milliseconds: when each ended, and the seconds that it took."""
        self.ends.set()
        stalls = []
        for process in self.processes:
            process.join(5)
        while not self.found.empty():
            stalls.append(self.found.get())
        if self.mustWait.is_set() and not Sentinel.isTold:
            Sentinel.isTold = True
            print('Real-time priority is not permitted here: what looks for stalls of this machine waits for a turn as '
                  'all do, and takes a busy processor for a stall.', flush=True)
        return sorted(stalls)


def spin(processor, seconds):
    os.sched_setaffinity(0, {processor})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class Busy:
    """A process on each processor that never sleeps, for so many seconds at most."""

    def __init__(self, seconds):
        self.processes = [multiprocessing.Process(target=spin, args=(processor, seconds), daemon=True)
                          for processor in sorted(os.sched_getaffinity(0))]
        for process in self.processes:
            process.start()

    def end(self):
        for process in self.processes:
            process.kill()
            process.join(5)
