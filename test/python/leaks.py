#!/usr/bin/python3
"""Real sidecars while peers come and go: see bin/leaks. What they hold at their end is looked at by Valgrind, or by
LeakSanitizer; and how much memory one takes that neither looks at, all the while.

    leaks.py MINUTES plain|sanitize|valgrind ...      what looks at each of those that stay; the first is measured"""
import json
import os
import random
import statistics
import sys
import time

import sidecar
from lab import Lab
from sidecar import Sidecar, ready
from term import Atom
from world import World

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
COOKIE = b"ABCDEFGHIJKLMNOPQRST"
INTERVAL = 200  # ms
COME = 3  # at a time
BOUND = 0.5  # KB/s, as bin/chaos has it
JUDGED = 300  # seconds: in less of them what is grown once looks like what grows
WARM = 0.3  # of the time, in which everything grows
with open(os.path.join(os.path.dirname(__file__), "../../CMakePresets.json"), encoding="utf-8") as file:
    PRESETS = {preset["name"]: preset for preset in json.load(file)["configurePresets"]}
# As the C tests run under it.
VALGRIND = PRESETS["valgrind"]["cacheVariables"]["CMAKE_CROSSCOMPILING_EMULATOR"].split(";")


class Watched(Sidecar):
    """One that ends by itself, once its port is closed, so that what looks at it comes to its end, too."""

    def __init__(self, host, name, by, **options):
        self.by = by
        program = (os.path.join(sidecar.BUILD, "gossipd"),)
        if by == "sanitize":
            program = (os.environ.get("GOSSIP_BUILD_SANITIZED", "build/sanitize") + "/gossipd",)
        super().__init__(host, [(Atom("key"), KEY)], name, cookie=COOKIE, interval=INTERVAL, program=program, **options)

    def spawn(self, command):
        outside = self.by != "plain"  # its sandbox lets nobody look
        return super().spawn([*(VALGRIND if self.by == "valgrind" else []), *command, *(["--no-sandbox"] if outside else [])])

    def close(self):
        self.process.stdin.close()
        os.set_blocking(self.process.stdout.fileno(), True)
        while self.process.stdout.read(65536):
            pass
        self.status = self.process.wait()
        self.process.stdout.close()


def resident(pid):
    """Kilobytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def slope(samples):
    """Of (seconds, kilobytes), in KB/s: what is left of them is cut into ten, the least of each tells, and the median of
    the slopes between all pairs (Theil and Sen) is it. None: they are too few."""
    first, last = samples[0][0], samples[-1][0]
    begin = first + (last - first) * WARM
    least = {}
    for at, size in samples:
        if at >= begin:
            part = min(9, int(10 * (at - begin) / (last - begin)))
            least[part] = min(least.get(part, (size, at)), (size, at))
    points = [(at, size) for size, at in least.values()]
    if len(points) < 5:
        return None
    return statistics.median((b - a) / (t - s) for s, a in points for t, b in points if t > s)


class Churn:
    """Those that stay, on a host each, and one host for those that come and go."""

    def __init__(self, watched, chance):
        self.lab = Lab(len(watched) + 1)
        self.world, self.chance, self.gone, self.rounds = World(), chance, 0, 0
        self.staying = [self.world.add(Watched(self.lab[n], f"s{n}@h{n}", by)) for n, by in enumerate(watched, 1)]
        ready(self.world, self.staying)
        self.formed()

    def names(self, more=()):
        return {s.name for s in self.staying} | set(more)

    def formed(self, more=()):
        self.world.until(lambda: all(s.names() | {s.name} == self.names(more) for s in self.staying), f"all list {more}",
                         show=lambda: [s.names() for s in self.staying])

    def round(self):
        self.rounds += 1
        host = self.lab.hosts[-1]
        # Some names come again, and some never.
        names = [f"c{self.chance.randrange(200)}x{n}@h" for n in range(COME)]
        coming = [self.world.add(Sidecar(host, [(Atom("key"), KEY)], name, cookie=COOKIE, interval=INTERVAL,
                                         creation=self.rounds)) for name in names]
        self.formed(names)
        for s in self.staying:
            self.command(s, coming[0])
        for n, s in enumerate(coming):
            if n < 2:
                s.command((Atom("leave"), Atom("left" if n == 0 else "beam_exit")))
                self.world.until(lambda s=s: all(s.name not in t.names() for t in self.staying), f"{s.name} has left")
            self.world.remove(s)  # or is killed, and missed
        self.formed()
        self.gone += COME
        for s in self.staying:
            del s.events[:]
            del s.logs[:]

    def command(self, s, peer):
        """What an owner asks of its sidecar now and then."""
        turn = self.rounds % 4
        if turn == 0:
            s.ask_stats(self.world)
        elif turn == 1:
            s.command(Atom("snapshot"))
        elif turn == 2:
            s.command((Atom("keys"), [(Atom("key"), KEY), (Atom("key"), OTHER)] if self.rounds % 8 == 2 else
                       [(Atom("key"), KEY)]))
        else:
            s.identity[Atom("tags")] = b"\x01k" + bytes([2]) + b"%02d" % (self.rounds % 100)
            s.command((Atom("alive"), s.identity))

    def close(self):
        self.world.close()
        self.lab.close()


def ended(watched):
    return [f"{s.name}, {s.by}: it ended with {s.status}" for s in watched if s.status != 0]


def run(seconds, watched, chance, say=lambda *_: None):
    """What was wrong, as texts."""
    churn = Churn(watched, chance)
    began = time.monotonic()
    samples, said = [], 0
    try:
        while not churn.rounds or time.monotonic() < began + seconds:
            churn.round()
            samples.append((time.monotonic() - began, resident(churn.staying[0].process.pid)))
            if samples[-1][0] > said + 60:
                said = samples[-1][0]
                say(f"{said:.0f} s: {churn.gone} have come and gone, {samples[-1][1]} KB")
    finally:
        churn.close()
    wrong = ended(churn.staying)
    grows = slope(samples) if seconds >= JUDGED else None
    say(f"{churn.gone} have come and gone; {samples[0][1]} KB at first, {samples[-1][1]} KB at last,",
        "too short a time to judge a slope" if grows is None else f"{grows:.3f} KB/s")
    if grows is not None and grows > BOUND:
        wrong.append(f"{churn.staying[0].name} grows by {grows:.2f} KB/s (bound {BOUND})")
    return wrong


if __name__ == "__main__":
    found = run(float(sys.argv[1]) * 60, sys.argv[2:], random.Random(1), lambda *text: print(*text, flush=True))
    sys.exit("\n".join(found) or 0)
