"""How a member joins and lets others join, from PROTOCOL.md, "Beats" and "Joining"."""
import os
from dataclasses import dataclass

import message as wire
import rank
from peers import Lag

ANSWERERS = 3
ANSWERERS_OF_BEATS = 1
QUESTION_SIZE = 512
QUESTION_EVERY = 0.02
BY_GROUP_FROM = 3
VOUCH_WAIT = (0.02, 0.12)
PAGE_RETRY = 0.02
PAGE_TRIES = 4
PAGE_PEERS = 3
REFUTE_GAP = 0.05
BEAT_AGAIN = 0.2
INCARNATION_END = 2**31


@dataclass
class Pull:
    boot: int
    cursor: int = 0
    nonce: int = 0
    tries: int = 0
    echo: tuple = None
    single: bool = False
    asks: bool = False  # that one may not know this member yet


class Joining:
    def init_joining(self):
        self.asked, self.complete, self.pull, self.vouchers = 0, False, None, set()
        self.pulled_from, self.pulled_at, self.beat_at, self.answers = [], -1.0, -1.0, 200.0
        self.answers_at, self.told, self.again = self.now, None, 0  # beats that are to come soon after one another

    def start_joining(self):
        self.at("ask", 0, self.ask)

    def ask(self):
        if self.has_joined():
            self.again = 3
            self.at("beat", self.random.uniform(0.04, 0.08), self.beat)
            return
        if not self.pull:
            self.say(wire.HELLO, question=min(self.asked, 255), padded=QUESTION_SIZE)
            self.asked += 1
        doubled = QUESTION_EVERY * 2 ** max(0, min(self.asked - 10, 16))
        if doubled >= self.interval() / 1000:  # nobody is there
            self.at("beat", self.interval() / 1000, self.beat)
        else:
            self.at("ask", doubled, self.ask)

    def has_joined(self):
        return self.complete and (len(self.vouchers) >= 2 or len(self.peers) < 2 or self.asked >= 4)

    # Beats

    def beat(self):
        verdicts = []
        for boot, (verdict, incarnation, left) in list(self.tales.items()):
            verdicts.append((verdict, boot, incarnation))
            self.tales[boot] = (verdict, incarnation, left - 1)
            if left == 1:
                del self.tales[boot]
        self.beat_at = self.now
        self.say_beat(verdicts[:24])
        t = self.interval() / 1000
        self.again = max(0, self.again - 1)
        self.at("beat", BEAT_AGAIN if self.again else t * self.random.uniform(0.75, 1), self.beat)

    def say_beat(self, verdicts=()):
        """What is new of it, or refutes, goes to the linked, too."""
        stalled = self.beam_age >= max(2000, 2 * self.interval())
        of_itself = (self.tags, self.addresses, self.host, self.port, self.flags, stalled)
        if self.told and of_itself != self.told[0]:
            self.incarnation += 1
        told, self.told = self.told, (of_itself, self.incarnation)
        if told and told[1] != self.incarnation:
            self.spread(wire.HELLO, verdicts=list(verdicts))
        else:
            self.say(wire.HELLO, verdicts=list(verdicts))

    def beat_now(self):
        """At most every 50 ms."""
        self.at("beat", max(0, self.beat_at + REFUTE_GAP - self.now), self.beat)

    def refute_if_accused(self, m):
        for verdict, boot, incarnation in m.verdicts:
            if boot == self.boot and verdict != wire.ALIVE and self.incarnation <= incarnation < INCARNATION_END - 1:
                self.refute(incarnation)

    def refute(self, incarnation):
        self.incarnation = incarnation + 1
        self.counters["refuted"] += 1
        self.again = max(self.again, 2)
        self.beat_now()

    # Answers

    def in_turn(self, boot, members, turn, count):
        """Whether this member is one of the first `count` in this turn."""
        others = set(members) - {boot}
        return rank.rank(self.boot, (boot + turn) % 2**64, others) < count

    def may_answer(self):
        self.answers = min(200.0, self.answers + 200 * (self.now - self.answers_at))
        self.answers_at = self.now
        if self.answers < 1:
            self.counters["answers_limited"] += 1
            return False
        self.answers -= 1
        return True

    def answer_stranger(self, m, stranger):
        named = len(m.echoes) + (m.target is not None)
        most, to = 3 * m.length // max(1, named), None if m.by_group else m.source
        if m.type == wire.HELLO and m.question is not None:
            if m.by_group and not self.in_turn(m.boot, self.quick(), m.question, ANSWERERS):
                return
            most, to = (m.length // 2, None if m.question >= BY_GROUP_FROM else m.source) if m.by_group else \
                (m.length, m.source)
        elif m.type == wire.HELLO:
            members = [self.boot] + [p.boot for p in self.peers.values() if p.since < stranger.first]
            if self.pull or not self.in_turn(m.boot, members, m.sequence, ANSWERERS_OF_BEATS):
                return
            most, to = m.length * 3 // 2, None if m.sequence % 4 == 3 else m.source
        elif not m.asks or (m.by_group and m.target != self.boot and self.boot not in [b for b, _ in m.echoes]):
            return
        if not self.may_answer():
            return
        buried = self.gone.get(m.boot)
        verdicts = [(wire.DEAD, m.boot, buried.peer.incarnation)] if buried else []
        stranger.answered = True
        self.say(wire.ACK, to, m.boot, asks=True, echoes=[(m.boot, m.nonce)], verdicts=verdicts, most=most)

    def answer_peer(self, p, m):
        """It asks: we echo, the way the question came. While we join, the request for a page is the echo."""
        if m.by_group and m.target != self.boot and self.boot not in [b for b, _ in m.echoes]:
            return
        if not m.by_group and not self.complete and not self.pull:
            self.start_pull(p, (p.boot, m.nonce))
        elif self.may_answer():
            far = not m.by_group and m.far and p.heard is not None
            entries, verdicts = self.riders(p.boot) if far else ([], [])
            to = None if m.by_group else m.source
            for news in ((entries, verdicts), ([], [])):  # where it is too long, the news comes another time
                if self.say(wire.ACK, to, p.boot, echoes=[(p.boot, m.nonce)], short=far and not m.whole, most=3 * m.length,
                            entries=news[0], verdicts=news[1]):
                    break

    def answer_question(self, p, m):
        """The first of a peer only where it asks whoever stands here: for this member is its seed."""
        if not m.by_group:
            if self.may_answer():
                self.say(wire.ACK, m.source, p.boot, echoes=[(p.boot, m.nonce)], most=m.length)
        elif m.question > 0 and self.in_turn(p.boot, self.quick(), m.question, ANSWERERS) and self.may_answer():
            to = None if m.question >= BY_GROUP_FROM else m.source
            self.say(wire.ACK, to, p.boot, echoes=[(p.boot, m.nonce)], most=m.length // 2)

    # Vouches

    def has_proven(self, p, answered):
        smaller = p.size <= 1 + len(self.peers) and rank.rank(self.boot, p.boot, self.live()) < ANSWERERS
        if (answered or smaller) and len(self.peers) > 1:
            self.vouch(p.boot)
            self.at(("vouch", p.boot), 0.01, lambda: self.vouch(p.boot))

    def vouch(self, boot):
        if boot in self.peers:
            self.say(wire.NEWS, entries=[self.peers[boot].entry(self.clock())])

    def hear_entries(self, m):
        for e in m.entries:
            if e.incarnation >= INCARNATION_END:
                continue
            if e.boot == self.boot:
                if m.type == wire.NEWS:
                    self.vouchers.add(m.boot)
                if e.incarnation > self.incarnation:
                    if any(p.far for p in self.peers.values()):
                        self.refute(e.incarnation)  # the far believe it, and it may be a lie
                    else:
                        self.incarnation = e.incarnation
                continue
            told = m.type != wire.ROSTER or self.complete  # a newcomer learns what all know
            if self.hear_entry(e, m) and told:
                self.has_news(e.boot, 0, e.incarnation, m.boot, m.by_group)

    def is_credible(self, address, m):
        """Whether an address that another told of may be one, of a family that this member has itself."""
        mine = {":" in ip for ip, _ in self.addresses}
        loopback, source = ("127.", "::1"), m.source[0]
        return ((":" in address[0]) in mine and not self.is_nowhere(address)
                and (source.startswith(loopback) or not address[0].startswith(loopback))
                and (self.is_link_local(source) or not self.is_link_local(address[0])))

    def addresses_of_host(self, e, m):
        """Of whom a link-local address is known, which means nothing here: it is where its host is, at that port."""
        ports = [port for ip, port in e.addresses if ":" in ip and self.is_link_local(ip)]
        at = [(ip, ports[0]) for ip in (e.host[1] if e.host and ports else ()) if ":" in ip and not self.is_link_local(ip)]
        return [a for a in at if self.is_credible(a, m)]

    def hear_entry(self, e, m):
        """Whether it is new."""
        addresses = [a for a in e.addresses if self.is_credible(a, m)]
        heard = self.strangers.get(e.boot)
        if not addresses and heard and heard.claimed:
            addresses = [heard.address]
        if not addresses:
            addresses = self.addresses_of_host(e, m)
        known = self.peers.get(e.boot)
        buried = self.gone.get(e.boot)
        if known:
            return e.incarnation > known.incarnation and self.has_refuted(known, e, m, addresses)
        if addresses and not (buried and (not buried.may_return() or e.incarnation <= buried.peer.incarnation)):
            peer = self.place(e, addresses[0])
            if peer:
                self.strangers.pop(e.boot, None)
                if e.clock:
                    now = self.clock()
                    peer.lag = Lag(now - e.clock, now)
                giver = self.peers.get(m.boot)
                peer.far = e.far or not m.by_group and giver is not None and giver.far
                peer.stalled = peer.far and e.stalled
                return True
        return False

    def has_refuted(self, p, e, m, addresses):
        """It has said something new of itself; but what the same one says again does not count."""
        if p.word == m.boot and len(self.peers) > 2:
            if p.far:
                self.ask_all(p)
            return False
        p.word, p.incarnation, p.known = m.boot, e.incarnation, self.now
        self.timers.pop(("farewell", p.boot), None)
        self.clear(p)
        if p.far:
            self.adopt(p, e, addresses)
        return True

    # Pages

    def start_pull(self, p, echo=None, cursor=0, asks=False):
        self.pull, self.pulled_at = Pull(p.boot, cursor, echo=echo, asks=asks), self.now
        self.pulled_from.append(p.boot)
        self.request()

    def look_up(self, p, boot):
        """The page on which it should stand."""
        self.pull = Pull(p.boot, cursor=boot - 1, single=True)
        self.strangers.pop(boot, None)
        self.request()

    def remind(self, e):
        """Buried here, alive there, and heard: it is told so, and refutes."""
        gone, heard = self.gone.get(e.boot), self.strangers.get(e.boot)
        if gone and gone.may_return() and heard and self.now - heard.last < 2 and e.incarnation <= gone.peer.incarnation:
            self.strangers.pop(e.boot)
            self.say(wire.ACK, gone.peer.address, e.boot, asks=True, verdicts=[(wire.DEAD, e.boot, gone.peer.incarnation)])

    def request(self):
        pull = self.pull
        if not pull:
            return
        p = self.peers.get(pull.boot)
        if pull.single and (pull.tries == PAGE_TRIES or not p):
            self.pull = None
            return
        if pull.tries == PAGE_TRIES or not p:
            return self.pull_elsewhere()
        if pull.tries == 0:
            pull.nonce = int.from_bytes(os.urandom(8), "big")
        pull.tries += 1
        self.say(wire.ROSTER, p.address, p.boot, pull.nonce, cursor=pull.cursor, asks=pull.asks,
                 echoes=[pull.echo] if pull.echo else [])
        self.at("page", PAGE_RETRY, self.request)
        return None

    def pull_elsewhere(self):
        self.pull = None
        others = [p for p in self.peers.values() if p.boot not in self.pulled_from]
        if others and len(self.pulled_from) < PAGE_PEERS:
            self.start_pull(self.random.choice(others))
        elif self.peers:
            self.pulled_from = []
            self.complete = True  # others may know more: mending asks them
            self.at("page", self.interval() / 1000, self.pull_any)

    def pull_any(self):
        if self.peers and not self.pull:
            self.start_pull(self.random.choice(list(self.peers.values())))

    def page_nonce(self, boot, nonce):
        return bool(self.pull and self.pull.boot == boot and self.pull.nonce == nonce)

    def hear_roster(self, p, m):
        if m.total is None:
            if m.source == p.address and m.cursor is not None:
                self.serve(p, m)
        elif self.pull and self.pull.boot == p.boot and (self.boot, self.pull.nonce) in m.echoes:
            self.counters["pages"] += 1
            for e in m.entries:
                (self.remind_far if p.far else self.remind)(e)
            self.hear_entries(m)
            if p.far:
                self.doubt(p, m, self.pull.cursor)
            elsewhere = self.elsewhere(p, m)
            if self.pull.single:
                self.pull = None
                self.timers.pop("page", None)
            elif m.cursor is None or m.cursor == wire.ALL_ONES:
                self.pull, self.complete, self.pulled_from = None, True, []
                self.timers.pop("page", None)
            elif elsewhere:
                self.timers.pop("page", None)
                self.start_pull(elsewhere, cursor=m.cursor, asks=True)
            else:
                self.pull = Pull(p.boot, m.cursor, echo=(p.boot, m.nonce))
                self.at("page", 0.0005, self.request)

    def serve(self, p, m):
        entries, room, last = [], 1200 - 48 - 300 - 200, wire.ALL_ONES
        for peer in sorted(self.peers.values(), key=lambda peer: peer.boot):
            if peer.boot <= m.cursor:
                continue
            entry = peer.entry(self.clock())
            room -= 3 + len(wire.encode_entry(entry))
            if room < 0 or len(entries) == 32:
                last = entries[-1].boot
                break
            entries.append(entry)
        self.counters["served"] += 1
        self.say(wire.ROSTER, m.source, p.boot, echoes=[(p.boot, m.nonce)], entries=entries, cursor=last,
                 total=len(self.peers))

    # Mending

    def mend(self, p, m):
        difference = m.digest ^ rank.digest(self.listed())
        if difference == 0:
            p.differs_since, p.pull_after = None, 0.0
            return
        if p.differs_since is None:
            p.differs_since, p.pull_after = self.now, p.interval / 1000
        lasted = self.now - p.differs_since
        waiting = {b: s for b, s in self.strangers.items() if self.now - s.first > self.random.uniform(*VOUCH_WAIT)}
        just_one = [b for b, s in waiting.items() if rank.digest([(b, s.incarnation)]) == difference]
        if not just_one and lasted > VOUCH_WAIT[1] and m.size > 1 + len(self.peers) and waiting:
            just_one = [next(iter(waiting))]
        if just_one and not self.pull:
            self.look_up(p, just_one[0])
        young = self.now - self.announced_at < 5 and m.size > 1 + len(self.peers) and self.now - self.pulled_at > PAGE_RETRY
        if not self.pull and (young or lasted > p.pull_after and m.size >= 1 + len(self.peers)):
            p.pull_after = min(60.0, lasted + 2 * max(p.pull_after, 0.1))
            self.start_pull(p)
