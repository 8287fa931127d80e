"""The Python member's own rules for a peer on several links, each from PROTOCOL.md alone, without a network. Time is
scripted."""
import unittest

import message as wire
from test_member import BOOT, ELSEWHERE, HERE, OURS, SECOND, THERE, MemberCase

T = SECOND


class PathsTest(MemberCase):
    """It is on two links, and says so: THERE, where it has answered, and ELSEWHERE."""

    def setUp(self):
        super().setUp()
        self.p = self.prove()
        self.member.timers.clear()  # its roster does not matter here
        self.beat(THERE)

    def beat(self, source, addresses=(THERE, ELSEWHERE)):
        self.member.now = self.member.core_time()
        self.other.say(self.other.message(wire.HELLO, addresses=addresses), source=source)

    def answer(self, address):
        nonce = self.member.nonce(BOOT, address)
        m = self.other.message(wire.ACK, echoes=[(OURS, nonce)], addresses=(THERE, ELSEWHERE))
        self.other.say(self.to_us(m), HERE, source=address)

    def probes(self):
        out, self.said = [to for m, to in self.said if m.type == wire.PROBE], []
        return out

    def test_the_first_stays_while_it_is_in_use(self):
        for _ in range(20):
            self.time += T // 4
            self.beat(ELSEWHERE)
            self.beat(THERE)
        self.assertEqual((self.p.address, self.probes()), (THERE, []))
        self.assertEqual(set(self.p.heard_at), {THERE, ELSEWHERE})
        self.assertEqual([e for e in self.member.events if e[0] == "update"], [])

    def test_a_copy_tells_that_its_source_is_in_use(self):
        self.beat(ELSEWHERE)
        for _ in range(6):
            self.time += T
            self.beat(ELSEWHERE)
            self.other.say(self.other.message(wire.HELLO), source=THERE, sequence=self.other.sequence)
        self.assertEqual((self.p.address, self.probes()), (THERE, []))

    def test_the_next_takes_over_when_the_first_does_not_answer(self):
        for after, asked, address, heard in ((5 * T // 4, [], THERE, True), (1, [THERE], THERE, True),
                                             (299_000, [], THERE, False), (2000, [ELSEWHERE], ELSEWHERE, False)):
            self.time += after
            if heard:
                self.beat(ELSEWHERE)
            self.member.tick()
            self.assertEqual((self.probes(), self.p.address), (asked, address), after)
        self.assertEqual([e for e in self.member.events if e[0] == "update"], [("update", "b@h2")])

    def test_and_does_not_when_it_answers(self):
        self.time += 5 * T // 4 + 1
        self.beat(ELSEWHERE)
        self.answer(THERE)
        self.time += 301_000
        self.member.tick()
        self.assertEqual(self.p.address, THERE)

    def test_who_does_not_claim_the_first_any_more_has_moved(self):
        self.beat(ELSEWHERE, (ELSEWHERE,))
        self.assertEqual(self.p.address, ELSEWHERE)

    def test_a_silent_one_is_asked_at_each(self):
        self.beat(ELSEWHERE)
        self.member.start_watching()
        for _ in range(400):
            self.time += 5000
            self.member.tick()
        self.assertEqual(set(self.probes()), {THERE, ELSEWHERE})


if __name__ == "__main__":
    unittest.main()
