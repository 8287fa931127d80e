"""How members live that do not hear each other by the group, from PROTOCOL.md, "Without multicast": who asks whom, and how
news comes to them."""
import os
from dataclasses import dataclass

import message as wire
import rank

ANSWERERS = 3
GRAPH_LINKS = 10
FLOOD_GATHER = 0.002
NEWS_LIFE = 5.0
RIDE_ENTRIES, RIDE_VERDICTS = 4, 8
IN_ONE = 6  # news of one datagram, here: so it fits, whatever they are
ASK_FIRST = 0.04
AGAIN = 0.05  # what is asked, or told, because of what others say: so often at most
LOOK = 0.01
YOUNG = 5.0
FAR_PARTED_YOUNG = 0.05
QUESTION_SIZE = 512
SEED_LOST = 16


@dataclass
class News:
    boot: int
    verdict: int  # 0: an ENTRY
    incarnation: int
    giver: int  # 0: this member has found it out itself
    at: float
    rides: bool  # others tell it at once
    for_group: bool
    said: bool = False


class Far:
    def init_far(self):
        self.news, self.asks, self.graph, self.graph_of = [], {}, ([], []), None
        self.parted, self.healed, self.seen, self.seen_at = {}, -1e9, None, self.now

    def start_far(self):
        self.at("far", LOOK, self.look_far)

    # Who is far, and with whom this member is linked

    def note_way(self, p, m):
        """How this member and that peer hear each other."""
        if m.by_group:
            p.by_group, p.far = self.now, False
            return
        grouped, t = max(p.by_group or 0, p.since), self.silence_of(p)
        p.far = p.far or (p.heard or 0) - grouped >= 4 * t and self.now - grouped >= 6 * t
        p.unheard = m.far

    def silence_of(self, p):
        """T of a peer, in seconds."""
        return (min(p.interval, self.t_min) if p.far else p.interval) / 1000

    def any_far(self):
        return any(p.far or p.unheard for p in self.peers.values())

    def linked(self):
        """Whom this member watches, and who watches it: the first three by rank of all that are listed."""
        boots = frozenset([self.boot, *self.peers])
        if boots != self.graph_of:
            watched = [b for b in self.peers if rank.rank(self.boot, b, boots) < ANSWERERS]
            watchers = [b for b in self.peers if rank.rank(b, self.boot, boots) < ANSWERERS]
            self.graph_of, self.graph = boots, (watched, watchers)
        return self.graph

    def links(self):
        watched, watchers = self.linked()
        peers = [self.peers[b] for b in dict.fromkeys(watchers + watched)]
        return [p for p in peers if p.far or p.unheard][:GRAPH_LINKS]

    def watches(self, p):
        return p.boot in self.linked()[0]

    # Asking

    def look_far(self):
        self.at("far", LOOK, self.look_far)
        self.note_roster()
        if not self.any_far():
            return
        watched, watchers = self.linked()
        for boot in dict.fromkeys(watched + watchers):
            p = self.peers[boot]
            deaf_to_it = boot not in watched and (p.unheard or self.now - p.since < self.t_min / 1000)
            if not p.far or deaf_to_it:
                continue
            if boot not in self.asks:
                p.watched_from = self.now  # this member has not asked it before: its silence begins now
                self.asks[boot] = (self.now, ASK_FIRST / 2)
            due, gap = self.asks[boot]
            if due <= self.now:
                self.asks[boot] = (due, min(2 * gap, self.t_min / 1000))
                self.ask_far(p, p.address)
        self.asks = {b: a for b, a in self.asks.items() if b in watched or b in watchers}

    def ask_far(self, p, address):
        """Also since it is silent: the next of the row is due so long after."""
        if p.boot in self.asks:
            gap = self.asks[p.boot][1]
            later = 0.125 if gap == self.t_min / 1000 else 0
            self.asks[p.boot] = (self.now + gap * self.random.uniform(1 + later, 1.0625 + later), gap)
        self.counters["asked"] += 1
        entries, verdicts = self.riders(p.boot)
        self.say(wire.PROBE, address, p.boot, asks=True, short=p.heard is not None, entries=entries, verdicts=verdicts)

    def ask_all(self, p):
        """For what is short does not say: once in 50 ms at most."""
        if self.now - p.tried_at >= AGAIN:
            p.tried_at = self.now
            self.counters["asked_all"] += 1
            self.say(wire.PROBE, p.address, p.boot, asks=True, padded=QUESTION_SIZE)

    # News

    def riders(self, to):
        """What is younger than 5 s."""
        entries, verdicts = [], []
        for n in reversed(self.news):
            if n.at + NEWS_LIFE > self.now and to not in (n.giver, n.boot):
                self.add_news(n, entries, verdicts)
        return entries[:RIDE_ENTRIES], verdicts[:RIDE_VERDICTS]

    def add_news(self, n, entries, verdicts):
        if n.verdict:
            verdicts.append((n.verdict, n.boot, n.incarnation))
        elif n.boot in self.peers:
            entries.append(self.peers[n.boot].entry(self.clock()))

    def has_news(self, boot, verdict, incarnation, giver, by_group):
        """Hears it for the first time, or has found it out."""
        if not self.any_far():
            return
        rides = bool(by_group and giver and rank.rank(self.boot, boot, self.live()) >= ANSWERERS)
        self.news = [n for n in self.news if n.at + NEWS_LIFE > self.now]
        self.news.append(News(boot, verdict, incarnation, giver, self.now, rides, not by_group))
        if not rides and "flood" not in self.timers:
            self.at("flood", FLOOD_GATHER, self.flood)

    def flood(self):
        fresh = [n for n in self.news if not n.said and not n.rides]
        for n in fresh:
            n.said = True
        for p in self.links():
            # The accused hears it, too, of whomever it is told.
            self.tell_news([n for n in fresh if p.boot not in (n.giver, n.boot) or n.verdict and n.boot == p.boot], p)
        if any(not p.far for p in self.peers.values()):
            self.tell_news([n for n in fresh if n.for_group], None)

    def tell_news(self, news, p):
        for i in range(0, len(news), IN_ONE):
            entries, verdicts = [], []
            for n in news[i:i + IN_ONE]:
                self.add_news(n, entries, verdicts)
            if entries or verdicts:
                self.counters["flooded"] += 1
                self.say(wire.NEWS, p and p.address, p.boot if p else 0, short=True, entries=entries, verdicts=verdicts)

    def spread(self, type_, **fields):
        """To the group, and to the linked."""
        self.say(type_, **fields)
        for p in self.links():
            if type_ == wire.BYE:
                verdict = wire.BEAM_EXIT if fields["reason"] == 2 else wire.LEFT
                self.say(wire.NEWS, p.address, p.boot, verdicts=[(verdict, self.boot, self.incarnation)])
            else:
                self.say(type_, p.address, p.boot, **fields)

    def tell_accused(self, p, verdict, incarnation):
        """Who knows better than those who suspect it."""
        if self.now - p.tried_at >= AGAIN:
            p.tried_at = self.now
            self.say(wire.NEWS, p.address, p.boot, verdicts=[(verdict, p.boot, incarnation)])

    def adopt(self, p, e, addresses):
        """What others tell of a far one."""
        p.port, p.flags, p.stalled = e.port, e.flags, e.stalled
        p.host = e.host or p.host
        p.tags = e.tags or p.tags and (p.tags[0], {})
        if addresses and self.now - (p.heard or 0) >= 1.25 * self.silence_of(p):
            p.address = addresses[0]

    # Repair

    def note_roster(self):
        boots = rank.digest(self.listed())
        if boots != self.seen:
            self.seen, self.seen_at = boots, self.now

    def mend_far(self, p, m):
        """It tells of another digest, twice."""
        if m.digest == rank.digest(self.listed()):
            self.parted.pop(p.boot, None)
            return
        self.note_roster()
        began = self.parted.setdefault(p.boot, self.now)
        young = self.now - self.announced_at < YOUNG or self.now - self.healed < YOUNG
        wait = FAR_PARTED_YOUNG if young else self.interval() / 2000
        if self.now - began < wait or young and self.now - self.seen_at < wait or self.pull:
            return
        if self.now - self.pulled_at >= max(wait, p.pull_after):
            p.pull_after = min(60.0, 2 * max(p.pull_after, wait))
            self.start_pull(p)

    def doubt(self, p, m, above):
        """Whom the page of a far one leaves out, that is far itself, and silent."""
        named, end = {e.boot for e in m.entries}, m.cursor if m.cursor is not None else wire.ALL_ONES
        for other in list(self.peers.values()):
            t = self.silence_of(other)
            if (above < other.boot <= end and other.boot not in named and other is not p and other.far
                    and self.now - other.since >= t and self.now - other.last() >= 1.25 * t and other.step == 0):
                self.probe(other)

    def remind_far(self, e):
        """Buried here, and alive for one that is far: it may have buried this member, too."""
        gone = self.gone.get(e.boot)
        if gone and gone.may_return() and e.incarnation <= gone.peer.incarnation and self.now - gone.peer.tried_at >= 1:
            gone.peer.tried_at = self.now
            self.say(wire.HELLO, gone.peer.address, e.boot, question=SEED_LOST, padded=QUESTION_SIZE,
                     verdicts=[(wire.DEAD, e.boot, gone.peer.incarnation)])

    def elsewhere(self, p, m):
        """Who of those that a far one names is asked for the next pages; None: it alone is left."""
        named = [self.peers[e.boot] for e in m.entries if e.boot in self.peers]
        return self.random.choice(named) if p.far and not self.complete and named else None


def new_nonce():
    return int.from_bytes(os.urandom(8), "big")
