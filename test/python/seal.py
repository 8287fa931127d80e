"""Keys and the seal, from PROTOCOL.md, "Header and seal" and "Keys"."""
import hashlib
import hmac
import os
import re
import socket
import struct

from nacl import exceptions, pwhash
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt as aead_open,
    crypto_aead_xchacha20poly1305_ietf_encrypt as aead_seal,
)

COOKIE, PASSPHRASE, KEY, RELEASE_COOKIE = 1, 2, 3, 4
RELEASE = re.compile(rb"[A-Z2-7]{51}[AQ]====")
HEADER = 32
TAG = 16


def blake2b(size, data, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def in_context(size, context, part, more, key=b""):
    return blake2b(size, context + struct.pack(">QQ", len(part), len(more)) + part + more, key)


def scope(group, port, label):
    return socket.inet_aton(group) + struct.pack(">H", port) + label


class Key:
    """One key of a ring: made from a secret of this kind, for one cluster."""

    def __init__(self, kind, secret, scope_):
        if kind == COOKIE and RELEASE.fullmatch(secret):
            kind = RELEASE_COOKIE
        if kind == RELEASE_COOKIE:
            secret = in_context(32, b"GossipCluster 1 random", secret, b"")
        elif kind != KEY:
            salt = in_context(16, b"GossipCluster 1 salt", bytes([kind]), scope_)
            secret = pwhash.argon2id.kdf(32, secret, salt, opslimit=2, memlimit=19 * 1024 * 1024)
        self.key = in_context(32, b"GossipCluster 1 key", bytes([kind]), scope_, secret)
        self.prefix = b"GSC\x01" + blake2b(32, self.key)[:4]

    def seal(self, nonce, message):
        header = self.prefix + nonce
        return header + aead_seal(message, header, nonce, self.key)

    def fingerprint(self, cookie):
        return in_context(32, b"GossipCluster 1 cookie", cookie, b"", self.key)[:8]


class Forged(Exception):
    """The datagram is of our cluster by its tag, and does not open."""


class Foreign(Exception):
    """The datagram is of no cluster that we hold a key of."""


class Ring:
    """One to four keys: the first seals, every one opens."""

    def __init__(self, *keys):
        assert 1 <= len(keys) <= 4
        self.keys = keys

    def seal(self, boot, sequence, message):
        return self.keys[0].seal(struct.pack(">Q", boot) + os.urandom(8) + struct.pack(">Q", sequence), message)

    def open(self, datagram):
        """The boot id and sequence of the nonce, and the message."""
        candidates = [key for key in self.keys if hmac.compare_digest(key.prefix, datagram[:8])]
        if not candidates:
            raise Foreign
        for key in candidates:
            try:
                message = aead_open(datagram[HEADER:], datagram[:HEADER], datagram[8:HEADER], key.key)
            except (exceptions.CryptoError, ValueError):
                continue
            boot, sequence = struct.unpack(">Q8xQ", datagram[8:HEADER])
            return boot, sequence, message
        raise Forged
