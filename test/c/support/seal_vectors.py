#!/usr/bin/env python3
"""Computes the known answers of seal_test.c without libsodium.

BLAKE2b is hashlib's, Argon2id is libargon2's (Debian: python3-argon2); ChaCha20, Poly1305 and XChaCha20 are
written here from RFC 8439 and draft-irtf-cfrg-xchacha-03. The test does not run this: it holds the results.
"""
import hashlib
import struct


def blake2b(size, data, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def parts(size, context, part, more, key=b""):
    return blake2b(size, context + struct.pack(">QQ", len(part), len(more)) + part + more, key)


def derive(kind, secret, label):
    if kind == 4:  # a release's cookie
        secret = parts(32, b"GossipCluster 1 random", secret, b"")
    elif kind != 3:
        from argon2.low_level import Type, hash_secret_raw

        salt = parts(16, b"GossipCluster 1 salt", bytes([kind]), label)
        secret = hash_secret_raw(secret, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32,
                                 type=Type.ID)
    return parts(32, b"GossipCluster 1 key", bytes([kind]), label, secret)


def prefix(key):
    return b"GSC\x01" + blake2b(32, key)[:4]


def rotl(x, n):
    return (x << n | x >> 32 - n) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = rotl(s[z] ^ s[x], n)


def rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


def initial(key, last16):
    return struct.unpack("<16I", b"expand 32-byte k" + key + last16)


def chacha20(key, nonce12, counter, data):
    out = b""
    for i in range(0, len(data), 64):
        state = initial(key, struct.pack("<I", counter + i // 64) + nonce12)
        block = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(state), state)))
        out += bytes(a ^ b for a, b in zip(data[i:i + 64], block))
    return out


def hchacha20(key, nonce16):
    s = rounds(initial(key, nonce16))
    return struct.pack("<8I", *s[:4], *s[12:])


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    a = 0
    for i in range(0, len(data), 16):
        a = (a + int.from_bytes(data[i:i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return (a + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def pad16(data):
    return data + bytes(-len(data) % 16)


def seal(key, nonce24, message):
    header = prefix(key) + nonce24
    subkey, nonce = hchacha20(key, nonce24[:16]), bytes(4) + nonce24[16:]
    sealed = chacha20(subkey, nonce, 1, message)
    mac = pad16(header) + pad16(sealed) + struct.pack("<QQ", len(header), len(sealed))
    return header + sealed + poly1305(chacha20(subkey, nonce, 0, bytes(32)), mac)


def fingerprint(key, cookie):
    return parts(32, b"GossipCluster 1 cookie", cookie, b"", key)[:8]


RELEASE = b"AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ===="  # Base32 of 0, 1, ... 31


def main():
    for kind, secret, label in ((3, bytes(range(32)), b""), (3, bytes(range(32)), b"prod"), (1, b"ABCDEFGHIJKLMNOPQRST", b""),
                                (2, b"ABCDEFGHIJKLMNOPQRST", b""), (2, "gr\u00fc\u00df Gott".encode(), b"lab"),
                                (4, RELEASE, b""), (4, RELEASE, b"prod")):
        key = derive(kind, secret, label)
        print(kind, secret, label, "key", key.hex(), "prefix", prefix(key).hex())
    key = derive(3, bytes(range(32)), b"prod")
    print("seal", seal(key, bytes(range(100, 124)), b"Ladies and Gentlemen of the class of '99: " * 3).hex())
    print("seal of nothing", seal(key, bytes(range(100, 124)), b"").hex())
    print("fingerprint", fingerprint(key, b"ABCDEFGHIJKLMNOPQRST").hex())


if __name__ == "__main__":
    main()
