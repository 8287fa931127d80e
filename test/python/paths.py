"""One peer on several links, from PROTOCOL.md, "Paths" and "Address" of "What a datagram passes"."""
import message as wire
import rank

ANSWERERS = 3
PATIENCE = 0.3
PEER_ADDRS = 4


class Paths:
    def learn_address(self, p, m, newest):
        if m.echo and m.echo is not True:
            p.proven.add(m.echo)
            p.heard_at[m.echo] = self.now
        if p.beside and newest and m.addresses:  # a copy came from there, and it is the peer's
            if p.beside in m.addresses:
                p.heard_at[p.beside] = self.now
            p.beside = None
        claimed = newest and m.source in (m.addresses or ())
        if m.source == p.address:
            p.heard_at[m.source] = self.now
            if not newest or not m.addresses or m.source in m.addresses:
                return
        if claimed or m.source in p.proven or m.source in p.heard_at:
            self.heard_elsewhere(p, m)
        elif not m.by_group or rank.rank(self.boot, p.boot, self.live()) < ANSWERERS:
            self.try_address(p, m.source)

    def heard_elsewhere(self, p, m):
        """The first stays the first while it is the peer's, and in use."""
        p.heard_at[m.source] = self.now
        while len(p.heard_at) > PEER_ADDRS:
            del p.heard_at[min(p.heard_at, key=p.heard_at.get)]
        first = p.heard_at.get(p.address)
        keeps = (p.address in (m.addresses or p.claimed)
                 and (p.address in p.proven or first is not None and m.source not in p.proven))
        if not keeps:
            self.take_first(p, m.source)
        elif self.now - (first or 0) > 1.25 * self.silence_of(p) and (p.first_asked or 0) <= (first or 0):
            p.first_asked = self.now
            self.say(wire.PROBE, p.address, p.boot, asks=True)
            self.at(("path", p.boot), PATIENCE, lambda: self.take_over(p))

    def take_over(self, p):
        """The first has had its time to be heard."""
        if p.first_asked > p.heard_at.get(p.address, 0):
            self.take_first(p, max(p.heard_at, key=p.heard_at.get))
            if p.address not in p.proven:
                self.try_address(p, p.address)

    def take_first(self, p, address):
        if p.address != address:
            p.address = address
            self.events.append(("update", p.name))

    def heard_copy(self, boot, source):
        """It was dropped before it was opened: it tells only that its source is in use."""
        p = self.peers.get(boot)
        if p and (source in p.heard_at or source == p.address):
            p.heard_at[source] = self.now
        elif p:
            p.beside = source

    def address_in_turn(self, p):
        """Where a silent one is asked next."""
        known = list(dict.fromkeys([p.address, *p.heard_at]))
        return known[p.step % len(known)]
