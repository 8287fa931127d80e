#!/usr/bin/python3
"""What a flood costs a sidecar that has one peer: of one core, in percent, by the kernel's account of its process. The
datagrams come by the group, so many a second, for five seconds:

    junk      random bytes
    forged    magic, version and key tag are right, the seal is not
    recorded  a member's own beats, said again

how often it wakes meanwhile, how soon a newcomer is listed, and how soon the owner is answered (median and worst of 100).

    bench/floods.py [--gossipd PATH] [RATE...]    as root; 20000 a second where none is given"""
import argparse
import os
import random
import statistics
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
os.environ.setdefault("GOSSIP_BUILD", os.path.join(ROOT, "build/release"))  # before sidecar.py reads it
sys.path.insert(0, os.path.join(ROOT, "test/python"))
sys.dont_write_bytecode = True

import message as wire  # noqa: E402
from attack import Attacker  # noqa: E402
from flood import Flood  # noqa: E402
from group import COOKIE, KEYS, RING  # noqa: E402
from lab import Lab  # noqa: E402
from sidecar import Sidecar, ready  # noqa: E402
from world import World  # noqa: E402

SECONDS, MANY, NEWCOMERS, ANSWERS = 5, 4096, 5, 100
PACE = 0.0001


def beats(count):
    """Of one member, of whom nobody heard: each opens, and is said once by it."""
    boot = random.getrandbits(64) | 1
    for sequence in range(1, count + 1):
        m = wire.Message(wire.HELLO, boot, nonce=random.getrandbits(64) | 1, creation=1, size=2, name="one@nowhere",
                         sent_at=sequence * 1000, addresses=(("10.78.0.3", 45894),))
        yield RING.seal(boot, sequence, wire.encode(m))


KINDS = {
    "junk": lambda: [os.urandom(200) for _ in range(MANY)],
    "forged": lambda: [RING.keys[0].prefix + os.urandom(192) for _ in range(MANY)],
    "recorded": lambda: list(beats(MANY)),
}


def on_cpu(pid):
    """Seconds that it has run."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def wake_ups(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


class Pair:
    def __init__(self, gossipd):
        self.lab, self.world, self.program = Lab(4), World(), (gossipd,)
        self.attacker, self.lives = Attacker(self.lab[3]), 0
        self.members = [self.start(n, f"m{n}@h{n}") for n in (1, 2)]
        ready(self.world, self.members)
        self.world.until(lambda: all(len(m.peers) == 1 for m in self.members), "both list each other")

    def start(self, n, name):
        self.lives += 1
        return self.world.add(Sidecar(self.lab[n], KEYS, name, cookie=COOKIE, creation=self.lives, program=self.program))

    def newcomer(self):
        """Milliseconds until one who starts is listed."""
        name, since = f"new{self.lives}@h4", time.monotonic()
        new = self.start(4, name)
        self.world.until(lambda: self.members[0].peer(name), f"{name} is listed")
        taken = (time.monotonic() - since) * 1000
        self.world.remove(new)
        return taken

    def answered(self):
        """Milliseconds until the first member answers its owner."""
        self.world.run(0.005)
        since = time.monotonic()
        self.members[0].ask_stats(self.world)
        return (time.monotonic() - since) * 1000

    def measure(self, kind, rate):
        first = self.members[0]
        pid = first.process.pid
        before = first.ask_stats(self.world)
        flood = kind and self.world.add(
            Flood(self.attacker, (self.attacker.host.ip, 9), KINDS[kind](), rate, pace=PACE))
        self.world.run(0.5)
        said = flood.ask(self.world, "said") if flood else 0
        since, worked, woken = time.monotonic(), on_cpu(pid), wake_ups(pid)
        self.world.run(SECONDS)
        length = time.monotonic() - since
        share, wakes = (on_cpu(pid) - worked) / length * 100, (wake_ups(pid) - woken) / length
        said = (flood.ask(self.world, "said") - said) / length if flood else 0
        after = first.ask_stats(self.world)
        waits = sorted(self.answered() for _ in range(ANSWERS))
        new = statistics.median(self.newcomer() for _ in range(NEWCOMERS))
        if flood:
            self.world.remove(flood)
        grown = {k: after[k] - before[k] for k in after if isinstance(after[k], int) and after[k] != before[k]}
        names = ("received", "foreign", "forged", "copies", "replayed", "unproven", "filtered", "overflowed")
        told = " ".join(f"{k}:{grown[k]}" for k in names if k in grown)
        print(f"{kind or 'idle':9} {said:9,.0f}/s  {share:6.2f} % of a core  {wakes:8,.1f} wake-ups/s  "
              f"newcomer {new:5.1f} ms  owner {waits[len(waits) // 2]:.1f}, at most {waits[-1]:.1f} ms  {told}", flush=True)

    def close(self):
        self.world.close()
        self.lab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gossipd", default=os.path.join(os.environ["GOSSIP_BUILD"], "gossipd"))
    parser.add_argument("rates", nargs="*", type=int, default=[20000])
    arguments = parser.parse_args()
    pair = Pair(arguments.gossipd)
    try:
        pair.measure(None, 0)
        for rate in arguments.rates:
            for kind in KINDS:
                pair.measure(kind, rate)
                pair.world.run(1)
    finally:
        pair.close()


if __name__ == "__main__":
    main()
