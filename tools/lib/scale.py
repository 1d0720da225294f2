"""What starting with many tunnels costs: time and the most memory of `check`, `keys --begin` and `replay`, by number.

Arguments: the program, a folder to work in, the numbers of tunnels. Writes a table.
"""

import os
import subprocess
import sys
import time


def write(path, state, count):
    """A configuration of so many tunnels. Every other one has its networks, the rest a policy that names it."""
    with open(path, "w") as out:
        out.write(f"unit: {{number: 0, stateDirectory: {state}}}\ncluster: {{addresses: [192.0.2.1]}}\n")
        out.write("tunnels:\n")
        for number in range(count):
            near, far = networks(number)
            out.write(
                f"  - name: t{number}\n    address: 192.0.2.1\n    peer: 198.51.{100 + number % 100}.{number % 250 + 1}\n"
                f"    inboundSPI: {0x1000 + number}\n    outboundSPI: {0x1000 + number // 100}\n"
                "    cipher: aes-128-gcm\n"
                f"    inboundKey: {number:08x}{'0' * 31}1\n    outboundKey: {number:08x}{'0' * 31}2\n"
                "    keysBorn: 2026-11-21\n"
            )
            if number % 2 == 0:
                out.write(f"    local: [{near}]\n    remote: [{far}]\n")
        out.write("policies:\n")
        for number in range(1, max(2, count), 2):
            near, far = networks(number)
            name = f"t{number}" if number < count else "t0"
            out.write(f"  - action: protect\n    tunnel: {name}\n    source: {near}\n    destination: {far}\n")


def networks(number):
    """A pair of its own for each: our /24 is one of 256, the peer's /28 one of 400."""
    block = number // 256
    return f"10.{number % 256}.0.0/24", f"172.{16 + block // 4096}.{block // 16 % 256}.{block % 16 * 16}/28"


def run(words):
    """Seconds by the clock, of a processor, and MiB of one run, which has to succeed."""
    start = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"scale: this failed: {' '.join(words)}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    program, folder, counts = sys.argv[1], sys.argv[2], [int(word) for word in sys.argv[3:]]
    print(f"{'tunnels':>8}" + "".join(f"{name:>31}" for name in ["check", "keys --begin", "keys", "replay"]))
    for count in counts:
        state, path = f"{folder}/state-{count}", f"{folder}/{count}.yaml"
        os.mkdir(state, 0o700)
        write(path, state, count)
        row = f"{count:>8}"
        for words in [
            ["check", path],
            ["keys", path, "--begin"],
            ["keys", path],
            ["replay", "--config", path, "--generate", "packets=1", "--workers", "1"],
        ]:
            seconds, busy, mebibytes = run([program, *words])
            row += f"{seconds:>8.2f} s, {busy:>5.2f} busy {mebibytes:>4.0f} MiB"
        print(row, flush=True)


main()
