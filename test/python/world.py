"""What runs members, sidecars and attackers, each in its network namespace, from one thread: `until(condition)`
turns the loop until the condition holds, or fails after a time limit."""
import collections
import random
import selectors
import socket
import struct
import time

from lab import inside
from member import Member

GROUP, PORT = "233.252.1.33", 45893
BROADCAST = "255.255.255.255"
GROUP6 = "ff12::6763"
IP_PKTINFO = 8
TURN = 0.005
# How long a test waits for what must come: so long that no busy machine breaks it.
PATIENCE = 60


class World:
    def __init__(self):
        self.selector, self.parts = selectors.DefaultSelector(), []

    def add(self, part):
        """A part has descriptors() [(file, act)], tick() and close()."""
        self.parts.append(part)
        for file, act in part.descriptors():
            self.selector.register(file, selectors.EVENT_READ, act)
        return part

    def remove(self, part):
        if part in self.parts:
            self.parts.remove(part)
            for file, _ in part.descriptors():
                self.selector.unregister(file)
            part.close()

    def close(self):
        for part in list(self.parts):
            self.remove(part)

    def turn(self, wait=TURN):
        for key, _ in self.selector.select(wait):
            key.data()
        for part in list(self.parts):
            part.tick()

    def run(self, seconds):
        """Lets the time pass that an attack, or its effect, takes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def until(self, condition, what, limit=PATIENCE, show=None):
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {limit} s. {show() if show else ''}")
            self.turn()


def group_socket(host, others=()):
    """Hears the group, on the link of that address, and of others."""
    with inside(host.netns):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((GROUP, PORT))
    for ip in (host.ip, *others):
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(ip))
    s.setblocking(False)
    return s


def broadcast_socket(host):
    """Hears what is broadcast to the group's port."""
    with inside(host.netns):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((BROADCAST, PORT))
    s.setblocking(False)
    return s


def private_socket(host, anywhere=False):
    """Sends, also to the group, and hears what is sent to it alone."""
    with inside(host.netns):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0" if anywhere else host.ip, 0))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host.ip))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    s.setblocking(False)
    return s


def sockets_v6(host):
    """The same two over IPv6, on the host's link, and the number of its interface."""
    with inside(host.netns):
        group, private = (socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2))
        index = socket.if_nametoindex("eth0")
    group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    group.bind((GROUP6, PORT, 0, index))
    group.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(socket.AF_INET6, GROUP6) + struct.pack("I", index))
    private.bind(("::", 0))
    private.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    private.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    private.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    for s in (group, private):
        s.setblocking(False)
    return group, private, index


def sent_to(more):
    """The address that a datagram was sent to, from what the socket tells of it."""
    for level, kind, value in more:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(value) >= struct.calcsize("i4s4s"):
            return socket.inet_ntoa(value[8:12])
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(value) >= 20:
            return socket.inet_ntop(socket.AF_INET6, value[:16])
    return None


def datagrams(s, most=64):
    """What waits in a socket: data, source, and the IP address that it was sent to, where the socket tells it."""
    for _ in range(most):
        try:
            data, more, _, source = s.recvmsg(2048, 64)
        except (BlockingIOError, ConnectionRefusedError):
            return
        yield data, (source[0].split("%")[0], source[1]), sent_to(more)


class Node:
    """A Python member on a host, with its sockets; over IPv6 alone where it is told its address there; also on the links of
    other addresses. With `broadcast` it sends what goes to the group a second time, from the one address of its host, and
    hears such."""

    def __init__(self, host, ring, name, /, ipv6=None, others=(), broadcast=False, **options):
        self.host, self.deaf, self.index = host, False, None
        self.broadcast = broadcast_socket(host) if broadcast else None
        if ipv6:
            self.group, self.private, self.index = sockets_v6(host)
            self.address = (ipv6, self.private.getsockname()[1])
        else:
            self.group, self.private = group_socket(host, others), private_socket(host, bool(others))
            self.address = (host.ip, self.private.getsockname()[1])
        self.sent = []  # (data, address or None)
        self.came = collections.Counter()  # how often each of another's came to the group, and by broadcast
        self.links = [host.ip, *others]
        addresses = [self.address, *((ip, self.address[1]) for ip in others)]
        self.member = Member(ring, name, addresses, self.send, **options)

    def send(self, data, to):
        self.sent.append((data, to))
        ways = [GROUP, BROADCAST] if self.broadcast and to is None else [GROUP]
        if self.member.one_way:  # an answer that is too long to be sent twice
            ways = [random.choice(ways)]
        if BROADCAST in ways:
            try:
                self.private.sendto(data, (BROADCAST, PORT))
            except OSError:
                self.member.counters["not_sent"] += 1
        if GROUP not in ways:
            return
        for link in self.links if to is None else [None]:  # to the group on each, and the same
            try:
                if link and not self.index:
                    self.private.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(link))
                at = to or (GROUP6 if self.index else GROUP, PORT)
                self.private.sendto(data, (*at, 0, self.index) if self.index else at)
            except OSError:  # a cut cable, a full queue: lost, as on any network
                self.member.counters["not_sent"] += 1

    def descriptors(self):
        more = [(self.broadcast, self.hear_broadcast)] if self.broadcast else []
        return [(self.group, self.hear_group), (self.private, self.hear_private)] + more

    def hear_group(self):
        self.hear_all(self.group)

    def hear_broadcast(self):
        self.hear_all(self.broadcast)

    def hear_all(self, s):
        for data, source, _ in datagrams(s):
            self.came[data] += source != self.address
            self.member.receive(data, source, None)

    def came_twice(self):
        return sum(times > 1 for times in self.came.values())

    def hear_private(self):
        for data, source, ip in datagrams(self.private):
            self.member.receive(data, source, (ip, self.address[1]))

    def tick(self):
        self.member.tick()

    def close(self):
        self.group.close()
        self.private.close()
        if self.broadcast:
            self.broadcast.close()

    def names(self):
        return {p.name for p in self.member.peers.values()}
