"""What bin/leaks does for minutes, for a moment; and that it sees what it looks for."""
import random
import unittest

import leaks
from group import setUpModule  # noqa: F401
from term import Atom


class ChurnTest(unittest.TestCase):
    def test_those_that_stay_end_well(self):
        self.assertEqual(leaks.run(0, ["sanitize", "sanitize"], random.Random(3)), [])

    def test_one_that_ends_otherwise_is_told(self):
        churn = leaks.Churn(["sanitize"], random.Random(3))
        churn.staying[0].command(Atom("nonsense"))
        churn.close()
        self.assertEqual(leaks.ended(churn.staying), ["s1@h1, sanitize: it ended with 1"])


class SlopeTest(unittest.TestCase):
    @staticmethod
    def memory(grows):
        """Takes and gives back 400 KB, and grows by much while it is young."""
        return [(t, 3000 + 5 * min(t, 100) + t % 7 * 60 + grows * t) for t in range(600)]

    def test_what_is_given_back_is_no_slope(self):
        self.assertLess(abs(leaks.slope(self.memory(0))), leaks.BOUND / 10)

    def test_a_leak_is_one(self):
        self.assertGreater(leaks.slope(self.memory(0.6)), leaks.BOUND)

    def test_too_few_are_not_judged(self):
        self.assertIsNone(leaks.slope(self.memory(1)[:5]))
