"""The codec of messages: values to bytes and back, and what is malformed."""
import os
import struct
import unittest

import message as wire
from message import Entry, Malformed, Message, decode, encode

ENTRY = Entry(5, 123456, 7, 2, 4370, wire.TLS | wire.LONG_NAMES, 1000, "b@host", (("198.51.100.2", 4000),), far=True,
              stalled=True)
FULL = Message(
    wire.ACK, 0x1122334455667788, asks=True, flags=wire.LONG_NAMES | wire.HIDDEN, interval=1500, health=1, beam_age=65535,
    nonce=2**64 - 1, incarnation=3, creation=4, port=4370, size=40, sent_at=10**15, digest=6, name="a@h", question=2,
    echoes=[(1, 2), (3, 4)], verdicts=[(wire.DEAD, 9, 1)], entries=[ENTRY], cursor=wire.ALL_ONES, total=40, target=11,
    fingerprint=b"12345678", reason=2, relay=12, heard=300, ended=10**15 - 1, far=True, whole=True,
    to=(13, ("198.51.100.3", 5000)), addresses=(("198.51.100.4", 6000), ("198.51.100.5", 6000)))


def raw(kind, value):
    return encode(Message(wire.HELLO, 1)) + struct.pack(">BH", kind, len(value)) + value


class MessageTest(unittest.TestCase):
    def test_says_what_it_was_told(self):
        self.assertEqual(decode(encode(FULL)), FULL)

    def test_the_header_stands_where_the_text_puts_it(self):
        data = encode(FULL)
        self.assertEqual(data[0], 3)
        self.assertEqual(data[1], 0x07 | 0x90)
        for at, size, value in ((2, 2, 1500), (4, 1, 6), (5, 1, 1), (6, 2, 65535), (8, 8, FULL.boot), (16, 8, FULL.nonce),
                                (24, 4, 3), (28, 4, 4), (32, 2, 4370), (34, 2, 40), (36, 8, 10**15), (44, 8, 6)):
            self.assertEqual(int.from_bytes(data[at:at + size], "big"), value, at)

    def test_the_flags_of_an_entry_stand_where_the_text_puts_them(self):
        self.assertEqual(wire.encode_entry(ENTRY)[26], 0x30 | wire.TLS | wire.LONG_NAMES)
        for flags, far, stalled in ((0xC0, False, False), (0xD2, True, False), (0xE2, False, True)):  # 6 and 7: not known
            entry = bytearray(wire.encode_entry(ENTRY))
            entry[26] = flags
            e = wire.decode_entry(bytes(entry))
            self.assertEqual((e.far, e.stalled, e.flags), (far, stalled, flags & 15))

    def test_what_is_cut_off_is_malformed_or_says_less(self):
        data = encode(FULL)
        for size in range(len(data)):
            try:
                self.assertNotEqual(decode(data[:size]), FULL)
            except Malformed:
                pass
        for size in range(wire.FIXED.size):
            with self.assertRaises(Malformed):
                decode(data[:size])

    def test_whatever_comes_is_a_message_or_malformed(self):
        for _ in range(2000):
            data = bytearray(encode(FULL))
            for _ in range(3):
                data[os.urandom(1)[0] % len(data)] = os.urandom(1)[0]
            try:
                decode(bytes(data))
            except Malformed:
                pass

    def test_short_fields_and_boot_ids_of_0_are_malformed(self):
        for kind, size in ((wire.QUESTION, 1), (wire.ECHO, 16), (wire.VERDICT, 13), (wire.ENTRY, 33), (wire.CURSOR, 8),
                           (wire.TOTAL, 4), (wire.TARGET, 8), (wire.FINGERPRINT, 8), (wire.REASON, 1), (wire.RELAY, 8),
                           (wire.HEARD, 2), (wire.DISCONNECTED, 8), (wire.TO, 9)):
            with self.assertRaises(Malformed, msg=kind):
                decode(raw(kind, b"\x01" * (size - 1)))
            if kind != wire.ENTRY:
                decode(raw(kind, b"\x01" * size))
                decode(raw(kind, b"\x01" * size + b"more of it"))
        entry = wire.encode_entry(wire.Entry(0, 0, 1, 0, 0, 0, 100, "a@h", ()))
        with self.assertRaises(Malformed):
            decode(raw(wire.ENTRY, entry))
        decode(raw(wire.ENTRY, b"\x01" + entry[1:]))
        # Elsewhere it is nobody's.
        self.assertEqual(decode(raw(wire.ECHO, bytes(16))).echoes, [(0, 0)])
        self.assertEqual(decode(raw(wire.VERDICT, b"\x03" + bytes(12))).verdicts, [(3, 0, 0)])
        self.assertEqual(decode(raw(wire.TARGET, bytes(8))).target, 0)
        self.assertEqual(decode(raw(wire.CURSOR, bytes(8))).cursor, 0)
        self.assertEqual(decode(raw(wire.TO, bytes(8) + b"\x05")).to, (0, None))
        with self.assertRaises(Malformed):
            decode(bytes(52))

    def test_the_unknown_is_skipped(self):
        self.assertEqual(decode(raw(200, b"who knows")).name, None)
        self.assertEqual(decode(raw(wire.ADDRESSES, b"\x05what is this")).addresses, ())
        self.assertEqual(decode(encode(Message(99, 1))).type, 99)

    def test_what_repeats_too_often_is_skipped(self):
        many = Message(wire.NEWS, 1, echoes=[(1, i) for i in range(20)], verdicts=[(3, 1, i) for i in range(40)])
        self.assertEqual((len(decode(encode(many)).echoes), len(decode(encode(many)).verdicts)), (8, 24))

    def test_names(self):
        for name in ("a@h", "gr\u00fc\u00df@h.example", "a" * 253 + "@h"):
            self.assertEqual(decode(raw(wire.NAME, name.encode())).name, name)
        for name in ("", "a@", "@h", "ah", "a@b@c", "a b@h", 'a"@h', "a\\@h", "a\u009b@h", "a\u0085@h", "a\u202e@h",
                     "a\u2028@h", "\ufeffa@h", "a\u00a0@h", "nonode@nohost", "a" * 254 + "@h"):
            with self.assertRaises(Malformed, msg=name):
                decode(raw(wire.NAME, name.encode()))
        with self.assertRaises(Malformed):
            decode(raw(wire.NAME, b"\xff@h"))
