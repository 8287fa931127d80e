"""A victim's address as the source of what members of ended sessions once said: what the group sends to the victim and,
for want of a better way, to the group is held against what came in his name. For tests, and for bench/amplify.py."""
import contextlib
import ctypes
import math
import multiprocessing
import os
import random
import select
import socket
import struct
import time
from dataclasses import dataclass

import message as wire
from attack import ETH_P_IP, packet
from group import RING
from lab import inside, libc
from world import GROUP, PORT

EVERYBODY = "255.255.255.255"
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_RCVBUFFORCE, BUFFER = 33, 64 * 1024 * 1024
ETH_P_ALL = 0x0003
OVERHEAD = 46  # Ethernet, IPv4 and UDP, as the simulator counts
QUESTION_SIZE = 512
PACE = 0.01
BURST = 64


def recording(victim, question):
    """A beat, or a newcomer's question, of a member that nobody knows: only who has the key can make as many."""
    boot = random.getrandbits(64) | 1
    m = wire.Message(wire.HELLO, boot, nonce=random.getrandbits(64) | 1, creation=1, size=20, name="ended@nowhere",
                     digest=random.getrandbits(64), sent_at=random.getrandbits(40), addresses=(victim,))
    if question:
        m.question, m.padding = random.randrange(4), 0
        m.padding = QUESTION_SIZE - 48 - len(wire.encode(m))
    return RING.seal(boot, random.randrange(1, 1000), wire.encode(m))


class Child:
    """A process of its own, which acts, again and again, and answers what it is asked: neither what it does nor what
    the sidecars say delays the other. Nor do the sidecars themselves, where it may go before them: among forty that
    are busy it would get a fortieth of the time."""

    def __init__(self):
        fork = multiprocessing.get_context("fork")
        self.pipe, child = fork.Pipe()
        self.process = fork.Process(target=self.work, args=(child,), daemon=True)
        self.process.start()

    def work(self, pipe):
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, -20)
        while True:
            self.act()
            while pipe.poll():
                pipe.send(self.answer(pipe.recv()))

    def ask(self, world, question):
        self.pipe.send(question)
        world.until(self.pipe.poll, f"{type(self).__name__} answers {question}")
        return self.pipe.recv()

    def descriptors(self):
        return []

    def tick(self):
        assert self.process.is_alive(), type(self).__name__

    def close(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Header(ctypes.Structure):
    """struct msghdr of sendmsg(2); `parts` are pairs of an address and a length."""
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("parts", ctypes.c_void_p),
                ("part_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr of sendmmsg(2)."""
    _fields_ = [("header", Header), ("sent", ctypes.c_uint32)]


class Burst:
    """Datagrams that are ready to be sent, many by one call: where a few thousand a second reach forty members, each
    call counts, on either side."""

    def __init__(self, raw, packets, to):
        self.raw, self.kept = raw, [ctypes.create_string_buffer(p, len(p)) for p in packets]
        to = struct.pack("=H", socket.AF_INET) + struct.pack(">H4s8x", 0, socket.inet_aton(to[0]))
        self.to = ctypes.create_string_buffer(to, len(to))
        self.parts = (ctypes.c_size_t * (2 * len(packets)))()
        self.messages = (Message * len(packets))()
        for i, p in enumerate(self.kept):
            self.parts[2 * i], self.parts[2 * i + 1] = ctypes.addressof(p), len(p)
            self.messages[i].header = Header(
                name=ctypes.addressof(self.to), name_size=len(self.to), part_count=1,
                parts=ctypes.addressof(self.parts) + 2 * i * ctypes.sizeof(ctypes.c_size_t))

    def send(self, first, count):
        """How many of these were sent."""
        at = ctypes.addressof(self.messages) + first * ctypes.sizeof(Message)
        sent = libc.sendmmsg(self.raw.fileno(), ctypes.c_void_p(at), count, 0)
        if sent < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        return sent


class Flood(Child):
    """Says datagrams in turn, so many a second, to the group, as from this source, so many in all; "said" is how many it
    has said. It sleeps for `pace` seconds in between: the shorter, the more evenly they come."""

    def __init__(self, attacker, source, datagrams, rate, most=math.inf, pace=PACE):
        to = (GROUP, PORT)
        self.burst = Burst(attacker.raw, [packet(d, source, to) for d in datagrams], to)
        self.count, self.rate, self.pace = len(datagrams), rate, pace
        self.most, self.said, self.since = most, 0, time.monotonic()
        super().__init__()

    def act(self):
        due = min(self.most, int((time.monotonic() - self.since) * self.rate))
        while self.said < due:
            first = self.said % self.count
            self.said += self.burst.send(first, min(due - self.said, self.count - first, BURST))
        time.sleep(self.pace)

    def answer(self, _):
        return self.said


@dataclass
class Account:
    """Bytes of UDP; `worst` is the largest share, in percent, that what was caused ever was of what had come."""

    datagrams: int = 0
    sent: int = 0
    to_victim: int = 0
    to_group: int = 0
    worst: float = 0
    own: int = 0  # with OVERHEAD

    @property
    def caused(self):
        return self.to_victim + self.to_group


class Tap(Child):
    """Every datagram of a lab once, as it enters the switch: "begin", and "end" for the account since."""

    def __init__(self, lab, attacker, victim):
        self.attacker, self.victim, self.packets = f"p{attacker.number}", victim, []
        self.since = time.monotonic()
        with inside(lab.switch):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.setblocking(False)
        super().__init__()

    def act(self):
        select.select([self.socket], [], [], PACE)
        self.hear(256)

    def hear(self, most):
        """Hears so many; whether there may be more."""
        for _ in range(most):
            try:
                self.packets.append(self.socket.recvfrom(2048))
            except BlockingIOError:
                return False
        return True

    def lost(self):
        """How many packets did not fit the buffer since it was last asked."""
        return struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]

    def answer(self, question):
        """To "begin": how many packets were lost until then. To "end": the account since, its seconds, how many were
        lost."""
        end = time.monotonic() + 5
        while self.hear(256):
            assert time.monotonic() < end, "more comes than can be read"
        packets, self.packets, since, self.since = self.packets, [], self.since, time.monotonic()
        return self.lost() if question == "begin" else (self.account(packets), self.since - since, self.lost())

    def account(self, packets):
        a = Account()
        for packet, about in packets:
            if about[0] == "br0" or about[1] != ETH_P_IP or len(packet) < 28 or packet[9] != socket.IPPROTO_UDP:
                continue
            header = (packet[0] & 15) * 4
            port, size = struct.unpack(">HH", packet[header + 2:header + 6])
            data, to = packet[header + 8:header + size], (socket.inet_ntoa(packet[16:20]), port)
            if about[0] == self.attacker:
                a.datagrams, a.sent = a.datagrams + 1, a.sent + len(data)
            elif to == self.victim:
                a.to_victim += len(data)
            elif to in ((GROUP, PORT), (EVERYBODY, PORT)) and not is_beat(data):
                a.to_group += len(data)
            else:
                a.own += len(data) + OVERHEAD
            if a.caused:
                a.worst = max(a.worst, 100 * a.caused / a.sent if a.sent else math.inf)
        return a

    def close(self):
        super().close()
        self.socket.close()


def is_beat(data):
    m = wire.decode(RING.open(data)[2])
    return m.type == wire.HELLO and m.question is None
