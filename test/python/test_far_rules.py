"""The Python member's own rules where no multicast leads, each from PROTOCOL.md alone, without a network: who is far and
what is said to it, what is believed of it, and what is passed on to whom. Time is scripted."""
import unittest

import message as wire
import rank
from message import Entry
from test_member import BOOT, ELSEWHERE, HERE, OTHER, OURS, SECOND, THERE, MemberCase, Other

T = SECOND


class FarCase(MemberCase):
    def setUp(self):
        super().setUp()
        self.member.start_far()
        self.p = self.far_one(self.other)

    def far_one(self, other):
        """It says in its proof that it does not hear the group."""
        nonce = self.member.nonce(other.boot, other.address)
        m = self.to_us(other.message(wire.ACK, echoes=[(OURS, nonce)], far=True, whole=True))
        other.say(m, HERE)
        self.said.clear()
        return self.member.peers[other.boot]

    def third(self, boot=OTHER):
        return Other(self.member, lambda: self.time, boot, f"c{boot}@h3", ELSEWHERE)

    def pass_time(self, us, step=5000):
        for _ in range(us // step):
            self.time += step
            self.member.tick()

    def entry(self, boot=OTHER, incarnation=0, **more):
        return Entry(boot, self.time, 1, incarnation, 4370, 0, 1000, f"c{boot}@h3", (ELSEWHERE,), **more)

    def tells(self, type_=wire.NEWS, **fields):
        self.other.say(self.to_us(self.other.message(type_, **fields)), HERE)

    def types(self, to):
        return [m.type for m, at in self.said if at == to]


class WhoIsFarTest(FarCase):
    def test_who_says_so_in_its_proof_and_is_told_so(self):
        self.assertTrue(self.p.far)
        self.tells(wire.PROBE, asks=True)
        self.assertTrue(self.said[-1][0].far)
        self.other.say(self.other.message(wire.HELLO))  # near with the first that comes by the group
        self.assertFalse(self.p.far)
        self.tells(wire.PROBE, asks=True)
        self.assertFalse(self.said[-1][0].far)

    def test_whom_the_far_tell_of_and_whom_an_entry_calls_far(self):
        self.tells(entries=[self.entry()])
        self.assertTrue(self.member.peers[OTHER].far)
        near = Other(self.member, lambda: self.time, 500, "n@h5", ("198.51.100.5", 1))
        self.prove(near)
        near.say(near.message(wire.NEWS, entries=[self.entry(600), self.entry(601, far=True)]))
        self.assertEqual([self.member.peers[b].far for b in (500, 600, 601)], [False, False, True])

    def test_who_was_not_heard_by_the_group_for_6_t_though_by_unicast_for_4(self):
        near = Other(self.member, lambda: self.time, 500, "n@h5", ("198.51.100.5", 1))
        p = self.prove(near)
        for after, far in ((0, False), (5, False), (6, True)):
            self.time = 1000 * SECOND + after * T
            near.say(self.to_us(near.message(wire.PROBE, asks=True)), HERE)
            self.member.now = self.member.core_time()
            near.say(self.to_us(near.message(wire.PROBE, asks=True)), HERE)
            self.assertEqual(p.far, far, after)

    def test_they_count_in_no_rank_of_the_group(self):
        self.assertNotIn(BOOT, self.member.live())
        self.assertNotIn(BOOT, self.member.quick())
        self.assertIn(BOOT, self.member.linked()[0])


class SayingTest(FarCase):
    def test_is_asked_at_once_after_40_ms_and_ever_twice_the_time(self):
        self.pass_time(2 * SECOND)
        asked = [m for m, to in self.said if m.type == wire.PROBE and to == THERE]
        self.assertTrue(all(m.asks and m.far and not m.whole and m.name is None for m in asked[:5]))
        gaps = [(b.sent_at - a.sent_at) / 1000 for a, b in zip(asked, asked[1:])][:5]
        for gap, least in zip(gaps, (40, 80, 160, 320, 640)):
            self.assertTrue(least <= gap <= least * 17 / 16 + 15, gaps)

    def test_and_then_every_9_eighths_of_t_and_the_probes_of_a_silence_count_as_such(self):
        for _ in range(40):
            self.pass_time(T // 4)
            self.tells(wire.PROBE)
        asked = [m.sent_at for m, to in self.said if m.type == wire.PROBE and to == THERE][6:]
        self.assertGreater(len(asked), 5)
        for a, b in zip(asked, asked[1:]):
            self.assertTrue(1_125_000 <= b - a <= 1_187_500 + 15_000, asked)
        self.said.clear()
        self.member.start_watching()
        self.pass_time(13 * T // 10 + 350_000)
        row = [m for m, to in self.said if m.type == wire.PROBE and to == THERE]
        self.assertTrue(all(m.name is None for m in row))
        self.assertTrue(all(b.sent_at - a.sent_at >= 95_000 for a, b in zip(row, row[1:])), [m.sent_at for m in row])

    def test_an_answer_is_short_but_where_the_question_was_whole(self):
        for whole in (False, True):
            self.tells(wire.PROBE, asks=True, far=True, whole=whole, padding=300)
            self.assertEqual((self.said[-1][0].name is None, self.said[-1][0].whole), (not whole, whole))

    def test_what_is_short_brings_no_higher_incarnation_and_is_asked_for(self):
        self.time += SECOND
        self.tells(wire.PROBE, incarnation=3)
        self.assertEqual(self.p.incarnation, 0)
        (m, to), = [s for s in self.said if s[0].type == wire.PROBE]
        self.assertEqual((m.whole, m.asks, to), (True, True, THERE))
        self.assertEqual(self.sizes[-1], 512)
        self.tells(wire.PROBE, incarnation=3, whole=True)
        self.assertEqual(self.p.incarnation, 3)

    def test_what_is_whole_and_has_no_tags_says_that_there_are_none(self):
        self.tells(wire.PROBE, tags=(1, {"a": "b"}), whole=True)
        self.tells(wire.PROBE)
        self.assertEqual(self.p.tags, (1, {"a": "b"}))
        self.tells(wire.PROBE, whole=True)
        self.assertEqual(self.p.tags, (1, {}))

    def test_a_change_of_its_own_is_another_incarnation(self):
        self.member.say_beat()
        self.member.put_tags({"a": "b"})
        self.assertEqual(self.member.incarnation, 1)
        # To the group, and to whom it is linked with.
        self.assertEqual([(m.type, to) for m, to in self.said[-2:]], [(wire.HELLO, None), (wire.HELLO, THERE)])
        self.member.beam_age = 65535
        self.member.say_beat()
        self.member.say_beat()
        self.assertEqual(self.member.incarnation, 2)

    def test_a_goodbye_goes_to_the_linked_as_news(self):
        self.member.leave()
        self.assertEqual([(m.type, m.verdicts, to) for m, to in self.said],
                         [(wire.BYE, [], None), (wire.NEWS, [(wire.LEFT, OURS, 0)], THERE)])


class NewsTest(FarCase):
    def test_goes_to_the_linked_but_to_who_has_told_it_and_rides_along(self):
        third = self.third(OTHER)
        self.far_one(third)
        self.pass_time(10_000)
        self.said.clear()
        self.tells(entries=[self.entry(700)])
        self.pass_time(10_000)
        told = [(to, [e.boot for e in m.entries]) for m, to in self.said if m.type == wire.NEWS]
        self.assertEqual(told, [(ELSEWHERE, [700])] if OTHER in self.linked() else [])
        self.assertIn(OTHER, self.linked())
        third.say(self.to_us(third.message(wire.PROBE, asks=True, far=True, padding=200)), HERE)
        self.assertEqual([e.boot for e in self.said[-1][0].entries][:1], [700])
        self.tells(wire.PROBE, asks=True, far=True, padding=200)  # it has told it
        self.assertNotIn(700, [e.boot for e in self.said[-1][0].entries])

    def linked(self):
        watched, watchers = self.member.linked()
        return {*watched, *watchers}

    def test_once(self):
        self.tells(entries=[self.entry(700)])
        count = len(self.member.news)
        self.tells(entries=[self.entry(700)])
        self.assertEqual(len(self.member.news), count)

    def test_what_came_by_the_group_is_passed_on_by_the_first_three_alone(self):
        near = [Other(self.member, lambda: self.time, b, f"n{b}@h5", ("198.51.100.5", b)) for b in range(500, 508)]
        for other in near:
            self.prove(other)
        self.member.news.clear()
        for boot in range(700, 720):
            near[0].say(near[0].message(wire.NEWS, entries=[self.entry(boot)]))
        first = {n.boot for n in self.member.news if not n.rides}
        self.assertTrue(0 < len(first) < 20)
        for n in self.member.news:
            self.assertEqual(not n.rides, rank.rank(OURS, n.boot, [o.boot for o in near] + [OURS, *range(700, n.boot + 1)]) < 3)

    def test_the_far_are_adopted_from_entries_and_the_near_are_not(self):
        self.tells(entries=[self.entry()])
        self.assertFalse(self.member.peers[OTHER].stalled)
        third = Other(self.member, lambda: self.time, 500, "n@h5", ("198.51.100.5", 1))
        self.far_one(third)
        third.say(self.to_us(third.message(wire.NEWS, entries=[self.entry(incarnation=1, stalled=True, tags=(2, {"a": "b"}))])),
                  HERE)
        p = self.member.peers[OTHER]
        self.assertEqual((p.incarnation, p.stalled, p.tags), (1, True, (2, {"a": "b"})))
        p.far = False
        self.tells(entries=[self.entry(incarnation=2, tags=(3, {"a": "c"}))])
        self.assertEqual((p.incarnation, p.stalled, p.tags), (2, True, (2, {"a": "b"})))

    def test_what_one_says_again_does_not_count_and_the_far_one_is_asked(self):
        self.tells(entries=[self.entry(), self.entry(701)])
        self.tells(entries=[self.entry(incarnation=1)])
        self.said.clear()
        self.time += SECOND
        self.tells(entries=[self.entry(incarnation=2)])
        self.assertEqual(self.member.peers[OTHER].incarnation, 1)
        self.assertEqual([(m.type, m.whole) for m, to in self.said if to == ELSEWHERE], [(wire.PROBE, True)])

    def test_an_entry_of_itself_is_refuted_where_others_are_far(self):
        self.tells(entries=[self.entry(OURS, incarnation=4)])
        self.assertEqual(self.member.incarnation, 5)


class VerdictTest(FarCase):
    def test_by_unicast_they_count_of_the_far_alone(self):
        near = Other(self.member, lambda: self.time, 500, "n@h5", ("198.51.100.5", 1))
        q = self.prove(near)
        self.tells(entries=[self.entry()])
        p = self.member.peers[OTHER]
        self.time += 13 * SECOND // 10
        self.tells(wire.PROBE, verdicts=[(wire.SUSPECT, OTHER, 0), (wire.SUSPECT, 500, 0)])
        self.assertEqual((p.suspect, q.suspect), (True, False))
        for after, alive in ((299_000, True), (1000, False)):
            self.time += after
            self.tells(verdicts=[(wire.DEAD, OTHER, 0), (wire.DEAD, 500, 0)])
            self.assertEqual((OTHER in self.member.peers, 500 in self.member.peers), (alive, True))
            self.member.timers.pop(("farewell", OTHER), None)

    def test_who_was_not_suspected_has_400_ms(self):
        self.tells(entries=[self.entry()])
        self.tells(verdicts=[(wire.LEFT, OTHER, 0)])
        self.pass_time(395_000)
        self.assertIn(OTHER, self.member.peers)
        self.pass_time(10_000)
        self.assertEqual(self.member.events[-1], ("down", f"c{OTHER}@h3", "left"))

    def test_a_higher_incarnation_saves_it(self):
        self.tells(entries=[self.entry(), self.entry(701)])
        self.tells(verdicts=[(wire.LEFT, OTHER, 0)])
        third = Other(self.member, lambda: self.time, 500, "n@h5", ("198.51.100.5", 1))
        self.far_one(third)
        third.say(self.to_us(third.message(wire.NEWS, entries=[self.entry(incarnation=1)])), HERE)
        self.pass_time(600_000)
        self.assertIn(OTHER, self.member.peers)

    def test_who_knows_better_tells_the_accused(self):
        third = self.third()
        self.far_one(third)
        self.time += SECOND
        third.say(self.to_us(third.message(wire.PROBE)), HERE)
        for _ in range(3):
            self.tells(verdicts=[(wire.SUSPECT, OTHER, 0)])
        self.assertEqual([(m.type, m.verdicts) for m, to in self.said if to == ELSEWHERE],
                         [(wire.NEWS, [(wire.SUSPECT, OTHER, 0)])])


class RepairTest(FarCase):
    def test_another_digest_for_half_a_t_and_its_roster_is_pulled(self):
        self.member.announced_at, self.member.pull = self.member.now - 10, None
        self.tells(wire.PROBE, digest=1)
        self.time += 499_000
        self.tells(wire.PROBE, digest=1)
        self.assertNotIn(wire.ROSTER, self.types(THERE))
        self.time += 1000
        self.tells(wire.PROBE, digest=1)
        self.assertIn(wire.ROSTER, self.types(THERE))

    def test_a_page_that_names_the_buried_and_leaves_out_the_silent(self):
        self.tells(entries=[self.entry(), self.entry(150)])
        self.member.bury(self.member.peers[OTHER], "silent")
        self.time += 13 * SECOND // 10
        self.member.now = self.member.core_time()
        self.member.complete = True
        self.member.start_pull(self.p)
        self.said.clear()
        self.tells(wire.ROSTER, echoes=[(OURS, self.member.pull.nonce)], total=2, cursor=wire.ALL_ONES, entries=[self.entry()])
        self.assertEqual([(m.type, m.question, m.verdicts, m.to[0]) for m, to in self.said if m.type == wire.HELLO],
                         [(wire.HELLO, 16, [(wire.DEAD, OTHER, 0)], OTHER)])
        self.assertEqual([m.to[0] for m, to in self.said if m.type == wire.PROBE], [150])


class SeedTest(MemberCase):
    SEED = tuple(("198.51.100.9", 45894 + n) for n in range(3))

    def setUp(self):
        super().setUp()
        self.member.init_seeding([self.SEED])
        self.member.start_seeding()

    def pass_time(self, us, step=5000):
        for _ in range(us // step):
            self.time += step
            self.member.tick()

    def test_is_asked_as_the_group_is_the_first_port_each_time(self):
        self.pass_time(200_000)
        asked = [(m.question, to[1] - 45894) for m, to in self.said]
        self.assertEqual([k for k, port in asked if port == 0], list(range(11)))
        self.assertEqual({port for _, port in asked}, {0, 1, 2})
        self.assertEqual((len(asked), set(self.sizes)), (22, {512}))
        self.assertTrue(all(m.to == (0, to) for m, to in self.said))

    def test_whoever_stands_there_is_far_and_it_is_left_alone(self):
        self.pass_time(20_000)
        m, to = self.said[0]
        answer = self.other.message(wire.ACK, echoes=[(OURS, m.nonce)], asks=True)
        self.other.say(self.to_us(answer), HERE, source=to)
        self.assertTrue(self.member.peers[BOOT].far)
        self.said.clear()
        self.pass_time(2 * SECOND)
        self.assertEqual([m for m, _ in self.said if m.type == wire.HELLO and m.question is not None], [])
        self.member.bury(self.member.peers[BOOT], "left")
        self.pass_time(3 * SECOND)
        self.assertEqual({m.question >= 16 for m, _ in self.said if m.type == wire.HELLO and m.question is not None}, {True})

    def test_its_nonce_proves_nobody_elsewhere(self):
        self.pass_time(20_000)
        m, _ = self.said[0]
        self.other.say(self.to_us(self.other.message(wire.ACK, echoes=[(OURS, m.nonce)])), HERE)
        self.assertEqual(self.member.peers, {})


if __name__ == "__main__":
    unittest.main()
