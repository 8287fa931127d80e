"""`gossipd doctor` among real sidecars of both families: what it says of IPv4 and of IPv6, to programs and to people."""
import json
import os
import re
import subprocess

from group import BUILD, GroupCase, setUpModule  # noqa: F401
from lab import dropped, nft
from world import GROUP6

GOSSIPD = os.path.abspath(os.path.join(BUILD, "gossipd"))
# Of the doctor's datagrams, which are empty, on a host beside it.
COUNT_EMPTY = "table inet lab {\nchain in {\ntype filter hook prerouting priority 0;\nudp length 8 counter\n}\n}\n"
LOSE_IN = "table %s lab {\nchain in {\ntype filter hook input priority 0;\nudp dport 45893 counter drop\n}\n}\n"


class DoctorTest(GroupCase):
    hosts, sidecars, options = 4, 2, {"group6": GROUP6.encode()}

    def doctor(self, host, *arguments):
        process = subprocess.Popen(["ip", "netns", "exec", host.netns, GOSSIPD, "doctor", "--for", "1", *arguments],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
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
