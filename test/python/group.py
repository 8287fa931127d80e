"""What the tests with real gossipds share: a lab, a world, and a group that has formed."""
import os
import subprocess
import unittest

import seal
import sidecar
from lab import Lab
from sidecar import Sidecar, ready
from term import Atom
from world import GROUP, PATIENCE, PORT, Node, World

SCOPE = seal.scope(GROUP, PORT, b"")
KEY = bytes(range(32))
RING = seal.Ring(seal.Key(seal.KEY, KEY, SCOPE))
KEYS = [(Atom("key"), KEY)]
COOKIE = b"ABCDEFGHIJKLMNOPQRST"
INTERVAL = 500


def setUpModule():
    """Builds the real ones, where bin/test has not."""
    if "GOSSIP_BUILD" not in os.environ:
        for command in (["cmake", "--preset", "sanitize"],
                        ["cmake", "--build", "--preset", "sanitize", "--target", "gossipd", "gossip_crowd"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class GroupCase(unittest.TestCase):
    """A group of real sidecars, s1@h1 and so on, on the first hosts of a lab; a test adds what it needs."""

    hosts, sidecars, options = 4, 3, {}

    def setUp(self):
        self.lab = Lab(self.hosts)
        self.addCleanup(self.lab.close)
        self.world = World()
        self.addCleanup(self.world.close)
        self.prepare()
        self.real = [self.sidecar(n) for n in range(1, self.sidecars + 1)]
        ready(self.world, self.real)
        self.until(lambda: all(len(s.peers) == len(self.real) - 1 for s in self.real), "the group has formed")

    def prepare(self):
        """What a test makes of the lab, before anybody is in it."""

    def sidecar(self, number, keys=None, **options):
        options = {"interval": INTERVAL, "cookie": COOKIE, **self.options, **options}
        return self.world.add(Sidecar(self.lab[number], keys or KEYS, f"s{number}@h{number}", **options))

    def node(self, number, name="py", ring=RING, **options):
        """A Python member, which has announced itself."""
        node = Node(self.lab[number], ring, f"{name}@h{number}", cookie=COOKIE, interval=INTERVAL, **options)
        self.world.add(node)
        node.member.announce()
        return node

    def joined(self, number, name="py", ring=RING, **options):
        node = self.node(number, name, ring, **options)
        self.until(lambda: self.all_list(node), f"{node.member.name} is listed by all, and lists all",
                   show=lambda: f"{node.names()} {node.member.counters} {[s.names() for s in self.real]}")
        return node

    def all_list(self, node):
        name = node.member.name
        return node.names() >= {s.name for s in self.real} and all(name in s.names() for s in self.real)

    @staticmethod
    def events_of(node):
        """What a Python member has found out, but for whom it suspects, and who is alive again: see Sidecar.changes."""
        return [e[0] for e in node.member.events if e[0] not in ("suspect", "alive")]

    def until(self, condition, what, limit=PATIENCE, show=None):
        self.world.until(condition, what, limit, show)

    def stats(self, s, *names):
        stats = s.ask_stats(self.world)
        return [stats.get(name, 0) for name in names]

    def assert_never_down(self, name):
        for s in self.real:
            self.assertEqual(s.seen("down", name), [], s.name)


__all__ = ["BUILD", "GroupCase", "KEY", "KEYS", "RING", "SCOPE", "setUpModule"]
BUILD = sidecar.BUILD
