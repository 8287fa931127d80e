"""Says that connections were ended on purpose, from PROTOCOL.md, the chapter of that name: the word, and its repetition."""
import message as wire

GAP, TIMES = 0.020, 7
BY_GROUP = (3, 5)  # the 4th and the 6th


class Disconnecting:
    def init_disconnecting(self):
        self.ending = {}  # boot id -> when: said, and not acknowledged

    def disconnect(self, boot):
        """This member's node has ended the connection to that peer's."""
        self.ending[boot] = self.clock()
        self.say_disconnected(boot, 0)

    def say_disconnected(self, boot, times):
        peer, when = self.peers.get(boot), self.ending.get(boot)
        if peer is None or when is None or self.left:
            return
        if times in BY_GROUP:
            self.say(wire.DISCONNECT, asks=True, target=boot, ended=when)
        else:
            self.say(wire.DISCONNECT, peer.address, boot, asks=True, ended=when)
        if times + 1 < TIMES:
            self.at(("disconnect", boot), GAP * 2 ** times, lambda: self.say_disconnected(boot, times + 1))
        else:
            del self.ending[boot]

    def hear_disconnect_acked(self, p, m):
        if m.ended is not None and m.ended == self.ending.get(p.boot):
            del self.ending[p.boot]
