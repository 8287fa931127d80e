"""The member that was written from PROTOCOL.md, among real gossipds: whatever it does, they understand."""
import os
import socket
import struct
import subprocess
import unittest

import message as wire
import seal
from group import BUILD, COOKIE, INTERVAL, KEY, KEYS, RING, SCOPE, GroupCase, setUpModule  # noqa: F401
from lab import dropped, ip, nft
from sidecar import ready
from term import Atom
from world import BROADCAST, GROUP, GROUP6

# Rules of nft: %s is what is lost, and counted.
LOSE_OUT = "table ip lab {\nchain out {\ntype filter hook output priority 0;\n%s counter drop\n}\n}\n"
LOSE_IN = "table ip lab {\nchain in {\ntype filter hook input priority 0;\n%s counter drop\n}\n}\n"


class DualStackTest(GroupCase):
    """The real ones have both families."""

    options = {"group6": GROUP6.encode()}

    def test_one_with_ipv6_alone_joins_and_leaves(self):
        host = self.lab[4]
        for h in [host] + [s.host for s in self.real]:
            self.until(lambda h=h: self.lab.link_local(h), "the kernel has given an address")
        node = self.joined(4, ipv6=self.lab.link_local(host))
        ip = tuple(struct.unpack(">8H", socket.inet_pton(socket.AF_INET6, node.address[0])))
        for s in self.real:
            self.assertEqual([a[:2] for a in s.peer("py@h4")["addresses"]], [(ip, node.address[1])])
            self.assertGreater(s.peer("py@h4")["addresses"][0][2], 0)
        self.assertTrue(all(":" in p.address[0] for p in node.member.peers.values()))
        self.world.run(3)  # long enough for who cannot be asked to be buried
        self.assertEqual(self.events_of(node), ["up"] * 3)
        self.assert_never_down("py@h4")
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h4") for s in self.real), "it has left")
        for s in self.real:
            self.assertEqual([e[2] for e in s.seen("down", "py@h4")], ["left"])
            self.assertEqual(self.stats(s, "foreign", "forged", "malformed", "misdirected", "relayed"), [0] * 5)

    def test_one_with_ipv4_alone_joins_them_as_ever(self):
        node = self.joined(4)
        for s in self.real:
            self.assertEqual(s.peer("py@h4")["addresses"][0][:2],
                             (tuple(socket.inet_aton(node.address[0])), node.address[1]))


class BroadcastTest(GroupCase):
    """The real ones broadcast, too."""

    options = {"broadcast": True}

    def test_one_without_multicast_joins_and_with_both_hears_each_once(self):
        nft(self.lab[4], "table ip lab {\n" + "".join(
            f"chain {way} {{\ntype filter hook {way} priority 0;\nip daddr {GROUP} counter drop\n}}\n"
            for way in ("input", "output")) + "}\n")
        node = self.joined(4, broadcast=True)
        self.assertGreater(dropped(self.lab[4]), 0)
        self.assertFalse(any(p.far for p in node.member.peers.values()))
        # Not by what the member dropped: what its sender had sent before it was proven is dropped, too, if it is read later.
        self.until(lambda: node.came.total() > 6, "it hears the others")
        self.assertEqual(node.came_twice(), 0)
        dropped_before = node.member.counters["replayed"]
        real = self.real[0]  # to which nobody else's copies come from now on
        nft(real.host, LOSE_IN % f"ip saddr != {node.host.ip} ip daddr {BROADCAST}")
        nft(self.lab[4], "delete table ip lab\n")
        copies, replayed = self.stats(real, "copies", "replayed")
        self.until(lambda: node.came_twice() > 6, "copies have come to it")
        self.assertGreater(node.member.counters["replayed"] - dropped_before, 6)  # and do not count
        self.until(lambda: self.stats(real, "copies")[0] > copies + 2, "its copies have come, and do not count")
        self.assertEqual(self.stats(real, "replayed"), [replayed])
        self.assertEqual(self.events_of(node), ["up"] * 3)
        self.assert_never_down("py@h4")
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h4") for s in self.real), "it has left")
        for s in self.real:
            self.assertEqual([e[2] for e in s.seen("down", "py@h4")], ["left"])
            self.assertEqual(self.stats(s, "foreign", "forged", "malformed", "misdirected", "relayed"), [0] * 5)


class JoinTest(GroupCase):
    def test_joins_is_listed_and_leaves(self):
        node = self.joined(4, creation=77, port=4371, flags=wire.LONG_NAMES | wire.HIDDEN)
        for s in self.real:
            peer = s.peer("py@h4")
            self.assertEqual((peer["creation"], peer["port"], peer["hidden"], peer["tls"]), (77, 4371, True, False))
            self.assertEqual(peer["addresses"][0][:2], (tuple(socket.inet_aton(node.address[0])), node.address[1]))
        self.until(lambda: node.member.has_joined(), "it has joined")
        # Where three in a row are too busy to answer, it has joined without: it asks again T later.
        self.until(lambda: node.member.counters["pages"] >= 1, "it has a page")
        self.world.run(1)  # in which nobody asks it anything that it does not answer
        for s in self.real:
            # A vouch has no fingerprint, and that the cookie proves to be the same is no news: the snapshot has it.
            s.command(Atom("snapshot"))
            self.until(lambda s=s: s.peer("py@h4")["cookie"] == "same", "its cookie is known")
        self.assertEqual({p.fingerprint for p in node.member.peers.values()}, {RING.keys[0].fingerprint(COOKIE)})
        self.assertEqual(self.events_of(node), ["up"] * 3)
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h4") for s in self.real), "it has left")
        for s in self.real:
            self.assertEqual([e[2] for e in s.seen("down", "py@h4")], ["left"])
            self.assertEqual(s.changes("py@h4"), [])
            stats = s.ask_stats(self.world)
            for counter in ("foreign", "forged", "malformed", "misdirected", "relayed", "stale"):
                self.assertEqual(stats.get(counter, 0), 0, f"{counter} of {s.name}")

    def test_tags_are_understood_both_ways(self):
        node, first = self.joined(4, tags={"role": "py", "zone": "a"}), self.real[0]
        for tags in ({"role": "py", "zone": "a"}, {"role": "db"}, {}):
            if node.member.tags[1] != tags:
                node.member.put_tags(tags)
            told = {k.encode(): v.encode() for k, v in tags.items()}
            self.until(lambda: all((s.peer("py@h4") or {}).get("tags") == told for s in self.real), f"{tags} are told")
        peer = next(p for p in node.member.peers.values() if p.name == first.name)
        for value, tags in ((b"\4role\3web", (2, {"role": "web"})), (b"", (2, {}))):
            first.identity[Atom("tags")] = value
            first.command((Atom("alive"), first.identity))
            self.until(lambda: peer.tags == tags, f"{tags} are told")

    def test_sees_a_real_one_leave_and_end(self):
        node = self.joined(4)
        self.real[0].command(Atom("hide"))
        self.until(lambda: ("down", "s1@h1", "left") in node.member.events, "it is told")
        self.real[1].command((Atom("leave"), Atom("beam_exit")))
        self.until(lambda: ("down", "s2@h2", "beam_exit") in node.member.events, "it is told")

    def test_refutes_what_is_said_of_it(self):
        node, liar = self.joined(4, "py"), self.joined(4, "liar")
        # Both on one host: neither hears itself, and each the other.
        for verdict in (wire.SUSPECT, wire.DEAD):
            incarnation = node.member.incarnation
            liar.member.say(wire.NEWS, verdicts=[(verdict, node.member.boot, incarnation)])
            self.until(lambda: node.member.incarnation > incarnation, "it refutes")
            self.until(lambda: all((s.peer("py@h4") or {}).get("status") == "alive" for s in self.real),
                       "all believe it")
        self.world.run(1)
        self.assert_never_down("py@h4")
        self.assertEqual(node.member.counters["refuted"], 2)
        self.until(lambda: all(p.incarnation == node.member.incarnation for p in liar.member.peers.values()
                               if p.name == "py@h4"), "the liar, too, has heard it")

    def test_is_believed_by_those_who_had_buried_it(self):
        node, liar = self.joined(4, "py"), self.joined(4, "liar")
        nft(self.lab[4], LOSE_OUT % f"udp sport {node.address[1]}")
        self.world.run(1.25 * 0.5 + 0.05)  # nobody has heard it for 1.25 T
        liar.member.say(wire.NEWS, verdicts=[(wire.DEAD, node.member.boot, node.member.incarnation)])
        self.until(lambda: all(s.seen("down", "py@h4") for s in self.real), "they believe it")
        self.assertGreater(dropped(self.lab[4]), 0)
        nft(self.lab[4], "delete table ip lab\n")
        self.until(lambda: all("py@h4" in s.names() for s in self.real), "they list it again")
        self.assertGreaterEqual(node.member.incarnation, 1)


class DisconnectTest(GroupCase):
    def boot(self, node, name):
        return next(p.boot for p in node.member.peers.values() if p.name == name)

    def told(self, s):
        return [e[2] for e in s.seen("disconnected", "py@h4")]

    def test_says_and_hears_that_a_connection_was_ended_on_purpose(self):
        node, said = self.joined(4), []
        boot, s1 = self.boot(node, "s1@h1"), self.real[0]
        out = node.member.out
        node.member.out = lambda data, to: (said.append(data), out(data, to))
        ended = node.member.clock()
        node.member.disconnect(boot)
        self.until(lambda: boot not in node.member.ending, "it is acknowledged")
        self.until(lambda: len(self.told(s1)) == 1, "its owner is told")
        # What is known of its clock is never ahead of it.
        self.assertLessEqual(self.told(s1)[0], (node.member.clock() - ended) // 1000)
        s1.command((Atom("disconnected"), node.member.boot.to_bytes(8, "big")))
        self.until(lambda: [e for e in node.member.events if e[0] == "disconnected"], "it is told")
        self.world.run(1.5)  # what is acknowledged is not said again
        self.assertEqual([e[1] for e in node.member.events if e[0] == "disconnected"], ["s1@h1"])
        self.assertEqual([len(self.told(s)) for s in self.real], [1, 0, 0])
        # A recording of all that it has said, to all: nothing of it is new.
        for s in self.real:
            for data in said:
                out(data, (s.host.ip, node.member.peers[self.boot(node, s.name)].address[1]))
        self.world.run(0.5)
        self.assertEqual([len(self.told(s)) for s in self.real], [1, 0, 0])

    def test_says_it_to_the_group_where_no_unicast_passes(self):
        node = self.joined(4)
        nft(self.lab[4], LOSE_OUT % f"ip daddr {self.lab[1].ip}")
        node.member.disconnect(self.boot(node, "s1@h1"))
        self.until(lambda: len(self.told(self.real[0])) == 1, "its owner is told")
        self.assertGreaterEqual(dropped(self.lab[4]), 3)
        self.assertGreaterEqual(self.told(self.real[0])[0], 100)
        self.assertEqual([len(self.told(s)) for s in self.real], [1, 0, 0])

    def test_is_not_believed_of_another_time_or_target(self):
        node = self.joined(4)
        boot, s1 = self.boot(node, "s1@h1"), self.real[0]
        to, now = node.member.peers[boot].address, node.member.clock
        for when in (now() - 2_500_000, now() + 5_000_000):
            node.member.say(wire.DISCONNECT, to, boot, asks=True, ended=when)
        node.member.say(wire.DISCONNECT, asks=True, target=self.boot(node, "s2@h2"), ended=now())
        node.member.say(wire.DISCONNECT, asks=True, ended=now())
        node.member.say(wire.DISCONNECT, to, boot, asks=True)
        self.until(lambda: len(self.told(self.real[1])) == 1, "the one who is named is told")
        self.world.run(0.3)
        self.assertEqual(self.told(s1), [])


class LifeTest(GroupCase):
    def test_answers_probes_while_its_beats_are_lost(self):
        node, probes = self.joined(4), []
        node.member.listeners.append(lambda p, m: probes.append(p.name) if m.type == wire.PROBE else None)
        nft(self.lab[4], LOSE_OUT % f"ip daddr {GROUP}")
        self.world.run(3)
        self.assertGreaterEqual(dropped(self.lab[4]), 3)
        self.assertEqual(set(probes), {s.name for s in self.real})
        self.assert_never_down("py@h4")
        for s in self.real:
            self.assertEqual([e[1]["status"] for e in s.seen("update", "py@h4")], [])

    def test_relays_for_two_who_do_not_hear_each_other(self):
        node = self.joined(4)
        for here, there in ((1, 2), (2, 1)):
            nft(self.lab[here], LOSE_IN % f"ip saddr {self.lab[there].ip}")
        self.until(lambda: node.member.counters["passed_on"] >= 4, "it passes answers on")
        self.world.run(1)
        for here in (1, 2):
            self.assertGreater(dropped(self.lab[here]), 5)
        for name in ("s1@h1", "s2@h2"):
            self.assert_never_down(name)
        self.assertEqual([e for e in node.member.events if e[0] == "down"], [])

    def test_watches_and_tells(self):
        node = self.joined(4)
        self.lab.cut(self.lab[3])
        self.until(lambda: ("down", "s3@h3", "silent") in node.member.events and
                   all(s.seen("down", "s3@h3") for s in self.real[:2]), "all are told")
        self.assertEqual({e[2] for s in self.real[:2] for e in s.seen("down", "s3@h3")}, {"silent"})
        probes = [(d, to) for d, to in node.sent if to and to[0] == self.lab[3].ip]
        self.assertGreater(len(probes), 3)
        self.lab.heal(self.lab[3])
        self.until(lambda: "s3@h3" in node.names() and self.all_list(node) and len(self.real[2].peers) == 3,
                   "all list each other again")

    def test_its_verdict_is_believed(self):
        # Where no unicast passes nobody can help, and the real ones suspect nobody before 6 T of silence.
        node = self.joined(4)
        for n in (1, 2, 4):
            nft(self.lab[n], LOSE_OUT % f"ip daddr != {GROUP}")
        for s in self.real:
            s.events.clear()
        self.lab.cut(self.lab[3])
        p = next(p for p in node.member.peers.values() if p.name == "s3@h3")
        self.until(lambda: node.member.core_time() - p.heard > 1.25 * INTERVAL / 1000 + 0.02, "it is silent")
        node.member.say(wire.NEWS, verdicts=[(wire.DEAD, p.boot, 0)])
        self.until(lambda: all(s.seen("down", "s3@h3") for s in self.real[:2]), "they believe it")
        for s in self.real[:2]:  # who finds it out itself suspects it first
            self.assertEqual(s.seen("update", "s3@h3"), [], s.name)


class KeysTest(GroupCase):
    sidecars = 0

    def test_each_seals_with_its_first_key_and_opens_every(self):
        passphrase, cookie = "gr\u00fc\u00df Gott".encode(), COOKIE
        a, b = seal.Key(seal.PASSPHRASE, passphrase, SCOPE), seal.Key(seal.COOKIE, cookie, SCOPE)
        self.real = [self.sidecar(1, [(Atom("passphrase"), passphrase), (Atom("cookie"), cookie)])]
        ready(self.world, self.real)
        node = self.joined(4, ring=seal.Ring(b, a))
        # Who seals with another key makes another fingerprint of the same cookie.
        self.assertEqual(node.sent[0][0][:8], b.prefix)
        stranger = self.node(3, "stranger")
        self.until(lambda: self.stats(self.real[0], "foreign")[0] >= 3, "another cluster is foreign")
        self.assertEqual((stranger.names(), self.real[0].names()), (set(), {"py@h4"}))
        self.until(lambda: stranger.member.counters["foreign"] >= 3, "both are foreign to it")


class CrowdTest(GroupCase):
    hosts, sidecars = 4, 1
    members, first = 40, 51

    def crowd(self, number):
        """Forty real cores in one process, with an address each."""
        host = self.lab[number]
        ip("-n", host.netns, "-batch", "-", text="".join(
            f"address add 10.78.0.{self.first + i}/24 dev eth0\n" for i in range(self.members)))
        index = ip("-n", host.netns, "-o", "link", "show", "eth0").split(":")[0]
        process = subprocess.Popen(
            ["ip", "netns", "exec", host.netns, f"{BUILD}/gossip_crowd", str(self.members), f"h{number}",
             f"10.78.0.{self.first}", index, "4370", "2000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # its members end with it
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        process.stdin.write(KEY + COOKIE + b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return {f"z{i}@h{number}" for i in range(1, self.members + 1)}

    def test_pulls_pages_and_serves_them(self):
        names = self.crowd(2) | {"s1@h1"}
        self.until(lambda: len(self.real[0].peers) == self.members, "one knows the whole crowd")
        # What the others know each of them says itself; a page of one that knows few is the last one.
        first = self.joined(4, "first")
        self.until(lambda: first.names() == names and all(p.size == len(names) + 1 for p in first.member.peers.values()),
                   "each knows all")
        first.member.leave()
        self.until(lambda: self.real[0].seen("down", "first@h4"), "it has left")
        self.world.remove(first)
        node = self.joined(4)
        self.until(lambda: node.names() == names, "it lists all", show=lambda: names - node.names())
        self.until(lambda: node.member.has_joined(), "it has joined")
        self.until(lambda: node.member.counters["pages"] >= 2, "it has all pages")
        # A newcomer that hears nobody but this member.
        nft(self.lab[3], LOSE_IN % f"ip saddr != {{ {self.lab[4].ip}, {self.lab[3].ip}, 127.0.0.1 }}")
        late = self.sidecar(3)
        ready(self.world, [late])
        self.until(lambda: late.names() == names | {"py@h4"}, "the newcomer lists all",
                   show=lambda: f"{names - late.names()} {node.member.counters}")
        self.assertGreaterEqual(node.member.counters["served"], 2)
        self.assertGreater(dropped(self.lab[3]), 0)


if __name__ == "__main__":
    unittest.main()
