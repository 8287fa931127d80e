#!/usr/bin/python3
"""Where the time of a sidecar's start goes, in milliseconds, from its spawn to the word that its owner dials upon: beside
a member that runs, on a network of two namespaces. Medians of 30 starts for each kind of secret, and the
least: on a busy machine that is what it takes by itself.

    spawn      fork, exec and the loader, to the end of main (`gossipd --version`)
    configure  the rest up to {ready, ...}: sockets, sandbox, interfaces; and the key that is derived
    derive     what of that a derivation takes: the difference to a 32-byte key
    beat       from {alive, ...} to the newcomer's first datagram on its network
    answer     from there to {up, Peer} at the newcomer, upon which its node dials; the other's {up, Peer} beside it

    bench/budget.py [STARTS]    as root, on a quiet machine"""
import os
import select
import statistics
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
os.environ.setdefault("GOSSIP_BUILD", os.path.join(ROOT, "build/release"))  # before sidecar.py reads it
sys.path.insert(0, os.path.join(ROOT, "test/python"))
sys.dont_write_bytecode = True

from lab import Lab, inside  # noqa: E402
from sidecar import BUILD, Sidecar  # noqa: E402
from term import Atom  # noqa: E402
from world import PATIENCE, World, group_socket  # noqa: E402

PROGRAM = os.path.join(BUILD, "gossipd")
COOKIE = b"ABCDEFGHIJKLMNOPQRST"
RELEASE = b"AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ===="
KINDS = {
    "32-byte key": [(Atom("key"), bytes(range(32)))],
    "a release's cookie": [(Atom("cookie"), RELEASE)],
    "another cookie": [(Atom("cookie"), COOKIE)],
}


class Started(Sidecar):
    """One whose steps are timed. What `ip netns exec` would take is left out: this process itself goes there."""

    def __init__(self, host, keys, name, creation):
        self.times = {}
        super().__init__(host, keys, name, cookie=COOKIE, creation=creation, program=(PROGRAM,))

    def spawn(self, command):
        with inside(self.host.netns):
            self.times["spawn"] = time.monotonic()
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def command(self, value):
        if isinstance(value, tuple) and value[0] == "alive" and self.ready is None:
            return  # said when it is ready, as an owner does
        super().command(value)

    def event(self, value):
        tag = value if isinstance(value, Atom) else value[0]
        self.times.setdefault(str(tag), time.monotonic())
        super().event(value)


def wait(parts, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        ready = select.select([file for file, _ in parts], [], [], 1)[0]
        for file, act in parts:
            if file in ready:
                act()


def version():
    """Milliseconds from the fork to main, and out again."""
    since = time.monotonic()
    subprocess.run([PROGRAM, "--version"], check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - since) * 1000


def start(lab, old, keys, number):
    tap = group_socket(lab[1])
    name = f"new{number}@h2"
    new = Started(lab[2], keys, name, number)
    heard = []

    def hear():
        data, source = tap.recvfrom(2048)
        if source[0] == lab[2].ip:
            heard.append(time.monotonic())
        return data

    told = []

    def old_hears():
        old.hear()
        if old.peer(name) and not told:
            told.append(time.monotonic())

    parts = [(tap, hear), *new.descriptors(), (old.process.stdout, old_hears)]
    wait(parts, lambda: new.ready)
    since = time.monotonic()
    new.command((Atom("alive"), new.identity))
    wait(parts, lambda: heard and "up" in new.times and told)
    t = new.times
    new.command((Atom("leave"), Atom("left")))
    wait(parts, lambda: not old.peer(name))
    new.close()
    tap.close()
    return [1000 * s for s in (t["ready"] - t["spawn"], heard[0] - since, t["up"] - heard[0], told[0] - heard[0])]


runs = {}


def measure(keys, starts):
    lab, world = Lab(2), World()
    try:
        old = world.add(Sidecar(lab[1], keys, "old@h1", cookie=COOKIE))
        world.until(lambda: old.ready, "the first runs")
        world.run(1)
        return [start(lab, old, keys, n) for n in range(1, starts + 1)]
    finally:
        world.close()
        lab.close()


def main():
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    for name, of in (("median", statistics.median), ("least", min)):
        runs.setdefault("spawn", [version() for _ in range(starts)])
        spawn, base = of(runs["spawn"]), None
        for kind, keys in KINDS.items():
            if kind not in runs:
                runs[kind] = measure(keys, starts)
            ready, beat, answer, other = (of(column) for column in zip(*runs[kind]))
            base = base or ready
            print(f"{name:7} {kind:19} spawn {spawn:4.1f}  configure {base - spawn:5.1f}  derive {ready - base:5.1f}  "
                  f"beat {beat:5.2f}  answer {answer:5.2f} (the other {other:5.2f})  in all {ready + beat + answer:5.1f} ms",
                  flush=True)


if __name__ == "__main__":
    main()
