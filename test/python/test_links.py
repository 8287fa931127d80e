"""The member that was written from PROTOCOL.md on several links, and over IPv6 where no multicast leads, among real
gossipds."""
import socket
import unittest

from group import INTERVAL, GroupCase, setUpModule  # noqa: F401
from lab import dropped, ip, nft
from term import Atom
from test_far import PORTS, FarCase
from world import GROUP6

NO_GROUP6 = f"""table ip6 lab {{
chain out {{\ntype filter hook output priority 0;\nip6 daddr {GROUP6} counter drop\n}}
chain in {{\ntype filter hook input priority 0;\nip6 daddr {GROUP6} counter drop\n}}
}}\n"""


class TwoLinksTest(GroupCase):
    """Everybody is on both."""

    def prepare(self):
        self.lab.second_link()

    def address(self, s):
        return s.peer("py@h4")["addresses"][0][0]

    def suspects_whom_it_hears(self, node):
        """Names, from now on: of those whom it suspects although something of them has come, by whichever link, 1.25 T ago at
        most. (Whoever waits for a processor is silent on both.)"""
        member, came, wrong = node.member, {}, []
        receive, suspect = member.receive, member.suspect

        def hears(data, source, here):
            came[source[0].split(".")[3]] = member.core_time()
            receive(data, source, here)

        def suspects(p):
            if member.core_time() - came.get(p.name.split("@h")[1], 0) < 1.25 * INTERVAL / 1000:
                wrong.append(p.name)
            suspect(p)
        member.receive, member.suspect = hears, suspects
        return wrong

    def on(self, link):
        return (10, 78 + link, 0, 4)

    def test_the_other_takes_over(self):
        node = self.joined(4, others=[self.lab.second_ip(self.lab[4])])
        self.until(lambda: all({a[0] for a in s.peer("py@h4")["addresses"]} == {self.on(0), self.on(1)} for s in self.real),
                   "all know both of its addresses")
        self.until(lambda: all(len(p.heard_at) == 2 for p in node.member.peers.values()), "it knows both of each")
        self.world.run(2 * INTERVAL / 1000)
        for s in self.real:  # which copy came first means nothing
            firsts = {e[1]["addresses"][0][0] for e in s.seen("up", "py@h4") + s.seen("update", "py@h4")}
            self.assertEqual(firsts, {self.address(s)}, s.name)
        wrong = self.suspects_whom_it_hears(node)
        for link in (0, 1):
            self.lab.cut(self.lab[4], link)
            self.until(lambda link=link: all(self.address(s) == self.on(1 - link) for s in self.real), "all use the other",
                       show=lambda: str([s.peer("py@h4") for s in self.real]))
            self.until(lambda link=link: all(p.address[0].startswith(f"10.{79 - link}.") for p in node.member.peers.values()),
                       "so does it", show=lambda: str([(p.address, p.heard_at) for p in node.member.peers.values()]))
            self.lab.heal(self.lab[4], link)
            self.until(lambda link=link: all(any(a[0].startswith(f"10.{78 + link}.") and node.member.now - at < 0.5 for a, at in
                                                 p.heard_at.items()) for p in node.member.peers.values()), "it is back")
        self.assert_never_down("py@h4")
        self.assertEqual([e for e in node.member.events if e[0] == "down"], [])
        self.assertEqual(wrong, [])


class SixFarTest(FarCase):
    """The real ones have both families, and each other by the group; one that does not hear it has IPv6 alone. Where they
    are, beyond their link, it knows by their hosts."""

    hosts, sidecars, options = 8, 7, {"group6": GROUP6.encode(), "unicast_port": PORTS}

    def global_ip(self, number):
        return f"fd00:78::{number}"

    def prepare(self):
        for host in self.lab.hosts:
            ip("-n", host.netns, "address", "add", f"{self.global_ip(host.number)}/64", "dev", "eth0", "nodad")
            self.until(lambda host=host: self.lab.link_local(host), "the kernel has given an address")

    def sidecar(self, number, keys=None, **options):
        s = super().sidecar(number, keys, **options)
        s.identity[Atom("host")] = (b"\0\4" + socket.inet_aton(self.lab[number].ip) + b"\6" +
                                    socket.inet_pton(socket.AF_INET6, self.global_ip(number)))
        s.command((Atom("alive"), s.identity))
        return s

    def test_joins_by_a_seed_and_is_known(self):
        nft(self.lab[8], NO_GROUP6)
        seed = [(self.global_ip(1), port) for port in range(PORTS[0], PORTS[1] + 1)]
        node = self.joined(8, ipv6=self.global_ip(8), seeds=[seed], host=(False, (self.global_ip(8),)),
                           boot=self.boot_linked_with(5))
        self.world.run(2 * INTERVAL / 1000)
        self.assertGreater(len(self.unlinked(node)), 0)
        self.assertEqual({p.address[0] for p in node.member.peers.values()}, {self.global_ip(n) for n in range(1, 8)})
        self.assertGreater(dropped(self.lab[8], family="ip6"), 0)
        self.assertEqual(self.events_of(node), ["up"] * 7)
        self.assert_never_down("py@h8")
        node.member.leave()
        self.until(lambda: all(s.seen("down", "py@h8") for s in self.real), "its goodbye is heard by all")


if __name__ == "__main__":
    unittest.main()
