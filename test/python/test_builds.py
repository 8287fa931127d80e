"""gossipd with the system's libsodium and gossipd with libsodium from its sources are one cluster: what each stretches,
hashes and seals, the other understands."""
import os
import subprocess

import group
from group import GroupCase
from sidecar import BUILD, ready
from term import Atom

BUNDLED = os.environ.get("GOSSIP_BUILD_BUNDLED", "build/bundled")


def setUpModule():
    group.setUpModule()
    if "GOSSIP_BUILD_BUNDLED" not in os.environ:
        source = subprocess.run(["bin/debian-source", "libsodium"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        for command in (["cmake", "--preset", "bundled", f"-DGOSSIP_SODIUM_SOURCE={source}"],
                        ["cmake", "--build", "--preset", "bundled", "--target", "gossipd"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class BuildsTest(GroupCase):
    hosts, sidecars = 3, 2

    def sidecar(self, number, keys=None, **options):
        return super().sidecar(number, keys or [(Atom("passphrase"), b"the same for both")],
                               program=[os.path.join(BUILD if number == 1 else BUNDLED, "gossipd")], **options)

    def test_the_two_meet_and_see_that_they_have_the_same_cookie(self):
        for s, other in zip(self.real, reversed(self.real)):
            s.command(Atom("snapshot"))
            self.until(lambda s=s, other=other: s.peer(other.name)["cookie"] == "same", "its cookie is known")
            self.assertEqual(self.stats(s, "foreign", "forged", "malformed"), [0] * 3)
        # Both have derived the same key, and tell it; who is given that derives none, and is one of them.
        keys = self.real[0].derived
        self.assertEqual((self.real[1].derived, [len(key) for key in keys]), (keys, [32]))
        third = self.sidecar(3, [(Atom("derived"), keys[0])])
        ready(self.world, [third])
        self.until(lambda: len(third.peers) == 2 and all("s3@h3" in s.names() for s in self.real), "they are three")
        self.assertIsNone(third.derived)
        self.assertNotEqual(*[os.path.realpath(f"/proc/{s.process.pid}/exe") for s in self.real])
