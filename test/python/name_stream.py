"""A member with the key that says a stream of invented names, at addresses where it listens itself, and counts who
connects there: for tests of nodes.

    name_stream.py NETNS IP NAMES SECONDS    the key, in hexadecimal, is the first line of its input

Says "joined", then "said N" when all are said; to each further line of its input how many connections have come.
"""
import selectors
import socket
import sys
import time

import message as wire
import seal
from lab import Host, inside, ip
from world import GROUP, PORT, Node, World

FIRST, ADDRESSES, LISTEN = 60, 150, 9009
IN_ONE = 8


class Listener:
    """Takes every TCP connection, counts it and closes it."""

    def __init__(self, netns):
        with inside(netns):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("0.0.0.0", LISTEN))
        self.socket.listen(1024)
        self.socket.setblocking(False)
        self.count = 0

    def descriptors(self):
        return [(self.socket, self.accept)]

    def accept(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return
            self.count += 1

    def tick(self):
        pass

    def close(self):
        self.socket.close()


def entry(member, number, prefix):
    at = (f"{prefix}.{FIRST + number % ADDRESSES}", 4000)
    return wire.Entry(2**60 + number, member.clock(), 1, 0, LISTEN, 0, 10_000, f"n{number}@nowhere", (at,))


def main(netns, own_ip, names, seconds):
    key = bytes.fromhex(sys.stdin.readline())
    prefix = own_ip.rpartition(".")[0]
    ip("-n", netns, "-batch", "-", text="".join(
        f"address add {prefix}.{FIRST + i}/24 dev eth0\n" for i in range(ADDRESSES)))
    world = World()
    listener = world.add(Listener(netns))
    node = Node(Host(0, netns, own_ip), seal.Ring(seal.Key(seal.KEY, key, seal.scope(GROUP, PORT, b""))), "liar@nowhere",
                port=LISTEN, interval=10_000)  # a pause of this program is not its death: nobody would believe it then
    world.add(node)
    node.member.announce()
    world.until(lambda: node.member.has_joined() and node.member.peers, "it has joined")
    print("joined", flush=True)
    began, said = time.monotonic(), 0
    world.selector.register(sys.stdin, selectors.EVENT_READ, lambda: answer(listener))
    while True:
        world.turn()
        due = min(names, int(names * (time.monotonic() - began) / seconds))
        while said < due:
            more = range(said, min(said + IN_ONE, due))
            node.member.say(wire.NEWS, entries=[entry(node.member, n, prefix) for n in more])
            said = more.stop
            if said == names:
                print(f"said {said}", flush=True)


def answer(listener):
    if not sys.stdin.buffer.readline():
        sys.exit(0)
    print(f"connections {listener.count}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
