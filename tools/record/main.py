"""Builds the sites, records, mixes the conversations, checks and writes the capture."""
import concurrent.futures
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import kinds
import servers
import traffic
from house import Namespace, Pump, die_with_parent, gre_device, tag_device

LIMIT_SECONDS, LIMIT_BYTES = 85, 720_000
A_MAC, RA_MAC = "02:00:00:00:0a:01", "02:00:00:00:0a:fe"
B_MAC, RB_MAC = "02:00:00:00:0b:01", "02:00:00:00:0b:fe"


def say(text):
    print(f"record-sample: {text}", file=sys.stderr, flush=True)


def numbered(prefix, numbers):
    return [f"{prefix}{n}" for n in numbers]


def batch(space, lines):
    with space.inside():
        done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError("ip: " + done.stderr.strip())


def offload(spaces, state):
    for space, device in spaces:
        space.sh("ethtool", "-K", device, "tx", state, "tso", state, "gso", state)


class Scene:
    """Site A ── router ── site B. The capture is taken at the router's port to A."""

    def __init__(self):
        self.a, self.router, self.b = Namespace(), Namespace(), Namespace()
        self.ends = [(self.a, "a0"), (self.router, "ra"), (self.router, "rb"), (self.b, "b0")]
        self.pump = Pump()

    def plug(self):
        for space in (self.a, self.router, self.b):
            for name, value in {
                    "ipv4/icmp_ratelimit": 0, "ipv4/icmp_ratemask": 0, "ipv6/icmp/ratelimit": 0,
                    "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0,
                    "ipv4/conf/all/send_redirects": 0, "ipv4/conf/default/send_redirects": 0,
                    "ipv4/conf/all/accept_source_route": 1, "ipv4/igmp_link_local_mcast_reports": 1,
                    "ipv6/conf/all/seg6_enabled": 1, "ipv6/conf/default/seg6_enabled": 1,
                    "ipv4/tcp_rmem": "4096 1048576 6291456",
                    "ipv4/ip_forward": int(space is self.router),
                    "ipv6/conf/all/forwarding": int(space is self.router)}.items():
                space.sysctl(name, value)
            space.ip("link set lo up")
        self.router.link_to(self.a, "ra", "a0")
        self.router.link_to(self.b, "rb", "b0")
        for (space, device), address in zip(self.ends, (A_MAC, RA_MAC, RB_MAC, B_MAC)):
            space.ip(f"link set {device} address {address}")
        offload(self.ends, "off")
        self.router.ip("link set ra up")        # tcpdump wants it up; nothing moves before a0 is

    def raise_links(self):
        silent = [(f"192.0.2.{n}", f"2001:db8:a::{n}", f"198.51.100.{n}", f"2001:db8:b::{n}", n) for n in range(80, 120)]
        self.router.ip("link set rb up")
        self.a.ip("link set a0 up")
        self.b.ip("link set b0 up")

        # Tagged and tunnelled devices, carried by this process.
        tags = {"vl10": [(0x8100, 10)], "qq": [(0x88A8, 20), (0x8100, 2 << 13 | 30)]}
        for name, stack in tags.items():
            tag_device(self.a, "a0", name, stack, self.pump)
            tag_device(self.router, "ra", name, stack, self.pump)
        gre_device(self.a, "gre1", "192.0.2.10", "198.51.100.10", None, self.pump)
        gre_device(self.b, "gre1", "198.51.100.10", "192.0.2.10", None, self.pump)
        gre_device(self.a, "gre2", "192.0.2.11", "198.51.100.11", 0x4A55, self.pump)
        gre_device(self.b, "gre2", "198.51.100.11", "192.0.2.11", 0x4A55, self.pump)
        self.pump.start()
        for space, end in ((self.a, 1), (self.router, 2)):
            batch(space, [f"link set vl10 address 02:00:00:00:10:0{end} up",
                          f"link set qq address 02:00:00:00:20:0{end} mtu 1492 up"])
        for space in (self.a, self.b):
            batch(space, [f"link set {x} {how}" for x in ("gre1", "gre2")
                          for how in ("addrgenmode none mtu 1400", "up")])

        batch(self.a, [
            *(f"addr add {x}/25 dev a0" for x in numbered("192.0.2.", range(10, 50))),
            *(f"addr add {x}/64 dev a0 nodad" for x in numbered("2001:db8:a::", range(10, 50))),
            *(f"addr add {x}/26 dev vl10" for x in numbered("192.0.2.", range(130, 140))),
            *(f"addr add {x}/64 dev vl10 nodad" for x in numbered("2001:db8:a:10::", range(2, 8))),
            *(f"addr add {x}/27 dev qq" for x in numbered("192.0.2.", range(194, 200))),
            *(f"addr add {x}/64 dev qq nodad" for x in numbered("2001:db8:a:20::", range(2, 8))),
            *(f"addr add {x}/26 dev gre1" for x in numbered("203.0.113.", range(1, 7))),
            *(f"addr add {x}/64 dev gre1 nodad" for x in numbered("2001:db8:c::a", range(1, 7))),
            *(f"addr add {x}/26 dev gre2" for x in numbered("203.0.113.", range(129, 135))),
            "route add default via 192.0.2.1 dev a0",
            "route add default via 2001:db8:a::1 dev a0",
            "route add 198.51.100.128/26 via 192.0.2.129 dev vl10",
            "route add 2001:db8:b:10::/64 via 2001:db8:a:10::1 dev vl10",
            "route add 198.51.100.192/27 via 192.0.2.193 dev qq",
            "route add 2001:db8:b:20::/64 via 2001:db8:a:20::1 dev qq",
            "route add 203.0.113.64/26 dev gre1", "route add 203.0.113.192/26 dev gre2"])
        batch(self.b, [
            *(f"addr add {x}/24 dev b0" for x in numbered("198.51.100.", [*range(10, 50), *range(130, 140),
                                                                          *range(194, 200), 240])),
            *(f"addr add {x}/64 dev b0 nodad" for x in numbered("2001:db8:b::", [*range(10, 50), 240])),
            *(f"addr add {x}/64 dev b0 nodad" for x in numbered("2001:db8:b:10::", range(2, 8))),
            *(f"addr add {x}/64 dev b0 nodad" for x in numbered("2001:db8:b:20::", range(2, 8))),
            *(f"addr add {x}/26 dev gre1" for x in numbered("203.0.113.", range(65, 71))),
            *(f"addr add {x}/64 dev gre1 nodad" for x in numbered("2001:db8:c::b", range(1, 7))),
            *(f"addr add {x}/26 dev gre2" for x in numbered("203.0.113.", range(193, 199))),
            "route add default via 198.51.100.1 dev b0",
            "route add default via 2001:db8:b::1 dev b0",
            "route add 203.0.113.0/26 dev gre1", "route add 203.0.113.128/26 dev gre2"])
        batch(self.router, [
            "addr add 192.0.2.1/25 brd + dev ra", "addr add 2001:db8:a::1/64 dev ra nodad",
            "addr add 192.0.2.129/26 dev vl10", "addr add 2001:db8:a:10::1/64 dev vl10 nodad",
            "addr add 192.0.2.193/27 dev qq", "addr add 2001:db8:a:20::1/64 dev qq nodad",
            "addr add 198.51.100.1/24 dev rb", "addr add 2001:db8:b::1/64 dev rb nodad",
            "addr add 2001:db8:b:10::1/64 dev rb nodad", "addr add 2001:db8:b:20::1/64 dev rb nodad",
            "route add 198.51.100.240/32 dev rb mtu lock 1400", "route add 2001:db8:b::240/128 dev rb mtu 1400",
            "route add prohibit 198.51.100.241/32", "route add prohibit 2001:db8:b::241/128",
            *(f"neigh replace {a4} lladdr 02:00:00:00:1a:{n:02x} dev ra" for a4, _, _, _, n in silent),
            *(f"neigh replace {a6} lladdr 02:00:00:00:1a:{n:02x} dev ra" for _, a6, _, _, n in silent),
            *(f"neigh replace {b4} lladdr 02:00:00:00:1b:{n:02x} dev rb" for _, _, b4, _, n in silent),
            *(f"neigh replace {b6} lladdr 02:00:00:00:1b:{n:02x} dev rb" for _, _, _, b6, n in silent)])

    def sites(self):
        def site(space, device, gateway, net4, net6, mark, v4=range(10, 50), v6=range(10, 50)):
            return traffic.Site(space, device, gateway, numbered(net4, v4), numbered(net6, v6),
                                lambda n: f"{net4}{n}", lambda n: f"02:00:00:00:{mark}:{n:02x}",
                                lambda n: f"{net6}{n}")
        self.site_a = site(self.a, "a0", RA_MAC, "192.0.2.", "2001:db8:a::", "1a")
        self.site_b = site(self.b, "b0", RB_MAC, "198.51.100.", "2001:db8:b::", "1b")
        self.site_a.open_wire()
        self.site_b.open_wire()
        few = range(2, 8)
        self.tunnels = [
            (site(self.a, "vl10", None, "192.0.2.", "2001:db8:a:10::", "", range(130, 140), few),
             site(self.b, "b0", None, "198.51.100.", "2001:db8:b:10::", "", range(130, 140), few), 2),
            (site(self.a, "qq", None, "192.0.2.", "2001:db8:a:20::", "", range(194, 200), few),
             site(self.b, "b0", None, "198.51.100.", "2001:db8:b:20::", "", range(194, 200), few), 1),
            (site(self.a, "gre1", None, "203.0.113.", "2001:db8:c::a", "", range(1, 7), range(1, 7)),
             site(self.b, "gre1", None, "203.0.113.", "2001:db8:c::b", "", range(65, 71), range(1, 7)), 1)]
        self.keyed = (site(self.a, "gre2", None, "203.0.113.", "", "", range(129, 135), []),
                      site(self.b, "gre2", None, "203.0.113.", "", "", range(193, 199), []))


def jobs_of(scene):
    a, b = scene.site_a, scene.site_b
    special = {"narrow4": "198.51.100.240", "narrow6": "2001:db8:b::240",
               "prohibited4": "198.51.100.241", "prohibited6": "2001:db8:b::241"}
    jobs = traffic.dns(a, b, 240) + traffic.http(a, b, 32) + traffic.tls(a, b, 7) + traffic.refused(a, b, 40)
    jobs += traffic.udp(a, b, 120) + traffic.ping(a, b, 110) + traffic.errors(a, b, special)
    jobs += traffic.multicast(a, scene.router, 6)
    jobs += traffic.ike(a, b, 8) + traffic.nat_traversal(a, b, 10) + traffic.l2tp(a, b, 5)
    jobs += traffic.by_hand(a, b, traffic.esp_script, 24) + traffic.by_hand(a, b, traffic.ah_script, 8)
    jobs += traffic.by_hand(a, b, traffic.sctp_script, 6)
    jobs += traffic.extensions(a, b, 52) + traffic.crafted_fragments(a, b) + traffic.padded(a, b, 10)
    jobs += traffic.link_layer(a, scene.router) + traffic.malformed(a, b, scene.router)
    for near, far, share in scene.tunnels:
        jobs += traffic.dns(near, far, 10 * share) + traffic.http(near, far, 3 * share)
        jobs += traffic.tls(near, far, 1) + traffic.ping(near, far, 8 * share)[:8 * share]
        jobs += traffic.udp(near, far, 8 * share)[:8 * share]
    near, far = scene.keyed
    jobs += [(traffic.talk, near, far, near.v4[n], far.v4[n], None, 6000 + n,
              [(k % 2 == 0, bytes(30 * k)) for k in range(1, 7)]) for n in range(6)]
    jobs += [(traffic.bulk, a, a.v4[7], b.v4[7], [8000], 0), (traffic.bulk, a, a.v6[8], b.v6[8], [], 7000),
             (traffic.bulk, b, b.v4[9], a.v4[9], [5000], 5000)]
    return jobs


def run_jobs(jobs):
    def one(job):
        call, *arguments = job
        try:
            call(*arguments)
        except Exception as error:
            error.add_note(f"in {call.__qualname__} {[x for x in arguments if isinstance(x, (str, int))]}")
            raise
        time.sleep(random.uniform(0, 0.003))

    random.shuffle(jobs)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(one, job) for job in jobs]
        try:
            for item in concurrent.futures.as_completed(waiting):
                item.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def start_recorder(scene, path):
    with scene.router.inside():
        recorder = subprocess.Popen(
            ["tcpdump", "-i", "ra", "-n", "-s", "0", "-B", "16384", "-Z", "root", "--time-stamp-precision=micro",
             "-w", path], stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    line = ""
    for line in recorder.stderr:
        if "listening on" in line:
            return recorder
    raise RuntimeError(f"tcpdump did not start: {line.strip()}")


def stop_recorder(recorder):
    recorder.send_signal(signal.SIGINT)
    _, text = recorder.communicate(timeout=10)
    for line in text.splitlines():
        if "dropped by kernel" in line and not line.startswith("0 "):
            raise RuntimeError("tcpdump lost packets: " + line)


def read_capture(path):
    """[(seconds, microseconds, frame)], in order of time."""
    with open(path, "rb") as file:
        data = file.read()
    magic, _, _, _, _, _, link = struct.unpack("=IHHiIII", data[:24])
    if magic != 0xA1B2C3D4 or link != 1:
        raise RuntimeError("not a classic Ethernet capture")
    records, at = [], 24
    while at < len(data):
        seconds, micro, kept, length = struct.unpack("=IIII", data[at:at + 16])
        if kept != length:
            raise RuntimeError("a packet was cut short")
        records.append((seconds, micro, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return sorted(records, key=lambda r: r[:2])


def write_capture(path, records):
    fresh = path + ".new"
    with open(fresh, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for seconds, micro, frame in records:
            file.write(struct.pack("<IIII", seconds, micro, len(frame), len(frame)) + frame)
    os.chmod(fresh, 0o644)
    os.replace(fresh, path)


def record(out, scratch):
    key, certificate = os.path.join(scratch, "key.pem"), os.path.join(scratch, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-subj", "/CN=www.example.net", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    raw = os.path.join(scratch, "raw.pcap")

    say("making two sites and a router")
    scene = Scene()
    scene.plug()
    recorder = start_recorder(scene, raw)
    try:
        scene.raise_links()
        time.sleep(2)                           # link-local addresses become usable
        scene.sites()
        every4 = [[a for s in sides for a in s.v4 + s.v6] for sides in (
            [scene.site_a, *(t[0] for t in scene.tunnels), scene.keyed[0]],
            [scene.site_b, *(t[1] for t in scene.tunnels), scene.keyed[1]])]
        for space, addresses in zip((scene.a, scene.b), every4):
            servers.start(space, addresses, scene.pump, (certificate, key))

        lonely = [(scene.site_a, scene.site_a.v4[5], "198.51.100.242"), (scene.site_a, scene.site_a.v6[5], "2001:db8:b::242")]
        for site, source, target in lonely:
            with site.udp(source) as sock:      # nobody there: the router gives up after three seconds
                sock.sendto(bytes(20), (target, 7))
        asked = time.monotonic()

        jobs = jobs_of(scene)
        say(f"playing {len(jobs)} conversations")
        run_jobs(jobs)

        say("bulk transfers with segmentation offload")
        offload(scene.ends, "on")
        scene.a.ip("route replace default via 192.0.2.1 dev a0 initcwnd 64")
        scene.b.ip("-6 route replace default via 2001:db8:b::1 dev b0 initcwnd 64")
        traffic.bulk(scene.site_a, scene.site_a.v4[30], scene.site_b.v4[30], [32_000, 65_000], 0)
        traffic.bulk(scene.site_a, scene.site_a.v6[31], scene.site_b.v6[31], [], 16_000)
        time.sleep(max(0.5, asked + 4 - time.monotonic()))
        stop_recorder(recorder)
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()
        scene.pump.running = False

    records = read_capture(raw)
    counts = kinds.table(frame for _, _, frame in records)
    size = 24 + sum(16 + len(frame) for _, _, frame in records)
    for kind, count in counts.items():
        print(f"{count:6}  {kind}", file=sys.stderr)
    missing = [kind for kind, count in counts.items() if count == 0]
    if missing:
        raise RuntimeError("the capture has no " + ", no ".join(missing))
    if size > LIMIT_BYTES:
        raise RuntimeError(f"the capture is too large: {size} bytes")
    write_capture(out, records)
    say(f"{len(records)} packets, {size} bytes")


def give_up(number, _):
    raise SystemExit("record-sample: " + ("took too long" if number == signal.SIGALRM else "interrupted"))


def main():
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, give_up)
    signal.alarm(LIMIT_SECONDS)
    try:
        with tempfile.TemporaryDirectory(prefix="record-sample-") as scratch:
            record(os.path.abspath(sys.argv[1]), scratch)
        code = 0
    except SystemExit as error:
        say(str(error.code).removeprefix("record-sample: "))
        code = 1
    except Exception as error:
        if os.environ.get("TRACE"):
            raise
        say(" ".join([f"failed: {error}", *getattr(error, "__notes__", [])]))
        code = 1
    sys.stderr.flush()
    os._exit(code)              # daemon threads still hold servers; the namespaces go with the process


main()
