"""Somebody on the network without the key, who would like to be taken for a member: passes on what that says to all, and to
it what is asked of himself; for tests of nodes.

    relay.py NETNS IP MEMBER_IP OTHER_IP    to each line of its input says how many beats, questions, answers he passed on
"""
import selectors
import sys
from collections import Counter

from attack import Attacker
from lab import Host
from world import World


def main(netns, own_ip, member, other):
    world = World()
    attacker = world.add(Attacker(Host(0, netns, own_ip)))
    sockets, passed_on = {}, Counter()

    def on_group(data, source):
        sockets[source[0]] = source
        if source[0] == member:
            passed_on["beats"] += 1
            attacker.send(data)

    def on_private(data, source):
        if source[0] == other and member in sockets:
            passed_on["questions"] += 1
            attacker.send(data, sockets[member])
        elif source[0] == member and other in sockets:
            passed_on["answers"] += 1
            attacker.send(data, sockets[other])

    def answer():
        if not sys.stdin.buffer.readline():
            sys.exit(0)
        print(passed_on["beats"], passed_on["questions"], passed_on["answers"], flush=True)

    attacker.on_group, attacker.on_private = on_group, on_private
    world.selector.register(sys.stdin, selectors.EVENT_READ, answer)
    print("ready", flush=True)
    while True:
        world.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
