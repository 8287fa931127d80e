"""What a member remembers of others, from PROTOCOL.md, "What a datagram passes" and "The states of a peer"."""
import ipaddress
from dataclasses import dataclass, field

import message as wire

FRESH = 2_000_000  # us, and at least 2 T
WINDOW_LIFE = 5_000_000  # us
WINDOW = 128
TOMBSTONE_LIFE = 60.0
PENDING_LIFE = 2.0
STRANGER_LIFE = 10.0
LAG_RISE = 1000  # us a second


class Window:
    """Accepts each sequence once, and none that is older than the window."""

    def __init__(self, highest=0):
        self.highest, self.seen = highest, (1 << WINDOW) - 1 if highest else 0

    def accept(self, sequence):
        if sequence > self.highest:
            self.seen = (self.seen << min(sequence - self.highest, WINDOW) | 1) & ((1 << WINDOW) - 1)
            self.highest = sequence
            return True
        bit = 1 << self.highest - sequence
        if self.highest - sequence >= WINDOW or self.seen & bit or sequence == 0:
            return False
        self.seen |= bit
        return True


class Lag:
    """The least lag of a peer, which may rise by 1 ms a second."""

    def __init__(self, least=None, at=0):
        self.least, self.at, self.newest = least, at, 0
        self.vouched = at - least if least is not None else 0  # its clock when another told of it

    def allowed(self, now):
        return None if self.least is None else self.least + (now - self.at) // 1_000_000 * LAG_RISE

    def fresh(self, now, sent_at, interval, pause, overtaken):
        """Whether a datagram that came now (us) and was sent then tells anything. A fresh one may lower the least."""
        lag, allowed = now - sent_at, self.allowed(now)
        if allowed is not None and lag > allowed + max(FRESH, 2000 * interval) + pause:
            return False
        if overtaken and sent_at + WINDOW_LIFE < self.newest:
            return False
        if (overtaken or self.newest == 0) and sent_at < self.vouched:
            return False
        if allowed is None or lag < allowed:
            self.least, self.at = lag, now
        self.newest = max(self.newest, sent_at)
        return True

    def anew(self, now, sent_at):
        self.least, self.at, self.newest = now - sent_at, now, sent_at
        self.vouched = min(self.vouched, sent_at)

    def clock(self, now):
        """What the subject's own clock shows; 0: it cannot be told."""
        allowed = self.allowed(now)
        return 0 if allowed is None else max(0, now - allowed)


@dataclass
class Peer:
    boot: int
    name: str
    creation: int
    incarnation: int
    address: tuple
    port: int = 0
    flags: int = 0
    interval: int = 1000
    fingerprint: bytes = None
    size: int = 0
    window: Window = field(default_factory=Window)
    answered: int = 0  # the highest number of its answers to what only went to its address
    lag: Lag = field(default_factory=Lag)
    heard: float = None  # in person; None: never
    by_group: float = None  # the same, of what came by the group
    known: float = 0.0  # when it was listed, or heard of by others for the last time
    since: float = 0.0  # when it was listed
    claimed: tuple = ()  # its ADDRESSES
    host: tuple = None
    tags: tuple = None  # (number, the pairs as a dict)
    stalled: bool = False  # its BEAM does not pulse
    far: bool = False  # nothing of it comes by the group
    unheard: bool = False  # it has said that of this member
    word: int = 0  # who was last believed that it lives
    ended: int = 0  # the newest end of a connection that it has told of
    proven: set = field(default_factory=set)  # addresses whose nonce it has echoed
    heard_at: dict = field(default_factory=dict)  # addresses it is heard at, and when it was
    beside: tuple = None  # where a copy came from, at which it is not known
    first_asked: float = None  # when it was last asked at its first address, since it is heard elsewhere
    suspect: bool = False
    tried_at: float = -1e9  # when an address of it was last tried
    differs_since: float = None
    pull_after: float = 0.0  # how long a difference lasts until the next pull
    # Watching: see watching.py.
    step: int = 0
    watched_from: float = 0.0
    asked_since: float = 0.0
    accused_at: float = 0.0
    asked_relays_at: float = None
    relay_acked_at: float = None
    witnesses: int = 0
    witnessed: bool = False  # since the last probe
    witnessed_at: float = 0.0
    suspected_at: float = None

    def last(self):
        return max(self.known, self.heard or 0)

    def entry(self, now):
        addresses = list(dict.fromkeys([self.address, *self.heard_at, *self.claimed]))
        # What means something on one link alone is told where there is nothing else; or it shows that there is.
        local = [a for a in addresses if ipaddress.ip_address(a[0]).is_link_local]
        others = [a for a in addresses if a not in local]
        by_host = self.host and any(":" in i and not ipaddress.ip_address(i).is_link_local for i in self.host[1])
        shows = [a for a in local if ":" in a[0] and by_host and not any(":" in o[0] for o in others)]
        addresses = [a for a in addresses if a in others or a in shows] or addresses
        return wire.Entry(self.boot, self.lag.clock(now), self.creation, self.incarnation, self.port, self.flags,
                          self.interval, self.name, tuple(addresses[:4]), self.host, self.tags, self.far, self.stalled)


@dataclass
class Stranger:
    first: float
    last: float
    address: tuple
    sequence: int = 0
    size: int = 0
    incarnation: int = 0
    claimed: bool = False  # it has said that this address is its own
    answered: bool = False  # by us, in our turn
    by_group: bool = True


@dataclass
class Gone:
    peer: Peer
    at: float
    why: str

    def may_return(self):
        return self.why in ("silent", "hearsay")
