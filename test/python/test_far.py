"""The member that was written from PROTOCOL.md where no multicast leads: it finds real gossipds by a seed, and lives among
them by unicast alone."""
import random
import socket
import unittest

import message as wire
import rank
from group import INTERVAL, GroupCase, setUpModule  # noqa: F401
from lab import dropped, nft
from sidecar import ready
from term import Atom
from world import GROUP

PORTS = (45894, 45901)
# What goes to the group does not leave the host, and does not come in: counted.
NO_GROUP = f"""table ip lab {{
chain out {{\ntype filter hook output priority 0;\nip daddr {GROUP} counter drop\n}}
chain in {{\ntype filter hook input priority 0;\nip daddr {GROUP} counter drop\n}}
}}\n"""
NEVER = ("foreign", "forged", "malformed", "misdirected", "relayed", "stale")


class FarCase(GroupCase):
    options = {"unicast_port": PORTS}

    def setUp(self):
        super().setUp()
        self.before = {s.name: self.stats(s, *NEVER) for s in self.real}  # seven who begin at once overtake each other

    def seed(self, number):
        return [(self.lab[number].ip, port) for port in range(PORTS[0], PORTS[1] + 1)]

    def boots(self):
        return {boot for s in self.real for boot in s.peers}

    def boot_linked_with(self, most):
        """One whose links are so few: of all others it is told by news alone. It watches some, or it would ask nobody."""
        boots = self.boots()
        while True:
            boot = random.getrandbits(64) | 1
            others = [int.from_bytes(b, "big") for b in boots]
            all_ = [boot, *others]
            watched = [b for b in others if rank.rank(boot, b, all_) < 3]
            linked = [b for b in others if b in watched or rank.rank(b, boot, all_) < 3]
            if watched and len(linked) <= most:
                return boot

    def peer(self, node, name):
        return next((p for p in node.member.peers.values() if p.name == name), None)

    def told(self, node, name):
        return [e[0] if e[0] != "down" else e[2] for e in node.member.events if e[1:2] == (name,)]

    def unlinked(self, node):
        linked = {p.boot for p in node.member.links()}
        return [s for s in self.real if (p := self.peer(node, s.name)) and p.boot not in linked]

    def assert_nothing_wrong(self, node):
        for s in self.real:
            if s.name in self.before:
                self.assertEqual(self.stats(s, *NEVER), self.before[s.name], s.name)
        self.assertEqual([node.member.counters[n] for n in NEVER], [0] * len(NEVER))

    def assert_nobody_alone(self, node):
        """All deaths were found by asking, and by what others say; who took itself for cut off buries after 30 T."""
        self.assertNotIn(("health", "isolated"), node.member.events)
        for s in self.real:
            self.assertNotIn("isolated", [e[1] for e in s.seen("health")], s.name)

    def dies(self, s):
        self.real.remove(s)
        self.world.remove(s)


class FarTest(FarCase):
    """The real ones hear each other by the group, and it hears nobody by that."""

    hosts, sidecars = 8, 7

    def setUp(self):
        super().setUp()
        nft(self.lab[8], NO_GROUP)
        self.ways = set()  # by which it is spoken to: (name, by the group, FAR)

    def beyond(self, **options):
        node = self.node(8, seeds=[self.seed(1)], boot=self.boot_linked_with(5), **options)
        node.member.listeners.append(lambda p, m: self.ways.add((p.name, m.by_group, m.far)))
        self.until(lambda: self.all_list(node), "all list each other", show=lambda: f"{node.names()} {node.member.counters}")
        self.until(lambda: node.member.has_joined(), "it has joined")
        return node

    def test_joins_by_a_seed_and_lives_by_unicast(self):
        tags, host = {b"role": b"py"}, (Atom("false"), [(10, 78, 0, 8)])
        node = self.beyond(tags={"role": "py"}, host=(False, ("10.78.0.8",)))
        self.world.run(3 * INTERVAL / 1000)
        self.assertGreater(dropped(self.lab[8]), 0)
        self.assertGreater(len(self.unlinked(node)), 0)
        self.assertEqual(self.events_of(node), ["up"] * 7)
        for s in self.real:
            peer = s.peer("py@h8")
            self.assertEqual((peer["tags"], peer["status"]), (tags, "alive"), s.name)
            self.assertEqual(peer["host"][1], host[1])
        self.assert_never_down("py@h8")
        self.assertGreaterEqual(node.member.counters["asked"], 3)
        # Not once by the group; and as it hears nobody, nobody hears it.
        self.assertEqual({way[1] for way in self.ways}, {False})
        self.assertEqual({name for name, _, far in self.ways if far} | {s.name for s in self.unlinked(node)},
                         {s.name for s in self.real})
        self.assertTrue(all(p.far for p in node.member.peers.values()))
        self.assert_nothing_wrong(node)
        self.changes_are_news(node)
        self.what_is_missed_is_pulled(node)
        self.goodbyes(node)

    def changes_are_news(self, node):
        node.member.put_tags({"role": "db"})
        self.until(lambda: all(s.peer("py@h8")["tags"] == {b"role": b"db"} for s in self.real), "all are told")
        node.member.beam_age = 65535
        self.until(lambda: all(s.peer("py@h8")["status"] == "stalled" for s in self.real), "its BEAM is stalled for all")
        node.member.beam_age = 0
        self.until(lambda: all(s.peer("py@h8")["status"] == "alive" for s in self.real), "its BEAM lives for all")
        other = self.unlinked(node)[0]
        p = self.peer(node, other.name)
        other.identity[Atom("tags")] = b"\4role\3web"
        other.command((Atom("alive"), other.identity))
        self.until(lambda: p.tags and p.tags[1] == {"role": "web"}, "its tags come with the news")
        other.pulse_at = float("inf")
        self.until(lambda: p.stalled, "so does that its BEAM is stalled")
        other.pulse_at = 0
        self.until(lambda: not p.stalled, "and that it is not any more")
        self.assertGreaterEqual(p.incarnation, 3)

    def what_is_missed_is_pulled(self, node):
        name, pages = self.unlinked(node)[1].name, node.member.counters["pages"]

        def pulled():
            p, again = self.peer(node, name), node.member.counters["pages"] == pages
            if p and again:  # it was news just now, or never missed yet
                del node.member.peers[p.boot]
            return p and not again
        self.until(pulled, "the digests differ, and it pulls")

    def goodbyes(self, node):
        """Each is told of by all others, and by none but it is said to."""
        left, ended = self.unlinked(node)[0], self.real[0] if self.real[0] is not self.unlinked(node)[0] else self.real[1]
        left.command(Atom("hide"))
        self.until(lambda: "left" in self.told(node, left.name), "it is told")
        ended.command((Atom("leave"), Atom("beam_exit")))
        self.until(lambda: "beam_exit" in self.told(node, ended.name), "it is told")
        rest = [s for s in self.real if s not in (left, ended)]
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h8") for s in rest), "its own is heard by all")
        self.assertEqual({e[2] for s in rest for e in s.seen("down", "py@h8")}, {"left"})

    def test_deaths_are_known(self):
        node = self.beyond()
        self.world.run(INTERVAL / 1000)
        linked = next(s for s in self.real if s not in self.unlinked(node) and s is not self.real[0])
        for dead in (self.unlinked(node)[0], linked):
            self.dies(dead)
            self.until(lambda dead=dead: "silent" in self.told(node, dead.name), f"it knows that {dead.name} is dead")
            self.until(lambda dead=dead: all(s.peer(dead.name) is None for s in self.real), "all do")
        # One that lives is said to be dead: it, or whoever knows better, says so.
        p = self.peer(node, self.real[-1].name)
        known = p.incarnation
        node.member.say(wire.NEWS, self.peer(node, self.real[0].name).address, self.peer(node, self.real[0].name).boot,
                        verdicts=[(wire.DEAD, node.member.boot, node.member.incarnation), (wire.DEAD, p.boot, known)])
        self.world.run(0.6)
        self.assertEqual([e for s in self.real for e in s.seen("down", p.name) + s.seen("down", "py@h8")], [])
        self.assertEqual(self.told(node, p.name), ["up"])
        self.world.remove(node)
        self.until(lambda: all(s.seen("down", "py@h8") for s in self.real), "all know that it is dead")
        self.assertEqual({e[2] for s in self.real for e in s.seen("down", "py@h8")}, {"silent"})
        self.assert_nobody_alone(node)


class AllFarTest(FarCase):
    """Nobody hears anybody by the group."""

    hosts, sidecars = 8, 6

    def sidecar(self, number, keys=None, seeds=None, **options):
        nft(self.lab[number], NO_GROUP)
        s = super().sidecar(number, keys, **options)
        seeds = seeds or [(socket.inet_aton(self.lab[1].ip), *PORTS)]
        s.command((Atom("seeds"), seeds))
        return s

    def test_passes_on_what_is_new(self):
        nft(self.lab[7], NO_GROUP)
        node = self.joined(7, seeds=[self.seed(2)])
        self.until(lambda: node.member.has_joined(), "it has joined")
        flooded = node.member.counters["flooded"]
        # It is the only seed of one more, which all hear of by it.
        late = self.sidecar(8, seeds=[(socket.inet_aton(node.address[0]), node.address[1], node.address[1])])
        self.real.append(late)
        ready(self.world, [late])
        self.until(lambda: len(late.peers) == 7 and self.all_list(node), "it lists all, and all list it",
                   show=lambda: f"{late.names()} {node.names()} {node.member.counters}")
        self.until(lambda: all("s8@h8" in s.names() for s in self.real if s is not late), "all list it")
        # What is new goes on 2 ms after it came, and all may list that one before.
        self.until(lambda: node.member.counters["flooded"] > flooded, "it has passed it on")
        self.world.run(2 * INTERVAL / 1000)
        self.dies(late)
        self.until(lambda: "silent" in self.told(node, "s8@h8") and all(s.seen("down", "s8@h8") for s in self.real),
                   "all know that it is dead")
        self.assert_nobody_alone(node)
        self.assertEqual([e for s in self.real for e in s.seen("down") if e[1]["name"] != b"s8@h8"], [])
        self.assertEqual({e[0] for e in node.member.events if e[0] == "down" and e[1] != "s8@h8"}, set())
        self.assert_nothing_wrong(node)
        # It alone is cut off, buries nobody alone, and all are back without a seed.
        node.member.seeds.clear()
        self.lab.cut(self.lab[7])
        self.until(lambda: all(s.seen("down", "py@h7") for s in self.real), "it is dead for all")
        self.lab.heal(self.lab[7])
        self.until(lambda: self.all_list(node), "all list each other again",
                   show=lambda: f"{node.names()} {[s.names() for s in self.real]} {node.member.counters} {node.member.events}")
        for s in self.real:
            self.assertEqual([e for e in s.seen("down") if e[1]["name"] not in (b"s8@h8", b"py@h7")], [])
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h7")[-1][2] == "left" for s in self.real), "its goodbye is heard by all")


if __name__ == "__main__":
    unittest.main()
