#!/usr/bin/python3
"""What recordings of ended sessions, said again with a victim's address for their source, make a group of real sidecars
send, on a network of namespaces: one of them ten times a second, a beat and then a question, and 5,000 of them 2,000
times a second. Against the same group without: what the members say to each other, and how soon all know that one of
them has crashed. Status 1 if a bound does not hold.

    bench/amplify.py [N[@RATE]...]    as root, on a quiet machine; N = 2, 20 and 40 where none is given
                                      RATE: of the 5,000, so many a second

As the simulator's `amplify`, in guides/simulation.md, where the figures stand. Each member hears each recording, and
what the others answer to the group: "cores" tells how many the members took, with the machine's cables. Where those are
nearly all there are, the machine is measured, and not the protocol."""
import os
import random
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
RELEASE = os.path.join(ROOT, "build/release")
os.environ.setdefault("GOSSIP_BUILD", RELEASE)  # before sidecar.py reads it
sys.path.insert(0, os.path.join(ROOT, "test/python"))
sys.dont_write_bytecode = True

from flood import Flood, Tap, recording  # noqa: E402
from attack import Attacker  # noqa: E402
from group import COOKIE, KEYS  # noqa: E402
from lab import Lab  # noqa: E402
from sidecar import Sidecar, ready  # noqa: E402
from world import World  # noqa: E402

RECORDINGS, MANY, ONE = 5000, 2000, 10  # said a second
CALM = 10  # seconds, after which nobody is young any more
CRASHES = 3
MOST_CAUSED, OWN, MOST_GONE = 300, (90, 110), 2.2  # percent, percent, seconds


def worked(path, fields):
    """Seconds of a core, from these numbers of a line in /proc; what has a name in brackets has it cut off."""
    with open(path, encoding="ascii") as file:
        numbers = file.readline().rpartition(")")[2].split()
    return sum(int(numbers[i]) for i in fields) / os.sysconf("SC_CLK_TCK")


class Group:
    def __init__(self, size):
        self.lab, self.world = Lab(size + 2), World()
        self.attacker = Attacker(self.lab[size + 1])  # he has what he says, and need hear nothing
        self.victim = (self.lab[size + 2].ip, 9)
        self.lives = 0
        self.members = {n: self.start(n) for n in range(1, size + 1)}
        ready(self.world, self.members.values())
        self.settle()
        self.tap = self.world.add(Tap(self.lab, self.attacker.host, self.victim))

    def start(self, n):
        self.lives += 1
        return self.world.add(Sidecar(self.lab[n], KEYS, f"m{n}@h{n}", cookie=COOKIE, creation=self.lives))

    def is_whole(self):
        return all(len(m.peers) == len(self.members) - 1 for m in self.members.values())

    def settle(self):
        self.world.until(self.is_whole, "all list each other")
        self.world.run(CALM)

    def worked(self):
        """Seconds of a core that the members have taken, and the machine's (virtual) cables."""
        members = sum(worked(f"/proc/{m.process.pid}/stat", (11, 12)) for m in self.members.values())
        return members + worked("/proc/stat", (6, 7))

    def go_on(self, seconds, recordings, rate):
        """The attack, which goes on; the account of that time, how long it was, and how many cores the members and cables
        took. What is caused is not to be counted without its cause: the account begins first."""
        self.tap.ask(self.world, "begin")
        flood = recordings and self.world.add(Flood(self.attacker, self.victim, recordings, rate))
        since, before = time.monotonic(), self.worked()
        self.world.run(seconds)
        cores = (self.worked() - before) / (time.monotonic() - since)
        account, length, lost = self.tap.ask(self.world, "end")
        assert lost == 0, f"{lost} packets were not counted"
        return flood, account, length, cores

    def crash(self):
        """One is killed, and started again when all know it. In seconds, until they knew, and until it was back."""
        n = random.choice(list(self.members))
        self.world.run(random.random())
        gone = self.members.pop(n)
        self.world.remove(gone)
        since = time.monotonic()
        self.world.until(lambda: all(m.peer(gone.name) is None for m in self.members.values()), "all know of it")
        took = time.monotonic() - since
        self.members[n] = self.start(n)
        since = time.monotonic()
        self.world.until(self.is_whole, "it is back", show=lambda: f"{[m.names() for m in self.members.values()]}")
        return took, time.monotonic() - since

    def measure(self, recordings, rate, seconds):
        flood, account, length, cores = self.go_on(seconds, recordings, rate)
        gone = [self.crash() for _ in range(CRASHES)]
        if flood:
            self.world.remove(flood)
        self.settle()
        return account, account.datagrams / length, account.own * 8 / length, cores, gone

    def close(self):
        self.world.close()
        self.attacker.close()
        self.lab.close()


def broken(account, own, gone):
    bounds = {"caused": account.worst <= MOST_CAUSED, "own traffic": OWN[0] <= own <= OWN[1],
              "crashes": max(gone) <= MOST_GONE}
    return [what for what, holds in bounds.items() if not holds]


def attacks(victim, many):
    """What is said, of each a name, the recordings, and how many a second."""
    yield "none", [], 0
    yield "one beat", [recording(victim, False)], ONE
    yield "one question", [recording(victim, True)], ONE
    yield "5,000 of both", [recording(victim, i % 2 == 1) for i in range(RECORDINGS)], many


def measure(size, many):
    """A line of the table for each attack; whether all bounds hold."""
    group, holds, calm = Group(size), True, None
    # Few members say little: in a longer time it is the same each time, however random.
    seconds = 20 if size < 10 else 10
    try:
        for name, recordings, rate in attacks(group.victim, many):
            account, said, own, cores, crashes = group.measure(recordings, rate, seconds)
            calm = calm or own
            gone, back = ([c[i] for c in crashes] for i in (0, 1))
            wrong = broken(account, 100 * own / calm, gone)
            if said < 0.95 * rate:
                wrong.append("the attacker was too slow")
            holds = holds and not wrong
            if recordings and account.caused == 0:
                raise AssertionError("nobody answered: the attack was none")
            print(f"| {size} | {name} | {said:,.0f} | {account.sent:,} | {account.to_victim:,} | {account.to_group:,} "
                  f"| {account.worst:.0f} | {cores:.1f} of {os.cpu_count()} "
                  f"| {own:,.0f}, {100 * own / calm:.0f} % | {max(gone):.2f} | {max(back):.2f} "
                  f"| {'no: ' + ', '.join(wrong) if wrong else 'yes'} |", flush=True)
    finally:
        group.close()
    return holds


def main():
    sizes = [argument.partition("@") for argument in sys.argv[1:] or ["2", "20", "40"]]
    if os.environ["GOSSIP_BUILD"] == RELEASE:
        for command in (["cmake", "--preset", "release"],
                        ["cmake", "--build", "--preset", "release", "--target", "gossipd"]):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    print("| N | Recordings | A second | Bytes | caused: to the victim | to the group | percent at worst (at most 300) "
          "| Cores | Own traffic, bits/s (90 to 110 %) | Crashes known to all, max (at most 2.2 s) | Back, max, s "
          "| Holds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    sys.exit(0 if all([measure(int(size), int(rate or MANY)) for size, _, rate in sizes]) else 1)


if __name__ == "__main__":
    main()
