"""Ranks and digests, from PROTOCOL.md, "Ranks" and the digest of "Message"."""
MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def weight(member, subject):
    return mix(member ^ mix((subject + GOLDEN) & MASK))


def rank(member, subject, members):
    """How many of these come before the member, with regard to the subject, which does not count itself."""
    own = weight(member, subject)
    return sum(weight(other, subject) > own for other in members if other not in (member, subject))


def digest(members):
    """Of the pairs of boot id and incarnation of all listed, and of whoever says it."""
    out = 0
    for boot, incarnation in members:
        out ^= mix(boot ^ mix((incarnation + GOLDEN) & MASK))
    return out
