"""Erlang's external terms, as far as part 3 of PROTOCOL.md uses them: bytes are binaries, Atom an atom, True and
False atoms, tuples, lists and dicts (maps) themselves."""
import struct


class Atom(str):
    """An Erlang atom."""

    def __repr__(self):
        return f":{str(self)}"


def encode(value):
    return b"\x83" + _encode(value)


def _encode(value):
    if isinstance(value, bool):
        value = Atom("true" if value else "false")
    if isinstance(value, Atom):
        return struct.pack(">BB", 119, len(value.encode())) + value.encode()
    if isinstance(value, int):
        if 0 <= value < 256:
            return struct.pack(">BB", 97, value)
        if -2**31 <= value < 2**31:
            return struct.pack(">Bi", 98, value)
        size = (abs(value).bit_length() + 7) // 8
        return struct.pack(">BBB", 110, size, value < 0) + abs(value).to_bytes(size, "little")
    if isinstance(value, bytes):
        return struct.pack(">BI", 109, len(value)) + value
    if isinstance(value, tuple):
        return struct.pack(">BB", 104, len(value)) + b"".join(map(_encode, value))
    if isinstance(value, list):
        return (struct.pack(">BI", 108, len(value)) + b"".join(map(_encode, value)) if value else b"") + b"j"
    if isinstance(value, dict):
        return struct.pack(">BI", 116, len(value)) + b"".join(_encode(k) + _encode(v) for k, v in value.items())
    raise TypeError(f"no term: {value!r}")


def decode(data):
    if data[:1] != b"\x83":
        raise ValueError("not version 131")
    value, rest = _decode(data[1:])
    if rest:
        raise ValueError("more than a term")
    return value


def _many(count, rest):
    out = []
    for _ in range(count):
        value, rest = _decode(rest)
        out.append(value)
    return out, rest


def _atom(text):
    return {"true": True, "false": False}.get(text, Atom(text))


def _decode(data):
    tag, rest = data[0], data[1:]
    if tag == 97:
        return rest[0], rest[1:]
    if tag == 98:
        return struct.unpack(">i", rest[:4])[0], rest[4:]
    if tag == 110:
        size, sign = rest[0], rest[1]
        number = int.from_bytes(rest[2:2 + size], "little")
        return -number if sign else number, rest[2 + size:]
    if tag in (100, 118):
        size = struct.unpack(">H", rest[:2])[0]
        return _atom(rest[2:2 + size].decode("latin-1" if tag == 100 else "utf-8")), rest[2 + size:]
    if tag in (115, 119):
        return _atom(rest[1:1 + rest[0]].decode("latin-1" if tag == 115 else "utf-8")), rest[1 + rest[0]:]
    if tag == 104:
        values, rest = _many(rest[0], rest[1:])
        return tuple(values), rest
    if tag == 106:
        return [], rest
    if tag == 107:
        size = struct.unpack(">H", rest[:2])[0]
        return list(rest[2:2 + size]), rest[2 + size:]
    if tag == 108:
        values, rest = _many(struct.unpack(">I", rest[:4])[0], rest[4:])
        tail, rest = _decode(rest)  # mostly the empty list; it may be as many elements again
        if not isinstance(tail, list):
            raise ValueError("improper list")
        return values + tail, rest
    if tag == 109:
        size = struct.unpack(">I", rest[:4])[0]
        return rest[4:4 + size], rest[4 + size:]
    if tag == 116:
        values, rest = _many(2 * struct.unpack(">I", rest[:4])[0], rest[4:])
        return dict(zip(values[::2], values[1::2])), rest
    raise ValueError(f"tag {tag}")
