"""The terms of the port, against bytes that Erlang's term_to_binary/1 has made."""
import unittest

import term
from term import Atom

# erl -noshell -eval 'io:format("~w~n", [term_to_binary({configure, #{version => 1}})]), halt().' of OTP 25
KNOWN = bytes([131, 104, 2, 100, 0, 9, 99, 111, 110, 102, 105, 103, 117, 114, 101, 116, 0, 0, 0, 1, 100, 0, 7, 118, 101, 114,
               115, 105, 111, 110, 97, 1])
VALUE = (Atom("configure"), {Atom("version"): 1})


class TermTest(unittest.TestCase):
    def test_reads_and_writes_as_erlang_does(self):
        self.assertEqual(term.decode(KNOWN), VALUE)
        # OTP 26 and later write atoms so, in UTF-8; all understand both.
        self.assertEqual(term.encode(VALUE), KNOWN.replace(b"d\x00\x09", b"w\x09").replace(b"d\x00\x07", b"w\x07"))

    def test_there_and_back(self):
        for value in (0, 255, 256, -1, 2**31 - 1, 2**31, 2**64 - 1, -2**40, b"", b"x" * 300, Atom("up"), True, False, [],
                      [1, 300, b"x"], (), (Atom("a"), [(1, 2)]), {Atom("k"): {b"v": []}}):
            self.assertEqual(term.decode(term.encode(value)), value)

    def test_reads_what_only_erlang_writes(self):
        self.assertEqual(term.decode(b"\x83k\x00\x03abc"), [97, 98, 99])
        self.assertEqual(term.decode(b"\x83d\x00\x02up"), Atom("up"))
        self.assertEqual(term.decode(b"\x83l\0\0\0\x01a\x01l\0\0\0\x01a\x02j"), [1, 2])
        with self.assertRaises(ValueError):
            term.decode(b"\x83l\0\0\0\x01a\x01a\x02")
        with self.assertRaises(ValueError):
            term.decode(b"\x83a\x01a")
