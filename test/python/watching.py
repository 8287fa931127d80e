"""How a member notices that another is gone, from PROTOCOL.md, "Failure" and "Leaving"."""
import message as wire
import rank

PROBE_EVERY = 0.1
RELAYS = 2
RELAYS_FROM = 4
GIVE_UP_AT = 8
RELAY_TIME = 0.1
SUSPICION = 0.35
WITNESSES, WITNESS_LIFE = 3, 0.125
ALONE = 0.7
LOOK_GAP = 0.025
FAREWELL_WAIT, FAREWELL_GAP = 0.15, 0.05
FAR_WAIT, FAR_FAREWELL = 0.3, 0.4
REASONS = {wire.DEAD: "silent", wire.LEFT: "left", wire.BEAM_EXIT: "beam_exit"}
RELAY_LIFE = 1.0
RELAYED_MOST = 64
WATCHERS = 3


class Watching:
    def init_watching(self):
        self.isolated = False
        self.relays = []  # (target, asker, nonce, until)

    def start_watching(self):
        self.at("look", LOOK_GAP, self.look)

    def look(self):
        self.at("look", LOOK_GAP, self.look)
        for boot in [b for b, g in self.gone.items() if self.now - g.at > 60]:
            del self.gone[boot]
        for boot in [b for b, s in self.strangers.items() if self.now - s.last > 10]:
            del self.strangers[boot]
        for p in list(self.peers.values()):
            silence, t = self.now - max(p.last(), p.watched_from), self.silence_of(p)
            if p.far:  # nobody else looks at its silence
                if silence > 1.25 * t and p.step == 0 and self.watches(p):
                    self.probe(p)
            elif silence > 1.25 * t and p.step == 0:
                others = [b for b in self.quick() if b != p.boot]
                if silence > 4 * t or rank.rank(self.boot, p.boot, others) < WATCHERS:
                    self.probe(p)

    def probe(self, p):
        """One step of watching a silent peer; each makes the next."""
        if p.boot not in self.peers:
            return
        p.step += 1
        p.witnesses, p.witnessed = p.witnesses + p.witnessed, False
        p.asked_since = p.asked_since if p.step > 1 else self.now
        others = [o for o in self.peers.values() if o is not p]
        if self.now - max([o.last() for o in self.peers.values()]) > ALONE and p.step >= GIVE_UP_AT and not self.isolated:
            self.isolated = True
            self.events.append(("health", "isolated"))
        self.at(("probe", p.boot), p.interval / 1000 if self.isolated else PROBE_EVERY, lambda: self.probe(p))
        if self.isolated:
            self.say(wire.PROBE, p.address, p.boot, asks=True)
            if self.now - p.last() > 30 * p.interval / 1000:
                self.bury(p, "silent")
            return
        blocked = p.step >= GIVE_UP_AT and others and p.relay_acked_at is None and not p.far
        if blocked:
            self.at(("probe", p.boot), p.interval / 2000, lambda: self.probe(p))
            self.say(wire.PROBE, target=p.boot, asks=True)
        elif p.far:
            self.ask_far(p, self.address_in_turn(p))
        else:
            self.say(wire.PROBE, self.address_in_turn(p), p.boot, asks=True)
        if p.step >= RELAYS_FROM and not blocked:
            p.asked_relays_at = p.asked_relays_at or self.now
            for relay in sorted(others, key=lambda o: -(o.heard or 0))[:RELAYS]:
                self.say(wire.PROBE_FOR, relay.address, relay.boot, target=p.boot)
        self.judge(p, others, blocked)

    def judge(self, p, others, blocked):
        helped = not others or p.relay_acked_at is not None
        if p.suspected_at is None:
            due = p.asked_relays_at and self.now >= p.asked_relays_at + RELAY_TIME and helped
            if due or blocked and self.now - p.last() > 6 * p.interval / 1000:
                p.suspected_at, p.witnesses = self.now, 0
                self.suspect(p)
                self.say(wire.NEWS, verdicts=[(wire.SUSPECT, p.boot, p.incarnation)])
                self.has_news(p.boot, wire.SUSPECT, p.incarnation, 0, True)
        elif self.now - p.suspected_at >= SUSPICION:
            if blocked or not others or p.witnesses >= WITNESSES and self.now - p.witnessed_at <= WITNESS_LIFE:
                self.tell(wire.DEAD, p, "silent", (0, 0.1, 0.2))

    def tell(self, verdict, p, why, times):
        """Buries, and says so by NEWS at these times, and in the next two beats."""
        self.bury(p, why)
        self.has_news(p.boot, verdict, p.incarnation, 0, True)
        self.tales[p.boot] = (verdict, p.incarnation, 2)
        for i, delay in enumerate(times):
            self.at(("news", p.boot, i), delay,
                    lambda: self.say(wire.NEWS, verdicts=[(verdict, p.boot, p.incarnation)]))

    def suspect(self, p):
        if not p.suspect:
            p.suspect, p.accused_at = True, self.now
            self.events.append(("suspect", p.name))

    def clear(self, p):
        """It lives: nobody need watch it."""
        p.step, p.asked_relays_at, p.relay_acked_at, p.suspected_at, p.witnessed = 0, None, None, None, False
        self.timers.pop(("probe", p.boot), None)
        if p.suspect:
            p.suspect = False
            self.events.append(("alive", p.name))

    def heard_from(self, p):
        p.heard = self.now
        self.clear(p)
        if self.isolated:
            self.isolated = False
            self.events.append(("health", "ok"))
            for other in self.peers.values():
                other.known = self.now
                self.clear(other)

    # Relays

    def hear_probe_for(self, p, m):
        if m.target is None or m.by_group:
            return
        target, heard = self.peers.get(m.target), None
        if target and target.heard is not None and self.now - target.heard < 60:
            heard = max(0, int(1000 * (self.now - target.heard)))  # it may have been heard within a pause
        self.say(wire.ACK, m.source, p.boot, echoes=[(p.boot, m.nonce)], relay=m.target, heard=heard)
        self.counters["relays"] += 1
        self.relays = [r for r in self.relays if r[3] > self.now]
        if target and len(self.relays) < RELAYED_MOST:
            self.relays.append((target.boot, p.boot, m.nonce, self.now + RELAY_LIFE))
            self.say(wire.PROBE, target.address, target.boot, asks=True)

    def hear_ack(self, p, m):
        if m.echo and m.target is None and m.relay is None:
            for relay in [r for r in self.relays if r[0] == p.boot]:
                self.relays.remove(relay)
                asker = self.peers.get(relay[1])
                if asker:
                    self.counters["passed_on"] += 1
                    self.say(wire.ACK, asker.address, asker.boot, echoes=[relay[1:3]], target=p.boot)
        accused = self.peers.get(m.relay or m.target)
        if not m.echo or not accused:
            return
        if m.relay:
            accused.relay_acked_at = self.now
            hears = m.heard is not None and m.heard / 1000 < 1.25 * self.silence_of(accused)
            if not hears or self.now - accused.last() >= 6 * accused.interval / 1000:
                accused.witnessed, accused.witnessed_at = True, self.now
            if hears:
                accused.known = max(accused.known, self.now - m.heard / 1000)
        else:
            accused.known = self.now
            self.clear(accused)

    # Verdicts

    def hear_verdicts(self, m):
        """What is said of others counts only where all could hear it, the accused among them; of the far, where it is
        passed on until it comes to them."""
        for verdict, boot, incarnation in m.verdicts:
            p = self.peers.get(boot)
            if not p or not p.incarnation <= incarnation < 2**31 or (boot == m.boot if m.by_group else not p.far):
                continue
            if self.hear_verdict(p, verdict, incarnation):
                self.has_news(boot, verdict, incarnation, m.boot, m.by_group)

    def hear_verdict(self, p, verdict, incarnation):
        """Whether it is new."""
        silent = self.now - p.last() >= 1.25 * self.silence_of(p)
        if verdict == wire.SUSPECT:
            if p.suspect:
                return False
            if silent:
                self.suspect(p)
            elif p.far:
                self.tell_accused(p, verdict, incarnation)
            return silent
        if verdict == wire.DEAD and not silent:
            quiet = p.step == 0
            if quiet:
                self.probe(p)
            return quiet
        if verdict not in REASONS:
            return False
        if silent and self.had_its_time(p):
            self.believe(p, verdict)
            return True
        return self.await_word(p, verdict)

    def had_its_time(self, p):
        """It was suspected, or asked, for 150 ms in vain."""
        return (p.suspect and self.now - p.accused_at >= (FAR_WAIT if p.far else FAREWELL_WAIT)
                or p.step > 0 and self.now - p.asked_since >= FAREWELL_WAIT)

    def believe(self, p, verdict):
        if verdict == wire.DEAD and p.step > 0:
            self.tell(wire.DEAD, p, "silent", (self.random.uniform(0.02, 0.08),))
        else:
            self.bury(p, "silent" if verdict == wire.DEAD else "hearsay")
            self.events[-1] = ("down", p.name, REASONS[verdict])

    def await_word(self, p, verdict):
        """It has 150 ms to be heard, and is asked every 50 ms; a far one 400, and its watchers ask. Whether that is new."""
        key, asked_at = ("farewell", p.boot), self.now
        if key in self.timers:
            return False

        def look():
            left = asked_at + (FAR_FAREWELL if p.far else FAREWELL_WAIT) - self.now
            if p.last() > asked_at:
                return
            if left <= 0:
                self.believe(p, verdict)
            else:
                if not p.far or self.watches(p):
                    self.say(wire.PROBE, p.address, p.boot, asks=True)
                self.at(key, min(FAREWELL_GAP, left), look)

        self.at(key, self.random.uniform(0, FAREWELL_GAP), look)
        return True

    def hear_bye(self, p, m):
        verdict = wire.BEAM_EXIT if m.reason == 2 else wire.LEFT
        first = rank.rank(self.boot, p.boot, [b for b in self.live() if b != p.boot]) < WATCHERS
        self.bury(p, "beam_exit" if m.reason == 2 else "left")
        self.has_news(p.boot, verdict, p.incarnation, p.boot, True)
        if first:
            self.tales[p.boot] = (verdict, p.incarnation, 2)
