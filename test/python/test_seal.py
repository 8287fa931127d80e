"""Keys and the seal, against an implementation without libsodium and the known answers that C holds, too."""
import os
import sys
import unittest

import seal
from seal import COOKIE, KEY, PASSPHRASE, Forged, Foreign, Key, Ring

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "c", "support"))
import seal_vectors  # noqa: E402

BYTES = bytes(range(32))
TEXT = b"ABCDEFGHIJKLMNOPQRST"
KNOWN = [
    (KEY, BYTES, b"", "82fb321a39f1dba3ff870b276309ffe3c3859ebdf035a48a7ab29ef1a50ac343", "4753430109c2ff9d"),
    (KEY, BYTES, b"prod", "e92bc95534618dae6e4c40ffdc2a7876bf4601666198d67c8760ff7e54837ce0", "4753430108324490"),
    (COOKIE, TEXT, b"", "488fe99988717cdd0c479f104ff6dfa4a9f24f5c314a2f9ef0f6c0af6ad23b6a", "47534301899c7067"),
    (PASSPHRASE, TEXT, b"", "abf98398f429121fb39e98857ed3e282b055341572b902c31ad086a0140d7f82", "47534301e9b07ea7"),
    (PASSPHRASE, "gr\u00fc\u00df Gott".encode(), b"lab",
     "e2415b5ef09fc4882208588a3b71c1cd3f022f2e6bf128953049dfb9e50ab201", "47534301e92f5d07"),
    (COOKIE, seal_vectors.RELEASE, b"", "a896ab435a5e70f40492ff51c470784f990eef0e03641c9431457bfdd8a391f6", "4753430195491b6e"),
    (COOKIE, seal_vectors.RELEASE, b"prod", "3f8334e37050438f31eb28b73a1c9ff0b6153f18dda421aadfea04cfa0d85ecb",
     "4753430151fc1ebf"),
    (COOKIE, seal_vectors.RELEASE[:51] + b"R====", b"", "1b15f0eb39b26a9d2ab6edb77565f7c882931f57e37d7d47797add31cd35f22a",
     "475343010f57a037"),  # no bytes have this form: stretched
]


class SealTest(unittest.TestCase):
    def test_keys_are_the_known_ones(self):
        for kind, secret, scope, key, prefix in KNOWN:
            made = Key(kind, secret, scope)
            self.assertEqual((made.key.hex(), made.prefix.hex()), (key, prefix))

    def test_seals_as_the_rfcs_say(self):
        key = Key(KEY, BYTES, b"prod")
        for size in (0, 1, 15, 16, 17, 63, 64, 65, 300):
            nonce, message = os.urandom(24), os.urandom(size)
            self.assertEqual(key.seal(nonce, message), seal_vectors.seal(key.key, nonce, message))
        self.assertEqual(key.fingerprint(TEXT), seal_vectors.fingerprint(key.key, TEXT))

    def test_opens_what_it_seals_and_nothing_else(self):
        ring = Ring(Key(KEY, BYTES, b"prod"))
        sealed = ring.seal(7, 9, b"hello")
        self.assertEqual(ring.open(sealed), (7, 9, b"hello"))
        for i in range(len(sealed)):
            broken = bytearray(sealed)
            broken[i] ^= 1
            with self.assertRaises(Foreign if i < 8 else Forged):
                ring.open(bytes(broken))
        for size in range(len(sealed)):
            with self.assertRaises((Foreign, Forged)):
                ring.open(sealed[:size])

    def test_every_key_of_a_ring_opens_and_the_first_seals(self):
        old, new = Key(KEY, BYTES, b""), Key(KEY, bytes(32), b"")
        self.assertEqual(Ring(new, old).open(Ring(old).seal(1, 1, b"x")), (1, 1, b"x"))
        with self.assertRaises(Foreign):
            Ring(old).open(Ring(new, old).seal(1, 1, b"x"))

    def test_the_scope_is_group_port_and_label(self):
        self.assertEqual(seal.scope("233.252.1.33", 45893, b"prod"), bytes([233, 252, 1, 33, 0xB3, 0x45]) + b"prod")
