"""What an attacker has: a place on the network, a recorder, datagrams with whatever source he likes. He opens
nothing; the tests, which hold the key, may look at what he has got."""
import socket
import struct

from lab import inside
from world import GROUP, PORT, datagrams, group_socket, private_socket

ETH_P_IP = 0x0800
PACKET_OUTGOING = 4


def packet(data, source, to):
    udp = struct.pack(">HHHH", source[1], to[1], 8 + len(data), 0)
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 1, 17, 0, socket.inet_aton(source[0]),
                         socket.inet_aton(to[0]))
    return header + udp + data


class Attacker:
    """On a host: hears the group as anyone on the network does, and has an address of his own."""

    def __init__(self, host):
        self.host, self.group, self.private = host, group_socket(host), private_socket(host)
        self.address = self.private.getsockname()
        self.heard, self.got = [], []  # (data, source), by the group and at his own address
        self.sent = self.bytes_sent = 0
        with inside(host.netns):
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host.ip))
        self.on_group = self.on_private = lambda data, source: None

    def descriptors(self):
        return [(self.group, self.hear_group), (self.private, self.hear_private)]

    def hear_group(self):
        for data, source, _ in datagrams(self.group):
            if source != self.address:
                self.heard.append((data, source))
                self.on_group(data, source)

    def hear_private(self):
        for data, source, _ in datagrams(self.private):
            self.got.append((data, source))
            self.on_private(data, source)

    def send(self, data, to=(GROUP, PORT)):
        """From his own address."""
        self.sent, self.bytes_sent = self.sent + 1, self.bytes_sent + len(data)
        self.private.sendto(data, to)

    def forge(self, data, source, to=(GROUP, PORT)):
        """From whatever address."""
        self.sent, self.bytes_sent = self.sent + 1, self.bytes_sent + len(data)
        self.raw.sendto(packet(data, source, to), to)

    def tick(self):
        pass

    def close(self):
        for s in (self.group, self.private, self.raw):
            s.close()


class Recorder:
    """On the path: all UDP that a host's cable carries, in both directions."""

    def __init__(self, host):
        self.packets = []  # (data, source, destination)
        with inside(host.netns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
            self.socket.bind(("eth0", 0x0003))
        self.socket.setblocking(False)

    def descriptors(self):
        return [(self.socket, self.hear)]

    def hear(self):
        while True:
            try:
                packet, about = self.socket.recvfrom(2048)
            except BlockingIOError:
                return
            header = (packet[0] & 15) * 4 if packet else 0
            if about[1] != ETH_P_IP or len(packet) < 28 or packet[9] != 17:
                continue
            sport, dport, size = struct.unpack(">HHH", packet[header:header + 6])
            self.packets.append((packet[header + 8:header + size], (socket.inet_ntoa(packet[12:16]), sport),
                                 (socket.inet_ntoa(packet[16:20]), dport)))

    def between(self, source_ip, destination_ip):
        return [p for p in self.packets if p[1][0] == source_ip and p[2][0] == destination_ip]

    def tick(self):
        pass

    def close(self):
        self.socket.close()
