"""The executables of bin/precompile. Those for this machine's processor are in one group with a gossipd that was built
here. Those for another run under qemu-user: they start, take their configuration, stretch a passphrase, and answer; and
what their core seals is what an implementation without ours computes. Whether they reach a network is not seen there:
qemu-user knows no IP_MULTICAST_ALL, and so they say that no socket can be opened.

    bin/precompile --check

Not found by `unittest discover`, since it takes what bin/setup --cross installs."""
import glob
import os
import platform
import struct
import subprocess
import unittest

import seal
import term
from group import GroupCase
from sidecar import BUILD
from term import Atom

DIR, ANSWERS = os.environ["GOSSIPD_PRECOMPILED"], os.environ["GOSSIP_ANSWERS"]
EXECUTABLES = sorted(glob.glob(os.path.join(DIR, "gossipd-*-*")))


def target(path):
    """x86_64-linux-gnu of DIR/gossipd-0.1.0-x86_64-linux-gnu"""
    return os.path.basename(path).split("-", 2)[2]


def cpu(path):
    return target(path).split("-")[0]


def command(path, runs_for):
    """What runs an executable here."""
    if cpu(runs_for) == platform.machine():
        return [path]
    # What is not linked statically has its C library where Debian's cross compiler has it.
    return [f"qemu-{cpu(runs_for)}", "-L", f"/usr/{cpu(runs_for)}-linux-gnu", path]


NATIVE = [path for path in EXECUTABLES if cpu(path) == platform.machine()]
FOREIGN = [path for path in EXECUTABLES if path not in NATIVE]


class GroupTest(GroupCase):
    hosts = sidecars = len(NATIVE) + 1

    def sidecar(self, number, keys=None, **options):
        path = os.path.join(BUILD, "gossipd") if number == 1 else NATIVE[number - 2]
        return super().sidecar(number, [(Atom("passphrase"), b"the same for all")], program=[path], **options)

    def test_all_of_them_meet_and_leave(self):
        self.assertGreater(self.sidecars, 1, f"there are none for this processor in {DIR}")
        here = self.real[0]
        for s in self.real:
            s.command(Atom("snapshot"))
            others = [other.name for other in self.real if other is not s]
            self.until(lambda s=s, others=others: all(s.peer(name)["cookie"] == "same" for name in others),
                       f"{s.name} knows the cookie of all")
            self.assertEqual(self.stats(s, "foreign", "forged", "malformed"), [0] * 3)
        for s in self.real[1:]:
            s.command((Atom("leave"), Atom("beam_exit")))
            self.until(lambda s=s: here.seen("down", s.name), f"{s.name} has left")
            self.assertEqual([e[2] for e in here.seen("down", s.name)], ["beam_exit"])


class EachTest(unittest.TestCase):
    def test_says_its_version(self):
        self.assertTrue(EXECUTABLES)
        for path in EXECUTABLES:
            with self.subTest(target(path)):
                said = subprocess.run([*command(path, path), "--version"], check=True, capture_output=True, text=True)
                self.assertEqual(said.stdout.split(), ["gossipd", os.path.basename(path).split("-")[1]])

    def test_seals_as_another_implementation_does(self):
        key = seal.Key(seal.KEY, bytes(range(32)), b"lab")
        stretched = seal.Key(seal.PASSPHRASE, b"the same everywhere", b"lab")
        for path in EXECUTABLES:
            with self.subTest(target(path)):
                answers = os.path.join(ANSWERS, target(path), "build", "gossip_answers")
                said = subprocess.run(command(answers, path), check=True, capture_output=True, text=True).stdout
                prefix, datagram = map(bytes.fromhex, said.split())
                self.assertEqual(prefix, stretched.prefix)
                self.assertEqual(datagram[8:32], bytes(range(100, 124)))
                self.assertEqual(seal.Ring(key).open(datagram)[2], b"what is sealed")

    def test_takes_its_configuration_and_answers(self):
        for path in FOREIGN:
            with self.subTest(target(path)):
                frame = term.encode((Atom("configure"), {
                    Atom("version"): 1, Atom("cluster"): b"", Atom("keys"): [(Atom("passphrase"), b"a passphrase")],
                    Atom("group"): b"233.252.1.33", Atom("port"): 45893, Atom("interfaces"): Atom("all"), Atom("ttl"): 0,
                    Atom("interval"): 1000, Atom("max_peers"): 16, Atom("heartbeats"): False, Atom("advertise"): b"",
                    Atom("unicast_port"): (0, 0), Atom("broadcast"): False, Atom("group6"): b""}))
                said = subprocess.run([*command(path, path), "--port"], input=struct.pack(">I", len(frame)) + frame,
                                      capture_output=True, timeout=60)
                size = struct.unpack(">I", said.stdout[:4])[0]
                answer = term.decode(said.stdout[4:4 + size])
                # The one, or on a qemu that knows the option the other.
                if answer[0] != "ready":
                    self.assertEqual(answer[:2], (Atom("error"), Atom("network")), answer)
                    self.assertIn(b"Protocol not available", answer[2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
