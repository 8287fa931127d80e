"""Attacks on real gossipds. Without the key: become a member's address by relaying, bring the departed back,
amplify. With it: say that a living one has left, name one address in a thousand entries. Each is really
carried out, and what stopped it has counted it."""
import time
import unittest
from collections import Counter

import message as wire
from attack import Attacker, Recorder
from flood import Flood, Tap, recording
from group import COOKIE, INTERVAL, RING, GroupCase, setUpModule  # noqa: F401
from lab import ip, nft
from sidecar import ready
from test_group import LOSE_IN
from world import GROUP, PORT, Node


def opened(data):
    """What the attacker cannot know of a datagram."""
    boot, sequence, text = RING.open(data)
    return wire.decode(text), sequence


def kinds(packets):
    return Counter(opened(p[0])[0].type for p in packets)


class OutsiderCase(GroupCase):
    def setUp(self):
        """Beats of a session that has ended before any of the group began: nobody has ever heard them."""
        super().setUp()
        self.attacker = self.world.add(Attacker(self.lab[self.hosts]))

    def record_a_session(self):
        """As above, for groups that are started by hand."""
        attacker = self.world.add(Attacker(self.lab[self.hosts]))
        ended = Node(self.lab[1], RING, "ended@h1", cookie=COOKIE, interval=100)
        self.world.add(ended)
        ended.member.at("beat", 0, ended.member.beat)
        ended.member.announced_at = ended.member.now
        self.until(lambda: len(attacker.heard) >= 8, "the attacker has recorded beats")
        self.world.remove(ended)
        recorded = [data for data, _ in attacker.heard]
        self.world.remove(attacker)
        return recorded


class RelayTest(OutsiderCase):
    def test_nobody_becomes_the_address_of_a_member_by_passing_on_what_is_said(self):
        x, z = self.real[0], self.real[1]
        x_address = z.peer("s1@h1")["addresses"][0]
        x_socket = (".".join(map(str, x_address[0])), x_address[1])
        z_address = x.peer("s2@h2")["addresses"][0]
        z_socket = (".".join(map(str, z_address[0])), z_address[1])
        passed_on, questions = Counter(), []

        def on_group(data, source):  # X's beats, which Z hears from the attacker alone
            if source == x_socket:
                passed_on["beats"] += 1
                self.attacker.send(data)

        def on_private(data, source):  # Z's questions go to X, X's answers to Z
            if source == z_socket:
                passed_on["questions"] += 1
                questions.append(data)
                self.attacker.send(data, x_socket)
            elif source == x_socket:
                passed_on["answers"] += 1
                self.attacker.send(data, z_socket)

        self.attacker.on_group, self.attacker.on_private = on_group, on_private
        before = self.stats(x, "relayed")[0]
        nft(self.lab[2], LOSE_IN % f"ip saddr {self.lab[1].ip} ip daddr {GROUP}")
        self.until(lambda: passed_on["questions"] >= 2, "Z asks the attacker whether he is X",
                   show=lambda: str(passed_on))
        self.world.run(0.3)
        self.attacker.on_private = lambda data, source: None  # or one more may go while X tells what it has counted
        self.until(lambda: self.stats(x, "relayed")[0] - before >= passed_on["questions"], "all are counted")
        self.assertGreaterEqual(passed_on["beats"], 2)
        self.assertEqual(passed_on["answers"], 0)
        self.assertEqual(self.stats(x, "relayed")[0] - before, passed_on["questions"])
        self.assertEqual(z.changes("s1@h1"), [])
        self.assertEqual(z.peer("s1@h1")["addresses"], [x_address])
        self.assert_never_down("s1@h1")
        # A NAT looks the same: after eight of them, a person is told once what it may be.
        for _ in range(12):
            self.attacker.send(questions[-1], x_socket)
        self.until(lambda: self.stats(x, "relayed")[0] - before == passed_on["questions"] + 12, "all are counted")
        told = [text for _, text in x.logs if "somebody relays them, or a NAT" in text]
        self.assertEqual(len(told), 1)


class HarvestTest(OutsiderCase):
    sidecars = 0

    def test_what_is_said_to_one_counts_nowhere_else(self):
        recorded = self.record_a_session()
        self.real = [self.sidecar(n) for n in (1, 2, 3)]
        ready(self.world, self.real)
        self.until(lambda: all(len(s.peers) == 2 for s in self.real), "the group has formed")
        self.world.run(1)
        for data in recorded:
            self.attacker.send(data)
            self.world.run(0.05)
        self.until(lambda: len(self.attacker.got) >= 3, "answers are harvested")
        harvest = list(self.attacker.got)
        self.assertEqual({opened(data)[0].type for data, _ in harvest}, {wire.ACK})
        # To each of the group, and to the group; as they came, and as if from whom they are.
        before = {s.name: self.stats(s, "misdirected")[0] for s in self.real}
        sockets = {s.name: ((".".join(map(str, a[0])), a[1])) for s in self.real for o in self.real if o is not s
                   for a in [o.peer(s.name)["addresses"][0]]}
        got = len(self.attacker.got)
        for data, source in harvest[:3]:
            for to in sockets.values():
                self.attacker.send(data, to)
                self.attacker.forge(data, source, to)
            self.attacker.send(data)
        self.world.run(0.5)
        misdirected = 0
        for s in self.real:
            # Three ways each; what it has said itself it knows for its own.
            came = 3 * sum(source != sockets[s.name] for _, source in harvest[:3])
            self.until(lambda s=s, came=came: self.stats(s, "misdirected")[0] - before[s.name] >= came, "all are counted")
            self.assertEqual(self.stats(s, "misdirected")[0] - before[s.name], came, s.name)
            misdirected += came
            self.assertEqual([e for o in self.real for e in s.changes(o.name)], [], s.name)
            self.assertEqual(s.seen("down"), [], s.name)
            self.assertEqual(len(s.peers), 2)
        self.assertEqual(misdirected, 3 * 3 * 2)
        self.assertEqual(len(self.attacker.got), got)


class DepartedTest(OutsiderCase):
    hosts = 5

    def test_no_recorded_page_and_no_recorded_vouch_brings_back_who_has_left(self):
        gone = self.joined(4, "gone")
        recorder = self.world.add(Recorder(self.lab[5]))
        late = self.joined(5, "late")
        nodes = [gone, late]

        def named(packets):
            return [e.name for p in packets for e in opened(p[0])[0].entries]

        def pages():
            return [p for p in recorder.packets if p[1][0] != gone.host.ip and opened(p[0])[0].type == wire.ROSTER
                    and opened(p[0])[0].total is not None]

        # It has its pages from whoever answered first: from the one who goes, perhaps, and that one names others; nor would
        # its host take what seems to come from itself. So it asks another, too.
        self.until(lambda: late.member.has_joined() and not late.member.pull, "it has its pages")
        late.member.start_pull(next(p for p in late.member.peers.values() if p.name == "s1@h1"))
        self.until(lambda: "gone@h4" in named(pages()), "a page names it")
        pages = pages()
        vouches = [p for p in self.attacker.heard if opened(p[0])[0].type == wire.NEWS]
        self.assertIn("gone@h4", named(vouches))
        for node in nodes:
            node.member.leave()
        self.until(lambda: all(s.seen("down", n.member.name) for s in self.real for n in nodes), "all of them left")
        for node in nodes:
            self.world.remove(node)
        # One that has never heard of them, and so has no tombstone; it is heard, listed and well.
        fresh = self.sidecar(4)
        ready(self.world, [fresh])
        self.until(lambda: len(fresh.peers) == 3 and all("s4@h4" in s.names() for s in self.real), "a newcomer is listed")
        self.world.run(0.3)
        at = self.real[0].peer("s4@h4")["addresses"][0]
        victim = (".".join(map(str, at[0])), at[1])
        names = ("misdirected", "replayed", "copies", "stale", "malformed", "forged", "foreign")
        before = self.stats(fresh, *names)
        for data, source, _ in pages:
            self.attacker.send(data, victim)
            self.attacker.forge(data, source, victim)
            self.attacker.forge(data, source)
        for data, source in vouches:
            self.attacker.send(data)
            self.attacker.forge(data, source)
        self.world.run(0.5)
        self.until(lambda: self.stats(fresh, "misdirected")[0] - before[0] >= 3 * len(pages), "all are counted")
        misdirected, replayed, copies, stale, *broken = [b - a for a, b in zip(before, self.stats(fresh, *names))]
        self.assertEqual(misdirected, 3 * len(pages))
        members = sum(opened(data)[0].boot.to_bytes(8, "big") in fresh.peers for data, _ in vouches)
        self.assertGreaterEqual(members, 1)
        self.assertGreaterEqual(replayed + copies + stale, 2 * members)
        self.assertEqual(broken, [0, 0, 0])
        self.assertEqual(fresh.names(), {"s1@h1", "s2@h2", "s3@h3"})
        for s in self.real + [fresh]:
            self.assertEqual(len(s.seen("up", "gone@h4")), 0 if s is fresh else 1)
            self.assertNotIn("gone@h4", s.names())


class AmplifyTest(OutsiderCase):
    hosts, sidecars = 22, 0

    def test_all_together_answer_with_three_times_the_bytes_at_most(self):
        """As bench/amplify.py, for a moment: recordings that members made, and many that only the key can make."""
        recorded = self.record_a_session()
        # Half of them broadcast, too: copies count.
        self.real = [self.sidecar(n, broadcast=n % 2 == 0) for n in range(1, 21)]
        ready(self.world, self.real)
        self.until(lambda: all(len(s.peers) == 19 for s in self.real), "the group has formed")
        self.world.run(1)
        victim = (self.lab[22].ip, 9)
        self.world.remove(self.attacker)  # he need hear nothing
        attacker = Attacker(self.lab[21])
        self.addCleanup(attacker.close)
        tap = self.world.add(Tap(self.lab, attacker.host, victim))
        # Each is new once, and answered; again it tells nothing.
        many = [recording(victim, i % 2 == 1) for i in range(200)]
        for recordings, times, rate in ((recorded[:1], 10, 20), (recorded, 10, 100), (many, 1, 100)):
            before = sum(sum(self.stats(s, "unproven", "copies")) for s in self.real)
            tap.ask(self.world, "begin")
            flood = self.world.add(Flood(attacker, victim, recordings, rate, times * len(recordings)))
            self.until(lambda: flood.ask(self.world, "said") == times * len(recordings), "all are said")
            self.world.run(0.5)
            self.world.remove(flood)
            account, _, lost = tap.ask(self.world, "end")
            self.assertEqual(lost, 0)
            self.assertEqual(account.sent, times * sum(map(len, recordings)))
            self.assertGreater(account.caused, 0)
            self.assertLessEqual(account.worst, 300)
            after = sum(sum(self.stats(s, "unproven", "copies")) for s in self.real)
            self.assertGreaterEqual(after - before, 20 * times * len(recordings))
        self.assertGreater(account.to_victim, 0)
        self.assertGreater(account.to_group, 0)
        for s in self.real:
            self.assertNotIn("ended@h1", s.names())
            self.assertEqual(s.seen("down"), [])


class SourceTest(OutsiderCase):
    hosts, sidecars = 4, 0

    def test_nothing_goes_off_the_link_nor_to_all_of_it(self):
        recorded = self.record_a_session()
        for n in (1, 2):  # what goes off the link goes by host 4
            ip("-n", self.lab[n].netns, "route", "add", "default", "via", self.lab[4].ip)
        self.real = [self.sidecar(n) for n in (1, 2)]
        ready(self.world, self.real)
        self.until(lambda: all(len(s.peers) == 1 for s in self.real), "the group has formed")
        self.world.run(1)
        recorder = self.world.add(Recorder(self.lab[4]))
        self.attacker.heard.clear()
        far, all_of_it, none_of_it = ("192.0.2.9", 9), ("10.78.0.255", 9), ("10.78.0.0", 9)
        before = [self.stats(s, "misdirected")[0] for s in self.real]
        for data in recorded[:4]:
            self.attacker.forge(data, far)
        for data in recorded[4:8]:
            self.attacker.forge(data, all_of_it)
            self.attacker.forge(data, none_of_it)
        self.until(lambda: any(opened(d)[0].echoes for d, s in self.attacker.heard if s[0] != far[0]),
                   "it is answered by the group")
        self.world.run(0.5)
        for s, b in zip(self.real, before):
            self.until(lambda s=s, b=b: self.stats(s, "misdirected")[0] - b >= 8, "all are counted")
        for to in (far, all_of_it, none_of_it):
            self.assertEqual([p for p in recorder.packets if p[2][0] == to[0]], [], to)
        for s, b in zip(self.real, before):
            self.assertEqual(self.stats(s, "misdirected")[0] - b, 8, s.name)
            self.assertEqual([text for _, text in s.logs if "firewall" in text], [], s.name)


class InsiderTest(GroupCase):
    def lie(self, liar, names, say, when=lambda peers: True):
        """Says it of these until all of them refute it in 100 ms: whoever has no word for the 150 ms in which it is asked is
        taken for gone, also where it only waits for a processor. What came of that is forgotten, once all list it again."""
        all_ = self.real + [p.member for p in self.world.parts if isinstance(p, Node)]
        for _ in range(20):
            peers = [p for p in liar.member.peers.values() if p.name in names]
            self.until(lambda: when(peers), "it is time")
            known, said = [p.incarnation for p in peers], time.monotonic()
            for p in peers:
                say(p)
            # They have heard the lie: what follows is not for want of an attack.
            self.until(lambda: all(p.incarnation > k for p, k in zip(peers, known)), "they refute",
                       show=lambda: f"{known} {peers} {liar.member.events} {liar.member.counters}")
            in_time = time.monotonic() - said < 0.1
            self.world.run(0.3)
            if in_time:
                return
            self.until(lambda: all(len(one.peers) == len(all_) - 1 for one in all_), "all are listed again")
            for one in all_:
                one.events.clear()
        self.fail("all refute too late for this to tell anything")

    def test_who_is_said_to_have_left_says_that_it_lives(self):
        liar, node = self.joined(4, "liar"), self.joined(4, "py")
        for verdict in (wire.LEFT, wire.BEAM_EXIT):
            def say(p):
                for incarnation in (p.incarnation, 2**32 - 1):
                    liar.member.say(wire.NEWS, verdicts=[(verdict, p.boot, incarnation)])
            refuted = node.member.counters["refuted"]
            self.lie(liar, ("s2@h2", "py@h4"), say)
            self.assertGreater(node.member.counters["refuted"], refuted)
        self.world.run(1)
        for s in self.real:
            self.assertEqual(s.seen("down"), [], s.name)
            self.assertEqual(len(s.peers), 4)
        self.assertEqual([e for e in node.member.events if e[0] == "down"], [])

    def test_a_lie_that_is_told_when_a_beat_is_due_is_no_better_believed(self):
        # Beats come after 0.75 to 1 T: a silence of 0.93 T is no sign of anything.
        liar = self.joined(4, "liar")
        self.until(lambda: liar.member.has_joined(), "it has joined")
        t = INTERVAL / 1000
        for verdict in (wire.LEFT, wire.DEAD, wire.BEAM_EXIT):
            self.lie(liar, ("s2@h2",), lambda p: liar.member.say(wire.NEWS, verdicts=[(verdict, p.boot, p.incarnation)]),
                     lambda peers: 0.93 * t < liar.member.core_time() - peers[0].heard < 0.97 * t)
        for s in self.real:
            self.assertEqual(s.seen("down"), [], s.name)

    def test_entries_that_name_one_address_send_it_few_probes(self):
        liar = self.joined(4, "liar")
        self.until(lambda: liar.member.has_joined(), "it has joined")
        recorder = self.world.add(Recorder(self.lab[4]))
        victim = (self.lab[4].ip, 9)
        sent, seconds, since = 0, 4, time.monotonic()
        for i in range(50):
            entries = [wire.Entry(2**60 + 100 * i + k, liar.member.clock(), 1, 0, 4370, 0, 100, f"i{i}n{k}@nowhere",
                                  (victim,)) for k in range(16)]
            sent += liar.member.say(wire.NEWS, entries=entries)
            self.world.turn()
        self.assertEqual(sent, 50)
        self.until(lambda: all(len(s.seen("up")) > 100 for s in self.real), "the entries are believed")
        self.world.run(seconds)
        probes = [p for p in recorder.packets if p[2] == victim]
        self.assertGreater(len(probes), 10)
        # 64 at once and 32 a second, of each of three, in the time that all of this took.
        self.assertLessEqual(len(probes), 3 * (64 + 32 * (time.monotonic() - since)))
        for s in self.real:
            self.assertEqual(self.stats(s, "interval_ms")[0], INTERVAL)
            self.assertEqual([e for e in s.seen("down") if e[1]["name"].startswith(b"s")], [])


if __name__ == "__main__":
    unittest.main()
