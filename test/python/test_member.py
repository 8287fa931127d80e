"""The Python member's own rules, each from PROTOCOL.md alone, without a network: what is misdirected, relayed, stale or
replayed, what HOST and TAGS tell, and what is said of connections that were ended on purpose. Time is scripted."""
import unittest
from dataclasses import replace

import message as wire
import seal
from member import Member
from message import Entry, Malformed, Message, decode, encode
from peers import LAG_RISE, WINDOW, Lag, Window

SCOPE = seal.scope("233.252.1.33", 45893, b"")
RING = seal.Ring(seal.Key(seal.KEY, bytes(range(32)), SCOPE))
HERE, THERE, ELSEWHERE = ("198.51.100.1", 4001), ("198.51.100.2", 4002), ("198.51.100.3", 4003)
SECOND = 1_000_000
OURS, BOOT, OTHER = 77, 88, 99


class Other:
    """Whatever the test has another member say."""

    def __init__(self, member, clock, boot=BOOT, name="b@h2", address=THERE):
        self.member, self.clock, self.boot, self.name, self.address = member, clock, boot, name, address
        self.sequence = 0

    def message(self, type_, **fields):
        known = {"nonce": 7, "sent_at": self.clock(), "name": self.name, "addresses": (self.address,), "incarnation": 0,
                 "creation": 1, "port": 4370}
        return Message(type_, self.boot, **{**known, **fields})

    def say(self, m, here=None, source=None, sequence=None):
        """To the group, or to `here`."""
        self.sequence += sequence is None
        data = RING.seal(self.boot, self.sequence if sequence is None else sequence, encode(m))
        self.member.receive(data, source or self.address, here)


class MemberCase(unittest.TestCase):
    def setUp(self):
        self.time, self.said, self.sizes = 1000 * SECOND, [], []
        self.member = Member(RING, "a@h1", [HERE], self.hear, clock=lambda: self.time, boot=OURS, seed=1)
        self.member.announced_at = self.member.now
        self.other = Other(self.member, lambda: self.time)
        self.counted = {}

    def hear(self, data, to):
        self.said.append((decode(RING.open(data)[2]), to))
        self.sizes.append(len(data))

    def to_us(self, m, boot=OURS, address=HERE):
        return replace(m, to=(boot, address))

    def prove(self, other=None):
        other = other or self.other
        nonce = self.member.nonce(other.boot, other.address)
        m = other.message(wire.ACK, echoes=[(OURS, nonce)])
        other.say(self.to_us(m), HERE)
        self.said.clear()
        return self.member.peers[other.boot]

    def counts(self, *names):
        """What was counted since the last look."""
        news = {n: self.member.counters[n] - self.counted.get(n, 0) for n in names}
        self.counted = dict(self.member.counters)
        return [news[n] for n in names]


class DirectionTest(MemberCase):
    def refused(self, kind, m, here=None, source=None):
        peers, events = dict(self.member.peers), list(self.member.events)
        self.other.say(m, here, source)
        self.assertEqual(self.counts("misdirected", "relayed"), [int(kind == "misdirected"), int(kind == "relayed")], m)
        self.assertEqual((self.said, self.member.peers, self.member.events), ([], peers, events))

    def test_what_comes_to_one_names_it_and_what_comes_to_all_nobody(self):
        self.prove()
        probe, beat = self.other.message(wire.PROBE, asks=True), self.other.message(wire.HELLO)
        self.refused("misdirected", probe, HERE)
        self.refused("misdirected", self.to_us(probe, OTHER), HERE)
        self.refused("misdirected", self.to_us(probe, 0), HERE)
        self.refused("misdirected", self.to_us(beat, 0), HERE)
        self.refused("misdirected", self.to_us(beat))
        self.other.say(self.to_us(probe), HERE)
        self.assertEqual(self.counts("misdirected", "relayed"), [0, 0])
        self.assertEqual([(m.type, m.echoes, to) for m, to in self.said], [(wire.ACK, [(BOOT, 7)], THERE)])

    def test_a_question_is_for_whoever_stands_there(self):
        question = self.other.message(wire.HELLO, question=0, padding=300)
        self.refused("relayed", self.to_us(question, 0, ELSEWHERE), HERE)
        self.other.say(self.to_us(question, 0), HERE)
        self.assertEqual(self.counts("misdirected", "relayed"), [0, 0])
        self.assertEqual([(m.type, m.asks, m.echoes, to) for m, to in self.said], [(wire.ACK, True, [(BOOT, 7)], THERE)])

    def test_a_peers_question_to_whoever_stands_there_is_answered(self):
        self.prove()
        question = self.other.message(wire.HELLO, question=0, padding=300)
        self.other.say(question)
        self.assertEqual(self.said, [])
        self.other.say(self.to_us(self.other.message(wire.HELLO, question=0, padding=300), 0), HERE)
        self.assertEqual([(m.type, m.asks, m.echoes, to) for m, to in self.said], [(wire.ACK, False, [(BOOT, 7)], THERE)])

    def test_from_the_group_only_what_belongs_to_it(self):
        self.prove()
        for m in (self.other.message(wire.PROBE, asks=True), self.other.message(wire.ACK),
                  self.other.message(wire.PROBE_FOR, target=OTHER), self.other.message(wire.ROSTER, cursor=0),
                  self.other.message(wire.DISCONNECT, ended=self.time), self.other.message(99)):
            self.refused("misdirected", m)
        self.refused("misdirected", self.to_us(self.other.message(wire.BYE, reason=1)), HERE)
        self.assertIn(BOOT, self.member.peers)
        for m in (self.other.message(wire.HELLO), self.other.message(wire.NEWS),
                  self.other.message(wire.PROBE, target=OTHER), self.other.message(wire.ACK, echoes=[(OTHER, 1)]),
                  self.other.message(wire.DISCONNECT, target=OTHER), self.other.message(wire.BYE, reason=1)):
            self.other.say(m)
        self.assertEqual(self.counts("misdirected", "relayed"), [0, 0])
        self.assertEqual(self.member.events[-1], ("down", "b@h2", "left"))

    def test_a_source_is_somewhere(self):
        for source in (("198.51.100.2", 0), ("0.0.0.0", 9), ("255.255.255.255", 9), ("224.0.0.1", 9), ("239.255.0.1", 9)):
            self.refused("misdirected", self.other.message(wire.HELLO, question=0), None, source)

    def test_what_is_passed_on_is_relayed(self):
        self.prove()
        probe = self.other.message(wire.PROBE, asks=True)
        for address in (ELSEWHERE, (HERE[0], HERE[1] + 1), (ELSEWHERE[0], HERE[1]), None):
            m = self.to_us(probe, OURS, address or HERE)
            self.refused("relayed", m, HERE if address else ELSEWHERE)

    def test_a_relayed_answer_to_our_own_question_lists_nobody(self):
        nonce = self.member.nonce(BOOT, ELSEWHERE)  # the attacker stands there, and was asked
        answer = self.other.message(wire.ACK, echoes=[(OURS, nonce)])
        self.refused("relayed", self.to_us(answer, OURS, ELSEWHERE), HERE)
        self.other.say(self.to_us(answer), HERE)  # said for us, but of a challenge that went elsewhere
        self.assertEqual(self.member.peers, {})


class WindowTest(MemberCase):
    def test_each_once_and_none_that_is_older_than_the_window(self):
        w = Window()
        self.assertEqual([w.accept(n) for n in (0, 1, 1, 3, 2, 2, 3)], [False, True, False, True, True, False, False])
        w = Window()
        self.assertTrue(w.accept(1000))
        self.assertFalse(w.accept(1000 - WINDOW))
        self.assertTrue(w.accept(1000 - WINDOW + 1))
        self.assertTrue(w.accept(1000 + 5 * WINDOW))
        self.assertFalse(w.accept(1000))
        self.assertTrue(w.accept(1000 + 4 * WINDOW + 1))

    def test_it_begins_above_what_proved_a_member_and_at_0_where_that_was_vouched_for(self):
        self.other.sequence = 40
        self.prove()
        for sequence in (1, 40, 41, 42):
            self.other.say(self.other.message(wire.HELLO), sequence=sequence)
        self.assertEqual(self.counts("replayed"), [3])
        entry = Entry(OTHER, self.time, 1, 0, 4370, 0, 1000, "c@h3", (ELSEWHERE,))
        self.other.sequence = 50
        self.other.say(self.other.message(wire.NEWS, entries=[entry]))
        third = Other(self.member, lambda: self.time, OTHER, "c@h3", ELSEWHERE)
        for sequence in (3, 1, 3, 2, 1):
            third.say(third.message(wire.HELLO), sequence=sequence)
        self.assertEqual(self.counts("replayed"), [2])

    def test_what_was_overtaken_renews_nothing(self):
        p = self.prove()
        self.other.sequence = 10
        self.other.say(self.other.message(wire.HELLO))
        heard = p.heard
        self.time += SECOND
        self.other.say(self.other.message(wire.HELLO), sequence=5)
        self.assertEqual((self.counts("replayed", "stale"), p.heard), ([0, 0], heard))
        self.other.say(self.other.message(wire.HELLO))
        self.assertGreater(p.heard, heard)


class FreshnessTest(MemberCase):
    def late(self, by, **options):
        self.other.say(self.other.message(wire.HELLO, sent_at=self.time - by), **options)
        return self.counts("stale")[0]

    def test_two_seconds_above_the_least_or_two_intervals(self):
        self.prove()
        self.assertEqual([self.late(by) for by in (1_999_000, 2_000_000, 2_000_001, 60 * SECOND)], [0, 0, 1, 1])
        self.other.say(self.other.message(wire.HELLO, interval=4000))
        self.assertEqual([self.late(by, ) for by in (8_000_000,)], [0])

    def test_who_is_stale_is_asked_once_a_second_and_its_echo_sets_the_measure_anew(self):
        p = self.prove()
        heard = p.heard
        self.assertEqual([self.late(3 * SECOND) for _ in range(5)], [1] * 5)
        self.assertEqual([(m.type, m.asks, m.to, to) for m, to in self.said], [(wire.PROBE, True, (BOOT, THERE), THERE)])
        self.assertEqual(p.heard, heard)
        nonce = self.said[0][0].nonce
        self.time += SECOND
        behind = self.time - 3 * SECOND
        self.other.say(self.to_us(self.other.message(wire.ACK, echoes=[(OURS, nonce)], sent_at=behind)), HERE)
        self.assertGreater(p.heard, heard)
        self.assertEqual([self.late(by) for by in (3 * SECOND, 5 * SECOND, 5 * SECOND + 1)], [0, 0, 1])

    def test_an_echo_does_not_live_two_seconds(self):
        stale = self.member.nonce(BOOT, THERE)
        self.time += 2 * SECOND
        self.other.say(self.to_us(self.other.message(wire.ACK, echoes=[(OURS, stale)])), HERE)
        self.assertEqual(self.member.peers, {})
        self.prove()

    def test_the_least_may_rise_by_a_millisecond_a_second(self):
        lag = Lag()
        self.assertTrue(lag.fresh(100 * SECOND, 100 * SECOND, 1000, 0, False))
        later = 200 * SECOND
        self.assertEqual(lag.allowed(later), 100 * LAG_RISE)
        self.assertTrue(lag.fresh(later, later - 2 * SECOND - 100 * LAG_RISE, 1000, 0, False))
        self.assertFalse(lag.fresh(later, later - 2 * SECOND - 100 * LAG_RISE - 1, 1000, 0, False))

    def test_what_was_overtaken_and_sent_long_before_the_newest_is_stale(self):
        for before, stale in ((5 * SECOND, False), (5 * SECOND + 1, True)):
            lag = Lag()
            self.assertTrue(lag.fresh(100 * SECOND, 100 * SECOND, 10_000, 0, False))
            self.assertIs(lag.fresh(100 * SECOND + before, 100 * SECOND - before, 10_000, 0, True), not stale)

    def test_an_entry_tells_the_least_of_who_was_never_heard(self):
        self.prove()
        recorded = self.time - 100 * SECOND  # what the third said long ago
        entry = Entry(OTHER, self.time - 20, 1, 0, 4370, 0, 1000, "c@h3", (ELSEWHERE,))
        self.other.say(self.other.message(wire.NEWS, entries=[entry]))
        third = Other(self.member, lambda: self.time, OTHER, "c@h3", ELSEWHERE)
        third.say(third.message(wire.HELLO, sent_at=recorded))
        self.assertEqual(self.counts("stale"), [1])
        third.say(third.message(wire.HELLO))
        self.assertEqual(self.counts("stale"), [0])

    def test_what_waited_in_ones_own_pause_is_not_late_for_100_ms(self):
        self.prove()
        self.member.at("beat", 0.01, lambda: None)
        self.time += 10 * SECOND
        self.member.tick()
        self.assertEqual(self.member.counters["pauses"], 1)
        self.assertEqual(self.late(10 * SECOND), 0)
        self.time += 101_000
        self.assertEqual(self.late(10 * SECOND), 1)


class HostTest(MemberCase):
    HOST = (True, ("198.51.100.7", "2001:db8::7"))

    def test_the_bytes(self):
        data = encode(Message(wire.HELLO, 1, host=self.HOST))
        self.assertTrue(data.endswith(bytes.fromhex("10 0017 01 04 c6336407 06 20010db8000000000000000000000007")), data)
        for host in (self.HOST, (False, ()), (False, tuple(f"10.0.0.{n}" for n in range(6)))):
            self.assertEqual(decode(encode(Message(wire.HELLO, 1, host=host))).host, host)

    def test_in_an_entry_it_stands_behind_the_addresses(self):
        for addresses in ((), (THERE,), (THERE, HERE, ELSEWHERE, ("10.0.0.1", 1))):
            for host in (None, (False, ()), self.HOST):
                e = Entry(5, 1, 1, 0, 4370, 0, 1000, "c@h3", addresses, host)
                self.assertEqual(decode(encode(Message(wire.NEWS, 1, entries=[e]))).entries, [e])
        five = Entry(5, 1, 1, 0, 4370, 0, 1000, "c@h3", tuple((f"10.0.0.{n}", 1) for n in range(5)), self.HOST)
        decoded = decode(encode(Message(wire.NEWS, 1, entries=[five]))).entries[0]
        self.assertEqual((len(decoded.addresses), decoded.host), (4, self.HOST))

    def field(self, value):
        return decode(encode(Message(wire.HELLO, 1)) + b"\x10" + len(value).to_bytes(2, "big") + value).host

    def test_what_is_malformed_and_what_is_skipped(self):
        for value in (b"", b"\x01\x04\x01\x02\x03", b"\x00\x06" + bytes(15)):
            with self.assertRaises(Malformed, msg=value):
                self.field(value)
        self.assertEqual(self.field(b"\x02\x04\x0a\x00\x00\x01\x05what is this"), (True, ("10.0.0.1",)))
        self.assertEqual(self.field(b"\x00" + b"\x04\x0a\x00\x00\x01" * 7)[1], ("10.0.0.1",) * 6)

    def test_absent_it_tells_nothing_and_is_vouched_for(self):
        p = self.prove()
        self.assertIsNone(p.host)
        self.other.say(self.other.message(wire.HELLO, host=self.HOST))
        self.other.say(self.other.message(wire.HELLO))
        self.assertEqual(p.host, self.HOST)
        self.member.vouch(BOOT)
        self.assertEqual(self.said[-1][0].entries[0].host, self.HOST)
        entry = Entry(OTHER, 0, 1, 0, 4370, 0, 1000, "c@h3", (ELSEWHERE,), (False, ("10.0.0.9",)))
        self.other.say(self.other.message(wire.NEWS, entries=[entry]))
        self.assertEqual(self.member.peers[OTHER].host, (False, ("10.0.0.9",)))


class TagsTest(MemberCase):
    TAGS = (3, {"role": "db", "zone": "a"})

    def test_the_bytes(self):
        data = encode(Message(wire.HELLO, 1, tags=self.TAGS))
        self.assertTrue(data.endswith(bytes.fromhex("12 0013 00000003") + b"\x04role\x02db\x04zone\x01a"), data)
        for tags in (self.TAGS, (1, {"k": ""}), (2**32 - 1, {"k": "v" * 253}), (1, {chr(33 + n): "" for n in range(32)})):
            self.assertEqual(decode(encode(Message(wire.HELLO, 1, tags=tags))).tags, tags)
        self.assertEqual(encode(Message(wire.HELLO, 1, tags=(4, {}))), encode(Message(wire.HELLO, 1)))

    def test_in_a_field_of_their_own_behind_an_entry(self):
        entries = [Entry(n, 1, 1, 0, 4370, 0, 1000, "c@h3", (THERE,), None, self.TAGS if n == 6 else None) for n in (5, 6, 7)]
        self.assertEqual(decode(encode(Message(wire.NEWS, 1, entries=entries))).entries, entries)

    def field(self, value):
        return decode(encode(Message(wire.HELLO, 1)) + b"\x12" + len(value).to_bytes(2, "big") + value).tags

    def test_what_is_malformed(self):
        one = b"\0\0\0\1"
        for value in (b"", one[1:], bytes(4) + b"\1a\0", one + b"\1", one + b"\1a", one + b"\1a\2x", one + b"\0\1x",
                      one + b"\1b\0\1a\0", one + b"\1a\0\1a\0", one + b"\1a\1\n", one + b"\1a\1\xff",
                      one + b"\1a\xfe" + b"v" * 254, one + b"".join(bytes([1, 33 + n, 0]) for n in range(33))):
            with self.assertRaises(Malformed, msg=value):
                self.field(value)
        self.assertIsNone(self.field(one))

    def test_only_a_beat_without_them_says_that_there_are_none(self):
        p = self.prove()
        self.other.say(self.other.message(wire.HELLO, tags=self.TAGS))
        self.other.say(self.other.message(wire.NEWS))
        self.assertEqual(p.tags, self.TAGS)
        self.other.say(self.other.message(wire.HELLO))
        self.assertEqual(p.tags, (3, {}))

    def test_they_are_vouched_for_and_an_old_entry_brings_back_none(self):
        self.prove()
        self.other.say(self.other.message(wire.HELLO, tags=self.TAGS))
        self.member.vouch(BOOT)
        self.assertEqual(self.said[-1][0].entries[0].tags, self.TAGS)
        for incarnation, number, role, expected in ((0, 2, "db", "db"), (1, 1, "web", "db"), (2, 3, "web", "web")):
            entry = Entry(OTHER, 0, 1, incarnation, 4370, 0, 1000, "c@h3", (ELSEWHERE,), None, (number, {"role": role}))
            self.other.say(self.other.message(wire.NEWS, entries=[entry]))
            self.assertEqual(self.member.peers[OTHER].tags[1], {"role": expected})
            self.member.bury(self.member.peers[OTHER], "silent")

    def test_its_own_are_in_every_beat_and_told_at_once(self):
        self.member.put_tags({"role": "web"})
        self.assertEqual((self.said[-1][0].type, self.said[-1][0].tags), (wire.HELLO, (1, {"role": "web"})))
        self.member.put_tags({})
        self.assertIsNone(self.said[-1][0].tags)


class DisconnectTest(MemberCase):
    def told(self):
        return [e[2] for e in self.member.events if e[0] == "disconnected"]

    def test_it_is_told_once_and_acknowledged_as_it_came(self):
        self.prove()
        ended = self.time
        self.time += 20_000
        for m, here, to in ((self.to_us(self.other.message(wire.DISCONNECT, asks=True, ended=ended)), HERE, THERE),
                            (self.other.message(wire.DISCONNECT, asks=True, ended=ended, target=OURS), None, None)):
            self.said.clear()
            self.other.say(m, here)
            self.assertEqual([(m.type, m.echoes, m.ended, to) for m, to in self.said], [(wire.ACK, [(BOOT, 7)], ended, to)])
        self.assertEqual(self.told(), [20_000])

    def test_of_an_older_one_of_one_long_ago_and_of_another_nothing_is_told(self):
        self.prove()
        self.other.say(self.to_us(self.other.message(wire.DISCONNECT, ended=self.time - 100)), HERE)
        self.said.clear()
        for ended in (self.time - 101, self.time - 2 * SECOND - 1, self.time + 1, None):
            self.other.say(self.to_us(self.other.message(wire.DISCONNECT, ended=ended)), HERE)
        self.other.say(self.other.message(wire.DISCONNECT, ended=self.time, target=OTHER))
        stranger = Other(self.member, lambda: self.time, OTHER, "c@h3", ELSEWHERE)
        stranger.say(self.to_us(stranger.message(wire.DISCONNECT, ended=self.time)), HERE)
        self.assertEqual((self.told(), self.said), ([100], []))


if __name__ == "__main__":
    unittest.main()
