"""The message under the seal, from PROTOCOL.md, "Message": bytes to values and back, and nothing else."""
import socket
import struct
import unicodedata
from dataclasses import dataclass, field, replace

HELLO, PROBE, ACK, PROBE_FOR, ROSTER, BYE, NEWS, DISCONNECT = range(1, 9)
ASK, FAR, WHOLE = 1, 2, 4
ENTRY_FAR, ENTRY_STALLED = 16, 32  # beside the node's flags in an ENTRY
ALIVE, SUSPECT, DEAD, LEFT, BEAM_EXIT = range(1, 6)
LONG_NAMES, TLS, IPV6, HIDDEN = 1, 2, 4, 8  # of the node: bits 0-3 of an ENTRY, 4-7 of the header

FIXED = struct.Struct(">BBHBBHQQIIHHQQ")
assert FIXED.size == 52
ENTRY_FIXED = struct.Struct(">QQIIHBHB")
(NAME, QUESTION, ECHO, VERDICT, ENTRY, CURSOR, TOTAL, TARGET, FINGERPRINT, REASON, RELAY, HEARD, TO, ADDRESSES,
 PADDING, HOST, DISCONNECTED, TAGS, TAGS_OF) = range(1, 20)
MOST = {ECHO: 8, VERDICT: 24, ENTRY: 32}
ADDRESSES_MOST = 4
HOST_MOST = 6
TAGS_MOST, TAGS_BYTES = 32, 256
ALL_ONES = 2**64 - 1


class Malformed(Exception):
    """A message that no member sends."""


@dataclass(frozen=True)
class Entry:
    boot: int
    clock: int
    creation: int
    incarnation: int
    port: int
    flags: int
    interval: int
    name: str
    addresses: tuple
    host: tuple = None  # (bound, IP addresses)
    tags: tuple = None  # (number, the pairs as a dict)
    far: bool = False  # the voucher does not hear it by the group
    stalled: bool = False


@dataclass
class Message:
    type: int
    boot: int
    asks: bool = False
    flags: int = 0
    interval: int = 1000
    misses: int = 6
    health: int = 0
    beam_age: int = 0
    nonce: int = 0
    incarnation: int = 0
    creation: int = 0
    port: int = 0
    size: int = 1
    sent_at: int = 0
    digest: int = 0
    name: str = None
    question: int = None
    echoes: list = field(default_factory=list)  # (boot, nonce)
    verdicts: list = field(default_factory=list)  # (verdict, boot, incarnation)
    entries: list = field(default_factory=list)
    cursor: int = None
    total: int = None
    target: int = None
    fingerprint: bytes = None
    reason: int = None
    relay: int = None
    heard: int = None
    to: tuple = None  # (boot, address); the address is None where its family is unknown
    addresses: tuple = None
    padding: int = None
    far: bool = False  # nothing of the receiver has come by the group for long
    whole: bool = False  # of NAME, ADDRESSES, HOST and TAGS nothing is left out
    host: tuple = None  # (bound, IP addresses)
    ended: int = None  # DISCONNECTED
    tags: tuple = None  # (number, the pairs as a dict)


def name_is_good(name):
    """The node names that are listed: see the table of fields."""
    node, at, host = name.partition("@")
    return (
        3 <= len(name.encode()) <= 255 and bool(node and at and host) and "@" not in host and name != "nonode@nohost"
        and not any(c in '"\\' or c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Zs") for c in name)
    )


def encode_address(address):
    ip, port = address
    if ":" in ip:
        return struct.pack(">BH", 6, port) + socket.inet_pton(socket.AF_INET6, ip)
    return struct.pack(">BH", 4, port) + socket.inet_aton(ip)


def encode_host(host):
    bound, ips = host
    return bytes([bound]) + b"".join(
        b"\x06" + socket.inet_pton(socket.AF_INET6, i) if ":" in i else b"\x04" + socket.inet_aton(i) for i in ips)


def encode_tags(tags):
    number, pairs = tags
    texts = (text.encode() for pair in sorted(pairs.items(), key=lambda p: p[0].encode()) for text in pair)
    return struct.pack(">I", number) + b"".join(bytes([len(t)]) + t for t in texts)


def encode_entry(e):
    name = e.name.encode()
    flags = e.flags | e.far * ENTRY_FAR | e.stalled * ENTRY_STALLED
    fixed = ENTRY_FIXED.pack(e.boot, e.clock, e.creation, e.incarnation, e.port, flags, e.interval, len(name))
    host = b"\0" + encode_host(e.host) if e.host else b""
    return fixed + name + b"".join(map(encode_address, e.addresses)) + host


def encode(m):
    flags = m.asks * ASK | m.far * FAR | m.whole * WHOLE | m.flags << 4
    out = bytearray(FIXED.pack(m.type, flags, m.interval, m.misses, m.health, m.beam_age, m.boot, m.nonce,
                               m.incarnation, m.creation, m.port, m.size, m.sent_at, m.digest))

    def put(kind, value):
        out.extend(struct.pack(">BH", kind, len(value)) + value)

    def put_number(kind, format_, value):
        if value is not None:
            put(kind, struct.pack(">" + format_, value))

    if m.to is not None:
        put(TO, struct.pack(">Q", m.to[0]) + encode_address(m.to[1]))
    if m.name is not None:
        put(NAME, m.name.encode())
    put_number(QUESTION, "B", m.question)
    for echo in m.echoes:
        put(ECHO, struct.pack(">QQ", *echo))
    for verdict in m.verdicts:
        put(VERDICT, struct.pack(">BQI", *verdict))
    for entry in m.entries:
        put(ENTRY, encode_entry(entry))
        if entry.tags and entry.tags[1]:
            put(TAGS_OF, struct.pack(">Q", entry.boot) + encode_tags(entry.tags))
    put_number(CURSOR, "Q", m.cursor)
    put_number(TOTAL, "I", m.total)
    put_number(TARGET, "Q", m.target)
    if m.fingerprint is not None:
        put(FINGERPRINT, m.fingerprint)
    put_number(REASON, "B", m.reason)
    put_number(RELAY, "Q", m.relay)
    put_number(HEARD, "H", m.heard)
    if m.addresses:
        put(ADDRESSES, b"".join(map(encode_address, m.addresses)))
    if m.host:
        put(HOST, encode_host(m.host))
    if m.tags and m.tags[1]:
        put(TAGS, encode_tags(m.tags))
    put_number(DISCONNECTED, "Q", m.ended)
    if m.padding is not None:
        put(PADDING, bytes(m.padding))
    return bytes(out)


def split_addresses(value, most):
    """Up to so many addresses, the rest of which is skipped, and what follows them."""
    out = []
    while value:
        size = {4: 4, 6: 16}.get(value[0])
        if size is None:
            break
        if len(value) < 3 + size:
            raise Malformed("address")
        family = socket.AF_INET if size == 4 else socket.AF_INET6
        if len(out) < most:
            out.append((socket.inet_ntop(family, value[3:3 + size]), struct.unpack(">H", value[1:3])[0]))
        value = value[3 + size:]
    return tuple(out), value


def decode_addresses(value, most=ADDRESSES_MOST):
    return split_addresses(value, most)[0]


def decode_host(value):
    """Whether the distribution listens on the first address alone, and the addresses."""
    if not value:
        raise Malformed("host")
    bound, value, ips = value[0] != 0, value[1:], []
    while value and len(ips) < HOST_MOST:
        size = {4: 4, 6: 16}.get(value[0])
        if size is None:
            break
        if len(value) < 1 + size:
            raise Malformed("host")
        ips.append(socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, value[1:1 + size]))
        value = value[1 + size:]
    return bound, tuple(ips)


def decode_text(value):
    """The text behind its length, and what follows."""
    if not value or len(value) < 1 + value[0]:
        raise Malformed("tags")
    try:
        text = value[1:1 + value[0]].decode()
    except UnicodeDecodeError:
        raise Malformed("tags") from None
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
        raise Malformed("tags")
    return text, value[1 + value[0]:]


def decode_tags(value):
    number, = take("I", value)
    value, pairs, last = value[4:], {}, b""
    if number == 0 or len(value) > TAGS_BYTES:
        raise Malformed("tags")
    while value:
        key, value = decode_text(value)
        pairs[key], value = decode_text(value)
        if key.encode() <= last or len(pairs) > TAGS_MOST:
            raise Malformed("tags")
        last = key.encode()
    return (number, pairs) if pairs else None


def decode_name(value):
    try:
        name = value.decode()
    except UnicodeDecodeError:
        raise Malformed("name") from None
    if not name_is_good(name):
        raise Malformed("name")
    return name


def decode_boot(boot):
    if boot == 0:
        raise Malformed("boot id 0")
    return boot


def take(format_, value):
    size = struct.calcsize(">" + format_)
    if len(value) < size:
        raise Malformed("short field")
    return struct.unpack(">" + format_, value[:size])


def decode_entry(value):
    *fixed, length = take("QQIIHBHB", value)
    rest = value[ENTRY_FIXED.size:]
    if len(rest) < length:
        raise Malformed("entry")
    decode_boot(fixed[0])
    flags, fixed[5] = fixed[5], fixed[5] & 15
    name = decode_name(rest[:length])
    addresses, rest = split_addresses(rest[length:], ADDRESSES_MOST)
    host = decode_host(rest[1:]) if rest[:1] == b"\0" else None
    return Entry(*fixed, name, addresses, host, far=bool(flags & ENTRY_FAR), stalled=bool(flags & ENTRY_STALLED))


def decode_field(m, kind, value):
    if kind == NAME:
        m.name = decode_name(value)
    elif kind == QUESTION:
        m.question, = take("B", value)
    elif kind == ECHO:
        boot, nonce = take("QQ", value)
        m.echoes.append((boot, nonce))
    elif kind == VERDICT:
        verdict, boot, incarnation = take("BQI", value)
        m.verdicts.append((verdict, boot, incarnation))
    elif kind == ENTRY:
        m.entries.append(decode_entry(value))
    elif kind == CURSOR:
        m.cursor, = take("Q", value)
    elif kind == TOTAL:
        m.total, = take("I", value)
    elif kind in (TARGET, RELAY):
        boot, = take("Q", value)
        if kind == TARGET:
            m.target = boot
        else:
            m.relay = boot
    elif kind == FINGERPRINT:
        m.fingerprint, = take("8s", value)
    elif kind == REASON:
        m.reason, = take("B", value)
    elif kind == HEARD:
        m.heard, = take("H", value)
    elif kind == TO:
        boot, = take("Q", value)
        if len(value) < 9:
            raise Malformed("short field")
        m.to = (boot, (decode_addresses(value[8:], 1) or (None,))[0])
    elif kind == ADDRESSES:
        m.addresses = decode_addresses(value)
    elif kind == HOST:
        m.host = decode_host(value)
    elif kind == TAGS:
        m.tags = decode_tags(value)
    elif kind == TAGS_OF:
        boot, = take("Q", value)
        tags = decode_tags(value[8:])
        for i, e in enumerate(m.entries):
            if e.boot == boot:
                m.entries[i] = replace(e, tags=tags)
                break
    elif kind == DISCONNECTED:
        m.ended, = take("Q", value)


def decode(data):
    """A Message, or Malformed is raised."""
    if len(data) < FIXED.size:
        raise Malformed("short")
    (type_, flags, interval, misses, health, beam_age, boot, nonce, incarnation, creation, port, size, sent_at,
     digest) = FIXED.unpack(data[:FIXED.size])
    m = Message(type_, decode_boot(boot), bool(flags & ASK), flags >> 4, interval, misses, health, beam_age, nonce,
                incarnation, creation, port, size, sent_at, digest)
    m.far, m.whole = bool(flags & FAR), bool(flags & WHOLE)
    rest, seen = data[FIXED.size:], {}
    while rest:
        if len(rest) < 3:
            raise Malformed("field")
        kind, length = struct.unpack(">BH", rest[:3])
        if len(rest) < 3 + length:
            raise Malformed("field")
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= MOST.get(kind, 1 << 30):
            decode_field(m, kind, rest[3:3 + length])
        rest = rest[3 + length:]
    return m
