"""A real gossipd on a host, driven over its port: part 3 of PROTOCOL.md, without a BEAM."""
import os
import struct
import subprocess
import time

import term
from term import Atom

BUILD = os.environ.get("GOSSIP_BUILD", "build/sanitize")
PULSE = 0.6


class Sidecar:
    def __init__(self, host, keys, name, *, creation=1, port=4370, cookie=b"ABCDEFGH", interval=1000,
                 addresses=b"\0", program=(os.path.join(BUILD, "gossipd"),), **configure):
        self.host, self.name, self.interval = host, name, interval
        self.events, self.peers, self.stats, self.ready, self.logs, self.derived = [], {}, None, None, [], None
        self.buffer, self.pulse_at, self.snapshot = b"", 0.0, None
        self.process = self.spawn([*program, "--port"])
        os.set_blocking(self.process.stdout.fileno(), False)
        self.command((Atom("configure"), {
            Atom("version"): 1, Atom("cluster"): b"", Atom("keys"): keys, Atom("group"): b"233.252.1.33",
            Atom("port"): 45893, Atom("interfaces"): Atom("all"), Atom("ttl"): 1, Atom("interval"): interval,
            Atom("max_peers"): 4096, Atom("heartbeats"): False,
            Atom("advertise"): b"", Atom("unicast_port"): (0, 0), Atom("broadcast"): False, Atom("group6"): b"",
            **{Atom(key): value for key, value in configure.items()}}))
        self.identity = {
            Atom("name"): name.encode(), Atom("creation"): creation, Atom("port"): port, Atom("long_names"): True,
            Atom("tls"): False, Atom("ipv6"): False, Atom("hidden"): False, Atom("cookie"): cookie, Atom("host"): addresses,
            Atom("tags"): b""}
        self.command((Atom("alive"), self.identity))

    def spawn(self, command):
        return subprocess.Popen(["ip", "netns", "exec", self.host.netns, *command],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def command(self, value):
        data = term.encode(value)
        self.process.stdin.write(struct.pack(">I", len(data)) + data)
        self.process.stdin.flush()

    def descriptors(self):
        return [(self.process.stdout, self.hear)]

    def hear(self):
        data = self.process.stdout.read(65536)
        if not data:
            if data == b"":
                raise AssertionError(f"gossipd of {self.name} ended: {self.process.wait(5)}, {self.events[-1:]} {self.logs[-3:]}")
            return
        self.buffer += data
        while len(self.buffer) >= 4:
            size = struct.unpack(">I", self.buffer[:4])[0]
            if len(self.buffer) < 4 + size:
                break
            frame, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
            self.event(term.decode(frame))

    def event(self, value):
        tag = value if isinstance(value, Atom) else value[0]
        if tag == "ready":
            self.ready = value[1]
        elif tag == "log":
            self.logs.append((str(value[1]), value[2].decode()))
        elif tag == "snapshot":
            if value[1] == "first":
                self.snapshot = {}
            for peer in value[2]:
                self.snapshot[peer["boot"]] = peer
        elif tag == "snapshot_end":
            self.peers, self.snapshot = self.snapshot, None
        elif tag == "stats":
            self.stats = {str(k): v for k, v in value[2].items()}
        elif tag != "pulse":  # it answers ours; if it did not, nothing else would come either
            self.events.append(value)
            if tag == "derived":
                self.derived = value[1]
            elif tag in ("up", "update", "heard"):
                boots = [b for b, p in self.peers.items() if p["name"] == value[1]["name"] and b != value[1]["boot"]]
                for boot in boots:
                    del self.peers[boot]
                self.peers[value[1]["boot"]] = value[1]
            elif tag == "down":
                self.peers.pop(value[1]["boot"], None)

    def tick(self):
        if time.monotonic() >= self.pulse_at:
            self.pulse_at = time.monotonic() + PULSE
            self.command(Atom("pulse"))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    # What tests ask

    def names(self):
        return {p["name"].decode() for p in self.peers.values()}

    def peer(self, name):
        return next((p for p in self.peers.values() if p["name"] == name.encode()), None)

    def seen(self, tag, name=None):
        """The events of this kind, about this peer."""
        return [e for e in self.events if isinstance(e, tuple) and e[0] == tag and
                (name is None or e[1]["name"] == name.encode())]

    def changes(self, name):
        """Of the updates about this peer those that tell another thing than that it is suspect, and alive again: so is, with
        T at 0.5 s, whoever waits for a processor for 0.65 s. That its cookie proves to be the same is no update."""
        told, changed = None, []
        for e in self.seen("up", name) + self.seen("update", name):
            status = e[1]["status"]
            now = {**e[1], "status": "alive" if status == "suspect" else str(status), "cookie": None}
            if e[0] == "update" and now != told:
                changed.append(e)
            told = now
        return changed

    def ask_stats(self, world):
        self.stats = None
        self.command((Atom("stats"), 1))
        world.until(lambda: self.stats is not None, f"{self.name} tells its counters")
        return self.stats


def ready(world, sidecars):
    world.until(lambda: all(s.ready for s in sidecars), "all sidecars are ready")
