"""`gossipd doctor` among real sidecars of both families: what it says of IPv4 and of IPv6, and of one other node, to
programs and to people."""
import contextlib
import json
import os
import re
import select
import socket
import subprocess
import tempfile
import time

from group import BUILD, KEY, RING, GroupCase, setUpModule  # noqa: F401
from lab import dropped, inside, ip, nft
from sidecar import ready
from term import Atom
from world import GROUP, GROUP6, PORT

GOSSIPD = os.path.abspath(os.path.join(BUILD, "gossipd"))
# Of the doctor's datagrams, which are empty, on a host beside it.
COUNT_EMPTY = "table inet lab {\nchain in {\ntype filter hook prerouting priority 0;\nudp length 8 counter\n}\n}\n"
LOSE_IN = "table %s lab {\nchain in {\ntype filter hook input priority 0;\nudp dport 45893 counter drop\n}\n}\n"


# What unicast goes to: the default of the option unicast_port, and the distribution.
UNICAST, DISTRIBUTION = (45894, 45901), 4370


def readable(s):
    return select.select([s], [], [], 0)[0]


def rules(hook, *lines):
    body = "\n".join(lines)
    return f"table inet lab {{\nchain {hook} {{\ntype filter hook {hook} priority 0;\n{body}\n}}\n}}\n"


class DoctorCase(GroupCase):
    options = {"group6": GROUP6.encode(), "unicast_port": UNICAST}

    def doctor(self, host, *arguments, secret=b"", before=()):
        process = subprocess.Popen(["ip", "netns", "exec", host.netns, *before, GOSSIPD, "doctor", "--for", "1", *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        with contextlib.suppress(BrokenPipeError):  # it has refused what it was asked
            process.stdin.write(secret)
            process.stdin.close()
        return process

    def ended(self, process):
        self.until(lambda: process.poll() is not None, "it has looked")
        return process.stdout.read().decode(), process.returncode

    def found(self, process):
        """Its status, and what it says: pairs of a level and a word, with the text."""
        text, status = self.ended(process)
        report = json.loads(text)
        self.assertEqual(report["status"], ["ok", "warning", "broken"][status])
        return status, {(f["level"], f["what"], f["cause"]) for f in report["findings"]}


class FamiliesTest(DoctorCase):
    hosts, sidecars = 4, 2

    def test_it_tries_the_group_over_both_families_and_says_which_fails(self):
        well, no4, no6 = self.lab[2], self.lab[3], self.lab[4]
        for host in (well, no4, no6):
            self.until(lambda h=host: self.lab.link_local(h), "the kernel has given an address")
        nft(self.lab[1], COUNT_EMPTY)
        nft(no4, LOSE_IN % "ip")
        nft(no6, LOSE_IN % "ip6")
        started = [self.doctor(host, "--json", *more) for host, more in
                   [(well, []), (no4, []), (no6, []), (no6, ["--no-ipv6"]), (well, ["--group6", "ff12::1"])]]
        people = self.doctor(no6)
        both, lost4, lost6, alone, other = [self.found(process) for process in started]
        on, on6 = (f"what is sent to the group on eth0{over} comes back" for over in ("", " over IPv6"))
        lost, lost_6 = (f"what is sent to the group on eth0{over} does not come back to this host itself"
                        for over in ("", " over IPv6"))
        here = self.lab.link_local(well)
        self.assertEqual(both[0], 0, both)
        for finding in [("ok", "echo", on), ("ok", "echo", on6),
                        ("ok", "interfaces", f"interface eth0 {here}"), ("ok", "interfaces", f"interface eth0 {well.ip}")]:
            self.assertIn(finding, both[1])
        # Who multicasts over both is heard over the other one.
        self.assertEqual(lost4[0], 1, lost4)
        self.assertIn(("warning", "no_echo", lost), lost4[1])
        self.assertIn(("ok", "echo", on6), lost4[1])
        self.assertIn("fe80::", str([c for _, what, c in lost4[1] if what == "key_tag"]))
        self.assertEqual(lost6[0], 1, lost6)
        self.assertIn(("warning", "no_echo", lost_6), lost6[1])
        self.assertIn(("ok", "echo", on), lost6[1])
        self.assertEqual(alone[0], 0, alone)
        self.assertNotIn("IPv6", str(alone[1]))
        self.assertEqual(other[0], 0, other)
        self.assertIn(("ok", "echo", on6), other[1])
        text, status = self.ended(people)
        self.assertEqual(status, 1, text)
        self.assertRegex(text, "warning  " + re.escape(lost_6) + r"\. Do: look for a firewall .*ip6tables")
        self.assertEqual(dropped(self.lab[1], family="inet"), 0)  # what it sends stays on its host

    def test_it_is_broken_where_nothing_comes_back_over_either(self):
        host = self.lab[4]
        self.until(lambda: self.lab.link_local(host), "the kernel has given an address")
        nft(host, LOSE_IN % "inet")
        status, found = self.found(self.doctor(host, "--json"))
        self.assertEqual(status, 2)
        self.assertEqual(len({f for f in found if f[:2] == ("broken", "no_echo")}), 2, found)

    def test_it_says_whom_it_can_meet_where_there_is_no_network(self):
        host = self.lab[1]
        for device, arguments, wanted in [
                ("eth0", [], (1, "warning", "no interface but the loopback .*: nodes on this machine find each other")),
                ("eth0", ["--interface", "eth9"], (2, "broken", "no interface that may be used")),
                ("lo", [], (2, "broken", "no interface that may be used"))]:
            ip("-n", host.netns, "link", "set", device, "down")
            status, found = self.found(self.doctor(host, "--json", *arguments))
            [(level, cause)] = [(level, cause) for level, what, cause in found if what == "no_network"]
            self.assertEqual((status, level), wanted[:2], found)
            self.assertRegex(cause, wanted[2])


class ResolverTest(DoctorCase):
    """The system's resolver hears nothing of its server."""

    hosts, sidecars = 2, 1

    def resolver(self):
        """An option of the process, and a server of names that never answers."""
        host = self.lab[2]
        with inside(host.netns):
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.bind((host.ip, 53))
        return server, self.file(f"nameserver {host.ip}\noptions timeout:30 attempts:5\n", "/etc/resolv.conf")

    def file(self, text, name):
        """What makes a process see this file so; `ip netns exec` has made it a file system of its own."""
        file = tempfile.NamedTemporaryFile("w")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return ["sh", "-c", f'mount --bind "$0" {name} && exec "$@"', file.name]

    def test_it_does_not_wait_for_it_and_leaves_nobody_waiting(self):
        server, before = self.resolver()
        both = self.doctor(self.lab[2], "both.example", "--json", before=self.file("::1 both.example\n127.0.0.1 both.example\n",
                                                                                   "/etc/hosts"))
        killed = self.doctor(self.lab[2], "nobody.example", before=before)
        waits = self.doctor(self.lab[2], "nobody.example", "--json", before=before)
        self.until(lambda: self.children(killed), "it has the system's resolver ask")
        child = self.children(killed)[0]
        self.until(lambda: readable(server), "that asks")
        killed.kill()
        killed.wait()
        status, found = self.found(waits)
        self.assertEqual(status, 2)
        self.assertIn(("broken", "unresolved", "the host name nobody.example does not resolve here: "
                       "the system's resolver does not answer"), found)
        self.until(lambda: not os.path.exists(f"/proc/{child}"), "nobody waits any more")
        _, found = self.found(both)  # of two the one of IPv4
        self.assertIn(("ok", "resolved", "the host both.example has the address 127.0.0.1 here"), found)

    @staticmethod
    def children(process):
        """None before it is gossipd: what becomes it has `mount` for a child."""
        with open(f"/proc/{process.pid}/comm", encoding="ascii") as file:
            if file.read() != "gossipd\n":
                return []
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return file.read().split()


class PeerTest(DoctorCase):
    """Asked about another node: each cause on a host of its own, and what is well on another."""

    hosts, sidecars = 11, 2

    def prepare(self):
        self.well, self.closed, self.barred, self.foreign, self.refused, self.dropped, self.dead = \
            [self.lab[n] for n in (2, 3, 4, 5, 6, 7, 8)]
        self.askers = [self.lab[n] for n in (9, 10)]
        ports = "udp dport 45894-45901 drop"
        nft(self.barred, rules("input", ports))
        nft(self.dropped, rules("input", f"tcp dport {DISTRIBUTION} drop"))
        nft(self.closed, COUNT_EMPTY)
        nft(self.dead, rules("input", "meta l4proto { udp, tcp } drop") +
            rules("output", "udp sport 45894-45901 udp dport 45893-45901 drop"))
        nft(self.lab[11], rules("output", ports))
        # As Docker's bridge has it on every machine. What answers there is the asker's own.
        ip("-n", self.askers[1].netns, "address", "add", "172.17.0.1/16", "dev", "eth0")
        for host in (self.well, self.barred, self.foreign, self.dropped, self.askers[1]):
            self.listen(host)
        self.forged_at = 0
        with inside(self.dead.netns):
            self.forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.forger.close)
        self.forger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.dead.ip))

    def listen(self, host):
        """Where the distribution would."""
        with inside(host.netns):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(("0.0.0.0", DISTRIBUTION))
        listener.listen()

    def forge(self):
        """What has the tag of the key, and nobody who has the key has sealed: ten times a second."""
        if time.monotonic() > self.forged_at + 0.1:
            self.forged_at = time.monotonic()
            self.forger.sendto(RING.keys[0].prefix + bytes(100), (GROUP, PORT))

    def ask(self, asker, peer, *arguments, secret=KEY.hex().encode()):
        return self.doctor(asker, peer, "--kind", "key", "--json", *arguments, secret=secret)

    def causes(self, process):
        status, found = self.found(process)
        return status, {what: level for level, what, _ in found if level != "ok"}, found

    def test_it_names_what_keeps_one_from_another_node(self):
        docker = {"addresses": b"\0\4" + socket.inet_aton("172.17.0.1")}
        ready(self.world, [self.sidecar(host.number, **(docker if host == self.dropped else {}))
                           for host in (self.barred, self.refused, self.dropped, self.dead)] +
              [self.sidecar(self.foreign.number, [(Atom("key"), bytes(32))])])
        first, second = self.askers
        with tempfile.NamedTemporaryFile() as file:
            file.write(KEY)
            file.flush()
            by_name = self.ask(first, f"s2@{self.well.ip}", "--secret-file", file.name, secret=b"")
            rows = [self.ask(first, self.closed.ip), self.ask(first, self.barred.ip), self.ask(first, self.foreign.ip),
                    self.ask(second, self.refused.ip), self.ask(second, self.dropped.ip), self.ask(second, self.dead.ip),
                    self.ask(self.lab[11], self.well.ip)]
            self.until(lambda: self.forge() or all(row.poll() is not None for row in rows), "all have looked")
            well = self.causes(by_name)
            ends = [self.causes(row) for row in rows]
        # The name in the table is another one than the host's: s2@h2 answers, and not who was asked for.
        self.assertEqual(well[:2], (2, {"not_listed": "broken"}), well)
        self.assertEqual([causes for _, causes, _ in ends],
                         [{"peer_not_running": "broken"}, {"no_answer": "warning"}, {"no_answer": "broken"},
                          {"refused": "broken"}, {"timeout": "broken"}, {"no_answer": "broken"},
                          {"firewall_unicast_out": "broken"}], ends)
        self.assertEqual([status for status, _, _ in ends], [2, 1, 2, 2, 2, 2, 2])
        # Of another key, which anybody may have sent from there, it is said that it is seen, and not that it is the cause.
        self.assertIn("cannot be opened with this secret: its key tag is ", str(ends[2][2]))
        self.assertNotIn("cannot be opened", str(ends[5][2]))  # what has the tag, and nobody who has the key has sealed
        for status, _, found in (ends[3], ends[4]):  # UDP passes, and it says so
            self.assertIn("UDP passes both ways", str([c for _, what, c in found if what == "udp"]))
        # A port that is known to be closed is left alone: a system tells of few a second.
        self.assertEqual(dropped(self.closed, family="inet"), 2)
        # Whoever has asked is listed by nobody.
        for s in self.real:
            self.assertEqual({n for n in s.names() if not n.startswith("s")}, set())

    def test_all_is_well_with_a_node_that_is_reached(self):
        first, second = self.askers
        here = self.lab.link_local(self.well)
        rows = [self.ask(first, self.well.ip), self.ask(first, f"{self.well.ip}:45894"),
                self.ask(second, f"{here}%eth0"), self.ask(second, self.well.ip, secret=b""),
                self.ask(second, f"{here}%eth0", secret=b"")]
        people = self.doctor(first, self.well.ip, "--kind", "key", secret=KEY)
        many = [self.ask(second, a) for a in ("10.78.0.255", "10.78.0.0", "255.255.255.255", GROUP, "0.0.0.0", GROUP6)]
        linkless = self.ask(second, here)
        four, port, six, unasked, unasked6 = [self.causes(row) for row in rows]
        text, status = self.ended(people)
        for row in (four, port, six, unasked, unasked6):
            self.assertEqual(row[:2], (0, {}), row)
        kind = "s2@h2: a long name, distribution over plain TCP and IPv4"
        for _, _, found in (four, port):
            for finding in [("ok", "udp", f"s2@h2 answers under this secret: UDP passes both ways to {self.well.ip} port 45894"),
                            ("ok", "peer", kind), ("ok", "tcp", f"s2@h2 is reached by TCP at {self.well.ip} port 4370")]:
                self.assertIn(finding, found)
        self.assertIn(("ok", "udp", f"s2@h2 answers under this secret: UDP passes both ways to {here} port 45894"), six[2])
        # Without an answer epmd is tried, but where Erlang dials nobody.
        for row, tried in [(unasked, True), (unasked6, False)]:
            self.assertIn("cannot be told", str([c for _, what, c in row[2] if what == "udp"]))
            self.assertEqual(any(what == "tcp" and "epmd" in c for _, what, c in row[2]), tried, row)
        self.assertEqual(status, 0, text)
        self.assertTrue(text.endswith("\nAll is well.\n"), text)
        for process in many:  # nobody is asked by what goes to a whole subnet
            self.assertIn("PEER must be one node's address", self.refused_as_json(process))
        self.assertIn("PEER must name the interface", self.refused_as_json(linkless))
        text, status = self.ended(self.doctor(first, "--jso"))
        self.assertEqual((text, status), ("gossipd doctor: there is no option --jso (gossipd doctor --help)\n", 2))

    def refused_as_json(self, process):
        text, status = self.ended(process)
        self.assertEqual(status, 2, text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertEqual(list(json.loads(text)), ["error"], text)
        return json.loads(text)["error"]
