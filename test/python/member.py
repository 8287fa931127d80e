"""A member of a GossipCluster group, written from PROTOCOL.md and not from the C sources: what it hears goes in
by `receive`, time by `tick`, and what it says comes out by the function `out(datagram, address)` (None: the group).

    joining.py   questions, answers, vouches, pages, mending
    watching.py  probes, relays, verdicts, isolation
    disconnecting.py  that connections were ended on purpose
    far.py       who is not heard by the group, and how news comes to it
    seeding.py   seeds, and those who were lost
    paths.py     one peer on several links
"""
import hashlib
import ipaddress
import os
import random
import time
from collections import Counter

import message as wire
import rank
from disconnecting import Disconnecting
from far import Far
from joining import Joining
from paths import Paths
from peers import PENDING_LIFE, STRANGER_LIFE, TOMBSTONE_LIFE, WINDOW, Gone, Peer, Stranger, Window
from seal import HEADER, TAG, Foreign, Forged
from seeding import Seeding
from watching import Watching

ANSWERERS = 3
YOUNG = 5.0
LATE = 0.1
DATAGRAM_MAX = 1200
SEAL = HEADER + TAG
FROM_GROUP = (wire.HELLO, wire.NEWS, wire.BYE, wire.ACK, wire.PROBE, wire.DISCONNECT)
DISCONNECT_LIFE = 2_000_000  # us
LAW_BITS, LAW_RATE = 1800, 1_000_000


def boottime():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def is_nowhere(address):
    ip, port = ipaddress.ip_address(address[0]), address[1]
    if ip.version == 6 and (ip.ipv4_mapped or int(ip) < 1 << 32) and not ip.is_loopback:
        return True  # IPv4 in the guise of IPv6
    return port == 0 or ip.is_unspecified or ip.is_multicast or str(ip) == "255.255.255.255"


def is_link_local(ip):
    return ipaddress.ip_address(ip).is_link_local


class Member(Joining, Watching, Disconnecting, Far, Seeding, Paths):
    def __init__(self, ring, name, addresses, out, *, creation=1, port=4370, flags=0, cookie=None, interval=1000,
                 host=None, tags=None, boot=None, clock=boottime, seed=None, seeds=()):
        self.ring, self.name, self.addresses, self.out = ring, name, tuple(addresses), out
        self.creation, self.port, self.flags, self.t_min, self.host = creation, port, flags, interval, host
        self.tags = (1, tags) if tags else None
        self.boot = boot or int.from_bytes(os.urandom(8), "big") or 1
        self.fingerprint = cookie and ring.keys[0].fingerprint(cookie)
        self.clock, self.random = clock, random.Random(seed)
        self.secret, self.sequence, self.incarnation, self.beam_age = os.urandom(32), 0, 0, 0
        self.one_way = False  # whether what it says next to the group goes out but once
        self.peers, self.rivals, self.strangers, self.gone = {}, {}, {}, {}
        self.events, self.counters, self.timers, self.tales = [], Counter(), {}, {}
        self.set_back, self.paused_until, self.pause = 0.0, 0.0, 0
        self.now = self.core_time()
        self.announced_at, self.left = None, False
        self.listeners = []  # called with each message that has passed
        self.init_joining()
        self.init_watching()
        self.init_disconnecting()
        self.init_far()
        self.init_seeding(seeds)

    # Time

    def core_time(self):
        return self.clock() / 1e6 - self.set_back

    def at(self, key, delay, act):
        self.timers[key] = (self.now + delay, act)

    def tick(self):
        self.now = self.core_time()
        late = max((self.now - due for due, _ in self.timers.values()), default=0)
        if late > LATE:
            # It has not lived through that time, so nobody was silent in it; and a nonce does not outlive it.
            self.set_back += late
            self.now -= late
            self.pause, self.paused_until = int(late * 1e6), self.now + 0.1
            self.secret = os.urandom(32)
            self.counters["pauses"] += 1
        for key in sorted((k for k, (due, _) in self.timers.items() if due <= self.now),
                          key=lambda k: self.timers[k][0]):
            if key in self.timers:
                self.timers.pop(key)[1]()

    def interval(self):
        """The interval law, in milliseconds."""
        heard = sum(p.heard is not None for p in self.peers.values())
        heard += sum(g.peer.heard is not None and self.now - g.at < TOMBSTONE_LIFE for g in self.gone.values())
        bits = LAW_BITS + (len(wire.encode_tags(self.tags)) + 3) * 64 // 7 if self.tags else LAW_BITS
        return int(min(max(self.t_min, (1 + heard) * bits * 1000 / LAW_RATE), 65535))

    # Saying

    def nonce(self, boot, address, second=None):
        second = self.clock() // 1_000_000 if second is None else second
        text = repr((second, boot, address)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self.secret).digest(), "big")

    def nonce_is_ours(self, nonce, boot, address):
        second = self.clock() // 1_000_000
        for made in (second, second - 1):
            if nonce == self.nonce(boot, address, made):
                self.asked_since = made
                return True
        return False

    def listed(self):
        return [(p.boot, p.incarnation) for p in self.peers.values()] + [(self.boot, self.incarnation)]

    def say(self, type_, to=None, boot=0, nonce=None, short=False, most=2 * DATAGRAM_MAX, padded=0, **fields):
        """To the member with this boot id at `to`; to the group, where `to` is None. False: it is too long."""
        if nonce is None:
            nonce = self.nonce(boot, to) if to else self.nonce(0, None)
        m = wire.Message(type_, self.boot, flags=self.flags, interval=self.interval(), nonce=nonce,
                         health=int(self.isolated), beam_age=self.beam_age, incarnation=self.incarnation,
                         creation=self.creation, port=self.port,
                         size=1 + len(self.peers), sent_at=self.clock(), digest=rank.digest(self.listed()), **fields)
        if to:
            m.to = (boot, to)
            m.far = boot in self.peers and self.peers[boot].far
        if not short:
            m.name, m.fingerprint, m.addresses, m.host = self.name, self.fingerprint, self.addresses, self.host
        if type_ == wire.HELLO or not short:
            m.tags = self.tags
        m.whole = not short
        if padded:
            m.padding = 0
            m.padding = max(0, padded - len(wire.encode(m)) - SEAL)
        data = wire.encode(m)
        if len(data) + SEAL > min(most, DATAGRAM_MAX):
            return not short and self.say(type_, to, boot, nonce, True, most, padded, **fields)
        self.sequence += 1
        self.one_way = to is None and 2 * (len(data) + SEAL) > most  # who broadcasts must not send it twice
        self.out(self.ring.seal(self.boot, self.sequence, data), to)
        return True

    def put_tags(self, tags):
        self.tags = ((self.tags or (0,))[0] + 1, tags)
        self.say_beat()

    def announce(self):
        self.announced_at = self.now
        self.start_joining()
        self.start_watching()
        self.start_far()
        self.start_seeding()

    def leave(self, reason=1):
        """BYE three times, 5 ms apart."""
        self.left = True
        self.timers.clear()
        self.spread(wire.BYE, reason=reason)
        for i in (1, 2):
            self.at(("bye", i), 0.005 * i, lambda: self.spread(wire.BYE, reason=reason))

    # Hearing

    def receive(self, data, source, here):
        """A datagram from `source`; `here` is the address that it was sent to, None for the group."""
        self.now = self.core_time()
        self.counters["datagrams"] += 1
        verdict = self.pass_on(data, source, here)
        if verdict:
            self.counters[verdict] += 1

    def pass_on(self, data, source, here):
        try:
            boot, sequence, text = self.ring.open(data)
            m = wire.decode(text)
        except Foreign:
            return "foreign"
        except Forged:
            return "forged"
        except wire.Malformed:
            return "malformed"
        if m.boot != boot:
            return "malformed"
        if boot == self.boot:
            return "own"
        wrong = self.is_misdirected(m, source, here)
        if wrong:
            return wrong
        if boot in self.gone and not self.gone[boot].may_return():
            return "buried"
        peer = self.peers.get(boot) or self.rivals.get(boot)
        echo = self.echoed(m, source)
        m.by_group, m.source, m.echo, m.length, m.sequence = here is None, source, echo, len(data), sequence
        if not self.left:
            if peer:
                return self.from_peer(peer, m)
            return self.from_stranger(m)
        return None

    is_nowhere = staticmethod(is_nowhere)
    is_link_local = staticmethod(is_link_local)

    def is_misdirected(self, m, source, here):
        if is_nowhere(source):
            return "misdirected"
        if here is None:
            named = m.target if m.type in (wire.PROBE, wire.DISCONNECT) else m.echoes if m.type == wire.ACK else True
            return None if m.to is None and m.type in FROM_GROUP and named else "misdirected"
        if m.to is None or m.type == wire.BYE:  # a goodbye is for all, its subject among them
            return "misdirected"
        boot, address = m.to
        question = m.type == wire.HELLO and m.question is not None
        if boot != self.boot and not (boot == 0 and question):
            return "misdirected"
        return None if address == here else "relayed"

    def echoed(self, m, source):
        """Where it is, whose echo of our nonce this is: an address, True (unbound: it lives), None: no echo."""
        for boot, nonce in m.echoes:
            if boot != self.boot:
                continue
            for address in (source,) + (m.addresses or ()):
                if self.nonce_is_ours(nonce, m.boot, address):
                    return address
            for address in (source,) + (m.addresses or ()):
                if self.is_seed(address) and self.nonce_is_ours(nonce, 0, address):
                    return address  # whoever stands there
            if self.nonce_is_ours(nonce, 0, None):
                return True
            if self.page_nonce(m.boot, nonce):
                return True
        return None

    def from_peer(self, p, m):
        if not p.window.accept(m.sequence):
            if self.is_set_back(p, m):
                p.window, p.answered = Window(m.sequence), 0
            elif not self.was_overtaken(p, m):
                self.heard_copy(p.boot, m.source)
                return "replayed"
        newest, now = p.window.highest == m.sequence, self.clock()
        if m.echo not in (None, True):
            p.answered = max(p.answered, m.sequence)
        if m.echo:
            p.lag.anew(now, m.sent_at)
        elif not p.lag.fresh(now, m.sent_at, p.interval, self.pause if self.now < self.paused_until else 0, not newest):
            self.try_address(p, p.address)
            return "stale"
        self.learn_address(p, m, newest)
        incarnation, goodbye = p.incarnation, any(v[0] >= wire.LEFT and v[1] == p.boot for v in m.verdicts)
        if (newest or m.echo) and not goodbye and m.type != wire.BYE:
            self.heard_from(p)
            self.note_way(p, m)
            if newest:
                self.learn(p, m)
            if p.incarnation > incarnation:
                self.has_news(p.boot, 0, p.incarnation, p.boot, m.by_group)
        self.hear(p, m)
        return None

    def is_set_back(self, p, m):
        """It answers what was asked after it was last heard: it counts from a lower number. Or it is far below what
        was sent before: another has spoken in its name."""
        heard = self.clock() / 1e6 - (self.now - (p.heard or 0))
        spoken_for = p.window.highest - m.sequence >= WINDOW and m.sent_at > p.lag.newest
        return m.echo not in (None, True) and (self.asked_since > heard or spoken_for)

    def was_overtaken(self, p, m):
        """An answer that is too low for the window to tell whether it is a copy, but above all answers before."""
        return m.echo not in (None, True) and m.sequence > p.answered and p.window.highest - m.sequence >= WINDOW

    def from_stranger(self, m):
        old = self.strangers.get(m.boot)
        if old is None or self.now - old.last > STRANGER_LIFE:
            old = self.strangers[m.boot] = Stranger(self.now, self.now, m.source)
        above = m.sequence > old.sequence
        old.last, old.address, old.by_group = self.now, m.source, m.by_group
        old.claimed = m.source in (m.addresses or ())
        old.size, old.incarnation, old.sequence = m.size, m.incarnation, max(old.sequence, m.sequence)
        self.refute_if_accused(m)
        if m.echo:
            address = m.source if m.echo is True and m.source in (m.addresses or ()) else m.echo
            if address is not True and m.name:
                peer = self.place(m, address)
                if peer:
                    peer.window, peer.heard, peer.answered = Window(m.sequence), self.now, m.sequence
                    peer.lag.anew(self.clock(), m.sent_at)
                    peer.far = not m.by_group and (m.far or self.is_seed(address))
                    self.learn(peer, m)
                    self.learn_address(peer, m, True)
                    self.has_news(peer.boot, 0, peer.incarnation, peer.boot, m.by_group)
                    answered = old.answered
                    self.strangers.pop(m.boot, None)
                    self.hear(peer, m)
                    self.has_proven(peer, answered)
                    if not self.complete and not self.pull:
                        self.start_pull(peer, (peer.boot, m.nonce))
                return None
            self.say(wire.PROBE, m.source, m.boot, asks=True)
            return None
        if above:
            self.answer_stranger(m, old)
        return "pending"

    def place(self, m, address):
        """Lists a member where its name is free; None: it is not listed. `m` is a message or an entry."""
        for other in list(self.peers.values()):
            if other.name == m.name and other.boot != m.boot:
                if other.creation != m.creation:
                    self.events.append(("conflict", m.name))
                    self.rivals[m.boot] = Peer(m.boot, m.name, m.creation, m.incarnation, address, known=self.now)
                    return None
                self.bury(other, "replaced")
        if m.name == self.name:
            self.events.append(("conflict", m.name))
        peer = Peer(m.boot, m.name, m.creation, m.incarnation, address, m.port, m.flags, m.interval, known=self.now,
                    since=self.now, host=m.host, tags=m.tags)
        gone = self.gone.pop(m.boot, None)
        if gone and gone.peer.far:
            self.healed = self.now
        if isinstance(m, wire.Entry) and gone and gone.peer.tags and gone.peer.tags[0] >= (m.tags or (0,))[0]:
            peer.tags = gone.peer.tags  # an old entry brings back no old tags
        self.peers[m.boot] = peer
        self.events.append(("up", m.name))
        return peer

    def bury(self, p, why):
        self.peers.pop(p.boot, None)
        self.rivals.pop(p.boot, None)
        self.tales.pop(p.boot, None)
        self.gone[p.boot] = Gone(p, self.now, why)
        for key in [k for k in self.timers if isinstance(k, tuple) and p.boot in k]:
            if key[0] != "news":
                del self.timers[key]
        if why != "replaced":
            self.events.append(("down", p.name, why))
        if why == "silent" and p.far:
            self.lose(p)

    def learn(self, p, m):
        if m.incarnation > p.incarnation and (not p.far or m.type == wire.HELLO or m.whole):
            p.incarnation = m.incarnation
        elif m.incarnation > p.incarnation:  # what belongs to it is to be told with it
            self.ask_all(p)
        p.interval, p.port, p.flags, p.size = max(100, m.interval), m.port, m.flags, m.size
        p.fingerprint = m.fingerprint or p.fingerprint
        p.host = m.host or p.host  # absent tells nothing
        p.stalled = m.beam_age >= max(2000, 2 * m.interval)
        if (m.type == wire.HELLO or m.whole) and not m.tags:
            p.tags = p.tags and (p.tags[0], {})  # but of tags that a beat has none
        p.tags = m.tags or p.tags
        if m.addresses:
            p.claimed = m.addresses

    def try_address(self, p, address):
        """At most one a second."""
        if self.now - p.tried_at >= 1:
            p.tried_at = self.now
            self.say(wire.PROBE, address, p.boot, asks=True)

    def live(self):
        """The boot ids that ranks are reckoned among."""
        out = [self.boot, *(p.boot for p in self.peers.values() if not p.far)]
        if self.announced_at is not None and self.now - self.announced_at < YOUNG:
            out += [b for b, s in self.strangers.items() if self.now - s.last < PENDING_LIFE and b not in self.peers]
        return out

    def quick(self):
        """Those who are asked to do something: this member, and the peers heard within 1.25 of their T."""
        return [self.boot] + [p.boot for p in self.peers.values()
                              if not p.far and p.heard is not None and self.now - p.heard < 1.25 * p.interval / 1000]

    def hear(self, p, m):
        """What a peer says."""
        for listener in self.listeners:
            listener(p, m)
        self.refute_if_accused(m)
        if m.type == wire.BYE:
            return self.hear_bye(p, m)
        if m.type == wire.ROSTER:
            return self.hear_roster(p, m)
        if m.type == wire.PROBE_FOR:
            return self.hear_probe_for(p, m)
        if m.type == wire.ACK:
            self.hear_ack(p, m)
            self.hear_disconnect_acked(p, m)
        if not m.by_group or m.type != wire.ACK:  # of the dead that speaks to the accused alone
            self.hear_verdicts(m)
        if m.type == wire.NEWS or not m.by_group and m.type in (wire.PROBE, wire.ACK) and (p.far or p.unheard):
            self.hear_entries(m)
        if m.type == wire.DISCONNECT:
            self.hear_disconnect(p, m)
        elif m.asks:
            self.answer_peer(p, m)
        if m.type == wire.HELLO:
            if m.question is not None:
                self.answer_question(p, m)
        if p.far:
            self.mend_far(p, m)
        elif m.type == wire.HELLO:
            self.mend(p, m)
        return None

    def hear_disconnect(self, p, m):
        """It has ended its connection to this member's node: told once for each end, and acknowledged."""
        if m.ended is None or m.by_group and m.target != self.boot or m.ended < p.ended:
            return
        if not 0 <= m.sent_at - m.ended <= DISCONNECT_LIFE:
            return
        if m.ended > p.ended:
            p.ended = m.ended
            self.events.append(("disconnected", p.name, (p.lag.clock(self.clock()) or m.sent_at) - m.ended))
        self.say(wire.ACK, None if m.by_group else m.source, p.boot, echoes=[(p.boot, m.nonce)], ended=m.ended)
