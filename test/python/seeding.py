"""How a member finds others where no multicast leads, from PROTOCOL.md, "Seeds" of "Joining"."""
from dataclasses import dataclass

import message as wire

QUESTION_SIZE = 512
QUESTION_EVERY = 0.02
QUICK = 10
SEED_LOST = 16
SEED_GAP_MOST, LOST_GAP_MOST = 30.0, 60.0
LOST_LIFE, LOST_MAX = 24 * 3600.0, 64
LOOK = 0.01


@dataclass
class Seed:
    addresses: tuple  # one to eight ports of one IP address
    due: float
    asked: int = 0
    boot: int = 0  # the listed peer that has answered there
    lost: int = 0  # not a seed, but where this peer was
    until: float = 0.0


class Seeding:
    def init_seeding(self, seeds):
        """Each seed is the addresses of one host."""
        self.seeds = [Seed(tuple(addresses), self.now) for addresses in seeds]

    def start_seeding(self):
        self.look_at_seeds()

    def is_seed(self, address):
        return any(address in s.addresses for s in self.seeds)

    def lose(self, p):
        """A far one that fell silent."""
        if len(self.seeds) >= LOST_MAX:
            self.seeds.remove(self.random.choice([s for s in self.seeds if s.lost]))
        self.seeds.append(Seed((p.address,), self.now, SEED_LOST, lost=p.boot, until=self.now + LOST_LIFE))
        self.seeds[-1].due += self.seed_gap(self.seeds[-1])

    def stands_at(self, s):
        return next((p.boot for p in self.peers.values() if p.proven & set(s.addresses)), 0)

    def seed_gap(self, s):
        doubled = QUESTION_EVERY * 2 ** max(0, min(s.asked - QUICK, 16))
        if s.lost:
            return min(doubled, LOST_GAP_MOST) * self.random.uniform(0.5, 1.5)
        gap = min(doubled, SEED_GAP_MOST)
        return gap * self.random.uniform(0.75, 1) if s.asked > QUICK else gap

    def look_at_seeds(self):
        self.at("seeds", LOOK, self.look_at_seeds)
        for s in [s for s in self.seeds if s.due <= self.now]:
            boot = self.stands_at(s)
            if s.lost and (boot or s.lost in self.peers or self.now >= s.until):
                self.seeds.remove(s)
            elif boot:
                s.boot, s.due = boot, self.now + self.interval() / 1000
            elif s.boot:  # all who knew it lose it at once
                s.boot, s.asked, s.due = 0, SEED_LOST, self.now + self.random.uniform(0, self.interval() / 1000)
            else:
                self.ask_seed(s)
                s.asked = min(255, s.asked + 1)
                s.due = self.now + self.seed_gap(s)

    def ask_seed(self, s):
        first, *others = s.addresses
        if s.asked <= QUICK and others:
            others = [others[s.asked % len(others)]]
        for address in [first, *others]:
            if address not in self.addresses:
                self.say(wire.HELLO, address, 0, question=s.asked, padded=QUESTION_SIZE)
