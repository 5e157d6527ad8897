"""Writes sm2_wycheproof.json: signatures, points, private keys and user ids at the edges, in Wycheproof's manner.

SM2 is written out here over Python's integers after GB/T 32918; SM3 is OpenSSL's. Nothing is shared with the engine, so
agreement means something. What a case has to give follows from the standard and from the decisions that the modules of
`src/crypto/sm2` state; it is held against the integers here, and against OpenSSL's verdict where OpenSSL takes the
input. Nonces are digests of their names, so that the file comes out the same each time.

    python3 tests/vectors/make_sm2_vectors.py          writes the file
    python3 tests/vectors/make_sm2_vectors.py --check  fails if it differs, or if another vector file of SM2 is wrong
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
DEFAULT_ID = b"1234567812345678"

# The key and the message of GM/T 0003.5-2012 A.2.
EXAMPLE_KEY = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
EXAMPLE_NONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
EXAMPLE_MESSAGE = b"message digest"

Point = tuple[int, int] | None


def add(p: Point, q: Point) -> Point:
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    slope = (3 * p[0] ** 2 + A) * pow(2 * p[1], -1, P) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope**2 - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def multiple(k: int, p: Point) -> Point:
    result = None
    for bit in bin(k)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, p)
    return result


def y_of(x: int) -> int | None:
    square = (x**3 + A * x + B) % P
    y = pow(square, (P + 1) // 4, P)
    return y if y * y % P == square else None


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def be(number: int, length: int = 32) -> bytes:
    return number.to_bytes(length, "big")


def uncompressed(point: Point) -> bytes:
    assert point is not None
    return b"\x04" + be(point[0]) + be(point[1])


def digest(key: Point, user_id: bytes, message: bytes) -> int:
    bits = (8 * len(user_id)).to_bytes(2, "big")
    z = sm3(bits + user_id + be(A) + be(B) + be(G[0]) + be(G[1]) + uncompressed(key)[1:])
    return int.from_bytes(sm3(z + message), "big")


def holds(key: Point, e: int, r: int, s: int) -> bool:
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    point = add(multiple(s, G), multiple((r + s) % N, key))
    return point is not None and (e + point[0]) % N == r


def sign(d: int, user_id: bytes, message: bytes, k: int | None = None) -> tuple[int, int]:
    key = multiple(d, G)
    k = k or 1 + int.from_bytes(sm3(b"nonce" + be(d) + user_id + message), "big") % (N - 1)
    point = multiple(k, G)
    assert point is not None
    r = (digest(key, user_id, message) + point[0]) % N
    s = pow(1 + d, -1, N) * (k - r * d) % N
    assert r != 0 and s != 0 and r + k != N
    return r, s


def named_key(name: str) -> int:
    return 1 + int.from_bytes(sm3(b"key " + name.encode()), "big") % (N - 2)


# DER, and what is nearly DER.


def tlv(tag: int, content: bytes, length: bytes | None = None) -> bytes:
    size = len(content)
    short = bytes([size]) if size < 128 else b"\x81" + bytes([size])
    return bytes([tag]) + (short if length is None else length) + content


def integer(number: int) -> bytes:
    return number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)


def der(r: int, s: int) -> bytes:
    return tlv(0x30, tlv(2, integer(r)) + tlv(2, integer(s)))


def raw(r: int, s: int) -> bytes:
    return be(r) + be(s)


def read_der(data: bytes) -> tuple[int, int] | None:
    """The pair in strict DER, by encoding it anew."""
    try:
        assert data[0] == 0x30
        start, numbers = 2, []
        for _ in range(2):
            end = start + 2 + data[start + 1]
            numbers.append(int.from_bytes(data[start + 2 : end], "big", signed=True))
            start = end
    except (AssertionError, IndexError):
        return None
    return (numbers[0], numbers[1]) if der(*numbers) == data else None


def read_raw(data: bytes) -> tuple[int, int] | None:
    return (int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")) if len(data) == 64 else None


# The file.

NOTES = {
    "Valid": "has to verify",
    "RangeCheck": "r or s is not in [1, n-1], or r + s = n; some implementations reduce such values first",
    "ModifiedValue": "r or s replaced by a value that is related to the right one",
    "BerEncoding": "BER that is not DER: signatures become malleable where it is taken",
    "InvalidEncoding": "neither DER nor BER, or not 64 bytes",
    "InvalidTypes": "values of other types where integers are expected",
    "WrongBinding": "a right signature under another user id, key, message or hash",
    "InvalidPoint": "not a point of the curve, or one in an encoding that is refused",
    "PrivateKeyRange": "a private key lies in [1, n-2]: 1 + d has to be invertible",
    "UserIdLength": "the length in bits has 16 bits, so that at most 8191 bytes are possible",
}


class Writer:
    def __init__(self) -> None:
        self.groups: list[dict] = []
        self.count = 0

    def group(self, kind: str, comment: str, **fields: object) -> None:
        self.groups.append({"type": kind, "comment": comment, **fields, "tests": []})

    def signatures(self, comment: str, d: int, user_id: bytes = DEFAULT_ID) -> None:
        self.key, self.user_id, self.seen = multiple(d, G), user_id, set()
        key = {"curve": "sm2p256v1", "spki": (SPKI + uncompressed(self.key)).hex()}
        self.group("Sm2Verify", comment, key=key, user_id_hex=user_id.hex())

    def add(self, comment: str, flag: str, result: str, **fields: object) -> None:
        self.count += 1
        case = {"tcId": self.count, "comment": comment, "flags": [flag], **fields, "result": result}
        self.groups[-1]["tests"].append(case)

    def case(self, comment: str, flag: str, message: bytes, sig: bytes, encoding: str = "der") -> None:
        """Adds a signature with the verdict of the integers, which has to be the one that its flag says."""
        if (message, sig, encoding) in self.seen:
            return
        self.seen.add((message, sig, encoding))
        pair = read_der(sig) if encoding == "der" else read_raw(sig)
        valid = pair is not None and holds(self.key, digest(self.key, self.user_id, message), *pair)
        assert valid == (flag == "Valid"), comment
        fields = {"msg": message.hex(), "sig": sig.hex(), "encoding": encoding}
        self.add(comment, flag, "valid" if valid else "invalid", **fields)


def wycheproof() -> dict:
    writer = Writer()
    message = EXAMPLE_MESSAGE
    r, s = sign(EXAMPLE_KEY, DEFAULT_ID, message, EXAMPLE_NONCE)
    assert (r, s) == (
        0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
        0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
    )
    writer.signatures("the key of GM/T 0003.5-2012 A.2, the default user id", EXAMPLE_KEY)
    for encoding, encode in (("der", der), ("raw", raw)):
        writer.case(f"GM/T 0003.5-2012 A.2, {encoding}", "Valid", message, encode(r, s), encoding)
    ranges(writer, message)
    modified_values(writer, message, r, s)
    encodings(writer, message, r, s)
    bindings(writer, message)
    points(writer)
    private_keys(writer)
    user_ids(writer)
    return {
        "algorithm": "SM2-SM3",
        "source": "make_sm2_vectors.py: Python integers, and OpenSSL 3.0's verdict on the signatures that it takes",
        "numberOfTests": writer.count,
        "notes": NOTES,
        "testGroups": writer.groups,
    }


def ranges(writer: Writer, message: bytes) -> None:
    small = {
        "0": 0,
        "1": 1,
        "n - 1": N - 1,
        "n": N,
        "n + 1": N + 1,
        "p": P,
        "p + 1": P + 1,
        "2^256 - 1": 2**256 - 1,
    }
    large = {"-1": -1, "2^255": 2**255, "2^256": 2**256, "2^256 + n": 2**256 + N, "2n": 2 * N}
    both = {**small, **large}
    for encoding, encode, values in (("raw", raw, small), ("der", der, both)):
        for r_name, r in values.items():
            for s_name, s in values.items():
                comment = f"r = {r_name}, s = {s_name}, {encoding}"
                writer.case(comment, "RangeCheck", message, encode(r, s), encoding)


def modified_values(writer: Writer, message: bytes, r: int, s: int) -> None:
    def pairs(name: str, value: int) -> list[tuple[str, int]]:
        return [
            (f"n - {name}", N - value),
            (f"{name} + 1", value + 1),
            (f"{name} - 1", value - 1),
            (f"{name} with the first bit changed", value ^ 1 << 255),
            (f"1/{name}", pow(value, -1, N)),
            (f"{name} from the other end", int.from_bytes(be(value)[::-1], "big")),
        ]

    def beyond(name: str, value: int) -> list[tuple[str, int]]:
        return [
            (f"-{name}", -value),
            (f"{name} + n", value + N),
            (f"{name} - n", value - N),
            (f"{name} + 2^256", value + 2**256),
            (f"{name} - 2^256", value - 2**256),
            (f"{name}·2^8", value << 8),
            (f"{name}·2^256", value << 256),
        ]

    for encoding, encode in (("raw", raw), ("der", der)):
        for name, value in pairs("r", r):
            writer.case(f"{name} for r, {encoding}", "ModifiedValue", message, encode(value, s), encoding)
        for name, value in pairs("s", s):
            writer.case(f"{name} for s, {encoding}", "ModifiedValue", message, encode(r, value), encoding)
        writer.case(f"r and s swapped, {encoding}", "ModifiedValue", message, encode(s, r), encoding)
        writer.case(f"r twice, {encoding}", "ModifiedValue", message, encode(r, r), encoding)
        writer.case(f"r + s = n, {encoding}", "RangeCheck", message, encode(r, N - r), encoding)
        e = digest(writer.key, DEFAULT_ID, message)
        # With s chosen so that s·G + t·P is infinity, an x of 0 would make r = e right.
        infinity = -e * EXAMPLE_KEY * pow(1 + EXAMPLE_KEY, -1, N) % N
        writer.case(
            f"the sum is infinity and r = e, {encoding}",
            "RangeCheck",
            message,
            encode(e % N, infinity),
            encoding,
        )
        writer.case(f"t = 0 and r = e, {encoding}", "RangeCheck", message, encode(e % N, N - e % N), encoding)
    for name, value in beyond("r", r):
        writer.case(f"{name} for r, der", "RangeCheck", message, der(value, s))
    for name, value in beyond("s", s):
        writer.case(f"{name} for s, der", "RangeCheck", message, der(r, value))


def encodings(writer: Writer, message: bytes, r: int, s: int) -> None:
    r_tlv, s_tlv, good = tlv(2, integer(r)), tlv(2, integer(s)), der(r, s)
    body = r_tlv + s_tlv

    def case(comment: str, flag: str, sig: bytes, encoding: str = "der") -> None:
        writer.case(comment, flag, message, sig, encoding)

    def sequence(r_part: bytes, s_part: bytes) -> bytes:
        return tlv(0x30, r_part + s_part)

    forms = {
        "one byte": lambda n: bytes([0x81, n]),
        "two bytes": lambda n: bytes([0x82, 0, n]),
        "four bytes": lambda n: bytes([0x84, 0, 0, 0, n]),
        "nine bytes": lambda n: bytes([0x89, 0, 0, 0, 0, 0, 0, 0, 0, n]),
    }
    wrong = {
        "one more": lambda n: bytes([n + 1]),
        "one less": lambda n: bytes([n - 1]),
        "0": lambda n: b"\0",
        "255": lambda n: b"\x81\xff",
        "2^31 - 1": lambda n: b"\x84\x7f\xff\xff\xff",
        "2^32 - 1": lambda n: b"\x84\xff\xff\xff\xff",
        "its own and 2^32": lambda n: bytes([0x85, 1, 0, 0, 0, n]),
        "its own and 2^64": lambda n: bytes([0x89, 1, 0, 0, 0, 0, 0, 0, 0, n]),
        "2^64 - 1": lambda n: b"\x88" + b"\xff" * 8,
        "reserved": lambda n: b"\xff",
        "127 bytes long": lambda n: b"\xfe",
    }
    for where, build in (
        ("the sequence", lambda form: tlv(0x30, body, form(len(body)))),
        ("r", lambda form: sequence(tlv(2, integer(r), form(len(integer(r)))), s_tlv)),
        ("s", lambda form: sequence(r_tlv, tlv(2, integer(s), form(len(integer(s)))))),
    ):
        for name, form in forms.items():
            case(f"length of {where} in the long form, {name}", "BerEncoding", build(form))
        for name, form in wrong.items():
            case(f"length of {where}: {name}", "InvalidEncoding", build(form))
    case("indefinite length", "BerEncoding", b"\x30\x80" + body + b"\0\0")
    case("indefinite length without an end", "InvalidEncoding", b"\x30\x80" + body)
    case("indefinite length with half an end", "InvalidEncoding", b"\x30\x80" + body + b"\0")
    case("s of indefinite length", "InvalidEncoding", sequence(r_tlv, b"\x02\x80" + integer(s) + b"\0\0"))
    for zeros in (1, 2, 8):
        pad = bytes(zeros)
        case(f"r padded by {zeros}", "BerEncoding", sequence(tlv(2, pad + integer(r)), s_tlv))
        case(f"s padded by {zeros}", "BerEncoding", sequence(r_tlv, tlv(2, pad + integer(s))))
    case("r without its sign byte", "InvalidEncoding", sequence(tlv(2, be(r)), s_tlv))
    case("s without its sign byte", "InvalidEncoding", sequence(r_tlv, tlv(2, be(s))))
    case("both without their sign bytes", "InvalidEncoding", sequence(tlv(2, be(r)), tlv(2, be(s))))
    for tag in (0x00, 0x01, 0x03, 0x04, 0x05, 0x0A, 0x22, 0x30, 0x82, 0xFF):
        case(f"r with tag {tag:02x}", "InvalidTypes", sequence(tlv(tag, integer(r)), s_tlv))
        case(f"s with tag {tag:02x}", "InvalidTypes", sequence(r_tlv, tlv(tag, integer(s))))
    for tag in (0x00, 0x02, 0x10, 0x31, 0x70, 0xB0, 0xFF):
        case(f"the sequence with tag {tag:02x}", "InvalidTypes", tlv(tag, body))
    case("tag of the sequence in the long form", "BerEncoding", b"\x3f\x10" + good[1:])
    for name, value in (
        ("empty integer", "0200"),
        ("null", "0500"),
        ("true", "0101ff"),
        ("real 0.25", "090380fe01"),
    ):
        case(f"{name} for r", "InvalidTypes", sequence(bytes.fromhex(value), s_tlv))
        case(f"{name} for s", "InvalidTypes", sequence(r_tlv, bytes.fromhex(value)))
    for name, tail in (
        ("a zero", "00"),
        ("two zeros", "0000"),
        ("null", "0500"),
        ("an end", "0000"),
        ("r", r_tlv.hex()),
    ):
        case(f"{name} behind", "InvalidEncoding", good + bytes.fromhex(tail))
        case(f"{name} behind s", "InvalidEncoding", tlv(0x30, body + bytes.fromhex(tail)))
        case(f"{name} in front of r", "InvalidEncoding", tlv(0x30, bytes.fromhex(tail) + body))
        case(f"{name} in front", "InvalidEncoding", bytes.fromhex(tail) + good)
    case("s left out", "InvalidEncoding", tlv(0x30, r_tlv))
    case("empty sequence", "InvalidEncoding", tlv(0x30, b""))
    case("twice", "InvalidEncoding", good + good)
    case("in a sequence", "InvalidTypes", tlv(0x30, good))
    case("in a bit string", "InvalidTypes", tlv(3, b"\0" + good))
    case("in an octet string", "InvalidTypes", tlv(4, good))
    case("each in a sequence", "InvalidTypes", sequence(tlv(0x30, r_tlv), tlv(0x30, s_tlv)))
    for length in (0, 1, 2, 3, 4, 5, 20, 36, 37, 38, 39, 40, len(good) - 2, len(good) - 1):
        case(f"the first {length} bytes", "InvalidEncoding", good[:length])
    case("r||s where der is expected", "InvalidEncoding", raw(r, s))
    case("der where r||s is expected", "InvalidEncoding", good, "raw")
    good = raw(r, s)
    for length in (0, 1, 32, 63):
        case(f"the first {length} bytes of r||s", "InvalidEncoding", good[:length], "raw")
    for name, sig in (
        ("a zero behind", good + b"\0"),
        ("a zero in front", b"\0" + good),
        ("a zero in front of each", b"\0" + good[:32] + b"\0" + good[32:]),
        ("twice", good + good),
        ("each in 48 bytes", be(r, 48) + be(s, 48)),
        ("each without its first byte", good[1:32] + good[33:]),
        ("in hexadecimal", good.hex().encode()),
    ):
        case(f"r||s: {name}", "InvalidEncoding", sig, "raw")


def short_signature(d: int, user_id: bytes, short: str) -> tuple[bytes, int, int]:
    """The first numbered message whose r or s begins with a zero byte."""
    for number in range(1 << 16):
        message = f"message {number}".encode()
        r, s = sign(d, user_id, message)
        if (r if short == "r" else s) >> 248 == 0:
            return message, r, s
    raise AssertionError("none found")


def bindings(writer: Writer, message: bytes) -> None:
    """Valid signatures under many keys and user ids, and what becomes of them with another part."""
    ids = {
        "empty": b"",
        "one byte": b"a",
        "default": DEFAULT_ID,
        "default with a zero": DEFAULT_ID + b"\0",
        "not UTF-8": b"\xff\0\xfe",
        "31 bytes": b"i" * 31,
        "32 bytes": b"i" * 32,
        "8190 bytes": b"i" * 8190,
        "8191 bytes": b"i" * 8191,
    }
    for name, user_id in ids.items():
        d = named_key(name)
        writer.signatures(f"user id: {name}", d, user_id)
        writer.case("valid", "Valid", message, der(*sign(d, user_id, message)))
        writer.case("valid, r||s", "Valid", message, raw(*sign(d, user_id, message)), "raw")
        for other_name in ("empty", "default", "default with a zero", "32 bytes"):
            if ids[other_name] != user_id:
                sig = der(*sign(d, ids[other_name], message))
                writer.case(f"signed under the user id: {other_name}", "WrongBinding", message, sig)
    keys = {
        "1": 1,
        "2": 2,
        "3": 3,
        "n - 2": N - 2,
        "n - 3": N - 3,
        "(n - 1)/2": (N - 1) // 2,
        "2^128": 1 << 128,
    }
    for name, d in {**keys, **{f"number {i}": named_key(f"number {i}") for i in range(8)}}.items():
        writer.signatures(f"the private key {name}", d)
        for length in (0, 1, 31, 32, 55, 56, 64, 300):
            text = b"m" * length
            writer.case(f"{length} bytes", "Valid", text, der(*sign(d, DEFAULT_ID, text)))
        r, s = sign(d, DEFAULT_ID, message)
        writer.case("another message", "WrongBinding", message + b".", der(r, s))
        writer.case(
            "by another key", "WrongBinding", message, der(*sign(named_key("another"), DEFAULT_ID, message))
        )
    d = named_key("short")
    writer.signatures("leading zeros", d)
    for short in ("r", "s"):
        text, r, s = short_signature(d, DEFAULT_ID, short)
        writer.case(f"{short} begins with a zero byte", "Valid", text, raw(r, s), "raw")
        writer.case(f"{short} begins with a zero byte, der", "Valid", text, der(r, s))
        cut = be(r, (r.bit_length() + 7) // 8) + be(s, (s.bit_length() + 7) // 8)
        writer.case(f"{short} begins with a zero byte that is left out", "InvalidEncoding", text, cut, "raw")
    r, s = sign(d, DEFAULT_ID, message)
    z_left_out = int.from_bytes(sm3(message), "big")
    k = named_key("nonce")
    x = multiple(k, G)[0]
    r = (z_left_out + x) % N
    writer.case(
        "over the message without Z", "WrongBinding", message, der(r, pow(1 + d, -1, N) * (k - r * d) % N)
    )
    e = digest(writer.key, DEFAULT_ID, message)
    writer.case("ecdsa on this curve", "WrongBinding", message, der(x % N, pow(k, -1, N) * (e + x * d) % N))
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    r = (e + x) % N
    writer.case("over sha-256", "WrongBinding", message, der(r, pow(1 + d, -1, N) * (k - r * d) % N))


def points(writer: Writer) -> None:
    writer.group("Sm2Point", "points as public keys (SEC 1, section 2.3.4)")
    x, y = multiple(EXAMPLE_KEY, G)

    def case(comment: str, encoded: bytes, result: str = "invalid") -> None:
        writer.add(comment, "Valid" if result == "valid" else "InvalidPoint", result, encoded=encoded.hex())

    def compressed(x: int, y: int) -> bytes:
        return bytes([2 | y & 1]) + be(x)

    on_curve = [x for x in range(200) if y_of(x) is not None]
    off_curve = next(x for x in range(200) if y_of(x) is None)
    case("uncompressed", uncompressed((x, y)), "valid")
    case("compressed", compressed(x, y), "valid")
    case("the opposite point", uncompressed((x, P - y)), "valid")
    case("the opposite point, compressed", compressed(x, P - y), "valid")
    case("the generator", uncompressed(G), "valid")
    case("the generator's opposite", uncompressed((G[0], P - G[1])), "valid")
    for small in on_curve[:3]:
        case(f"x = {small}", uncompressed((small, y_of(small))), "valid")
        case(f"x = {small}, compressed", compressed(small, y_of(small)), "valid")
        case(f"x = {small} + p", uncompressed((small + P, y_of(small))))
        case(f"x = {small} + p, compressed", compressed(small + P, y_of(small)))
    case("infinity", b"\0")
    case("infinity in 33 bytes", bytes(33))
    case("infinity in 65 bytes", bytes(65))
    case("(0, 0)", b"\x04" + bytes(64))
    case("y changed", uncompressed((x, y ^ 1)))
    case("x changed", uncompressed((x ^ 1, y)))
    case("x and y swapped", uncompressed((y, x)))
    case("y = 0", uncompressed((x, 0)))
    case("y = p", uncompressed((x, P)))
    case("no point has this x", compressed(off_curve, 0))
    case("no point has this x, odd", compressed(off_curve, 1))
    case(
        "x = p - 1" + ("" if y_of(P - 1) else ": no point"),
        compressed(P - 1, 0),
        "valid" if y_of(P - 1) else "invalid",
    )
    case("x = 2^256 - 1", b"\x02" + b"\xff" * 32)
    case("hybrid", bytes([6 | y & 1]) + be(x) + be(y))
    case("hybrid with the other parity", bytes([7 ^ y & 1]) + be(x) + be(y))
    for first in (0, 1, 2, 3, 5, 8, 0x84, 0xFF):
        case(f"65 bytes that begin with {first:02x}", bytes([first]) + be(x) + be(y))
    for first in (0, 1, 4, 5, 6, 7, 0xFF):
        case(f"33 bytes that begin with {first:02x}", bytes([first]) + be(x))
    case("empty", b"")
    case("x || y", be(x) + be(y))
    for length in (1, 2, 32, 34, 64):
        case(f"the first {length} bytes", uncompressed((x, y))[:length])
    case("a zero behind", uncompressed((x, y)) + b"\0")
    case("a zero in front", b"\0" + uncompressed((x, y)))
    case("compressed, a zero behind", compressed(x, y) + b"\0")
    test_curve = (
        0x421DEBD61B62EAB6746434EBC3CC315E32220B3BADD50BDC4C4E6C147FEDD43D,
        0x0680512BCBB42C07D47349D2153B70C4E5D7FDFCBFA36EA1A85841B9E46E09A2,
    )
    case("the generator of the test curve in GB/T 32918.2's annex", uncompressed(test_curve))
    p256 = (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    )
    case("the generator of P-256", uncompressed(p256))


def private_keys(writer: Writer) -> None:
    writer.group("Sm2PrivateKey", "private keys of 32 bytes, big-endian")
    for name, d in (("1", 1), ("2", 2), ("2^255", 1 << 255), ("n - 3", N - 3), ("n - 2", N - 2)):
        public = uncompressed(multiple(d, G)).hex()
        writer.add(name, "Valid", "valid", scalar=be(d).hex(), point=public)
    for name, d in (
        ("0", 0),
        ("n - 1", N - 1),
        ("n", N),
        ("n + 1", N + 1),
        ("p", P),
        ("2^256 - 1", 2**256 - 1),
    ):
        writer.add(name, "PrivateKeyRange", "invalid", scalar=be(d).hex())
    for length in (0, 1, 31, 33, 64):
        writer.add(
            f"1 in {length} bytes", "PrivateKeyRange", "invalid", scalar=be(1, length).hex() if length else ""
        )


def user_ids(writer: Writer) -> None:
    writer.group("Sm2UserId", "user ids of a length in bytes, all zeros")
    for length in (0, 1, 8190, 8191, 8192, 16384, 65535, 65536):
        result = "valid" if length <= 8191 else "invalid"
        writer.add(f"{length} bytes", "Valid" if result == "valid" else "UserIdLength", result, length=length)


# Other opinions.


def signature_groups(name: str) -> list[dict]:
    groups = json.loads((HERE / name).read_text())["testGroups"]
    return [group for group in groups if "user_id_hex" in group]


def check_against_integers() -> None:
    """The digests' file says what no chosen message reaches."""
    for case in json.loads((HERE / "sm2_digest.json").read_text())["tests"]:
        point = bytes.fromhex(case["spki"])[-64:]
        key = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
        e, sig = int(case["digest"], 16), bytes.fromhex(case["sig"])
        assert holds(key, e, *read_raw(sig)) == (case["result"] == "valid"), case["comment"]
    published = json.loads((HERE / "sm2_published.json").read_text())
    for case in published["multiples"]:
        assert uncompressed(multiple(int(case["scalar"], 16), G)).hex() == case["point"], case
    for case in published["signatures"]:
        if case["result"] == "valid":
            arguments = (
                int(case["private"], 16),
                bytes.fromhex(case["user_id_hex"]),
                bytes.fromhex(case["msg"]),
            )
            assert raw(*sign(*arguments, int(case["nonce"], 16))).hex() == case["sig"], case
    for case in json.loads((HERE / "sm3.json").read_text())["tests"]:
        assert sm3(bytes.fromhex(case["msg"])).hex() == case["digest"], case


def check_against_openssl(name: str) -> int:
    """OpenSSL takes user ids of up to 8190 bytes without a zero in them, as arguments; signatures as DER."""
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        for group in signature_groups(name):
            user_id = bytes.fromhex(group["user_id_hex"])
            if len(user_id) > 8190 or b"\0" in user_id or not user_id:
                continue
            (path / "key.der").write_bytes(bytes.fromhex(group["key"]["spki"]))
            # Not `openssl dgst`, which cuts what it reads of a signature.
            command = [
                "openssl",
                "pkeyutl",
                "-verify",
                "-rawin",
                "-digest",
                "sm3",
                "-pubin",
                "-keyform",
                "DER",
            ]
            command += [
                "-inkey",
                "key.der",
                "-sigfile",
                "sig",
                "-in",
                "msg",
                "-pkeyopt",
                b"distid:" + user_id,
            ]
            for case in group["tests"]:
                sig, pair = bytes.fromhex(case["sig"]), None
                if case["encoding"] == "raw":
                    pair = read_raw(sig)
                    if pair is None:
                        continue
                (path / "sig").write_bytes(der(*pair) if pair else sig)
                (path / "msg").write_bytes(bytes.fromhex(case["msg"]))
                run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
                assert (run.returncode == 0) == (case["result"] == "valid"), (name, case)
                count += 1
    return count


def main() -> int:
    path = HERE / "sm2_wycheproof.json"
    text = json.dumps(wycheproof(), indent=1) + "\n"
    if "--check" not in sys.argv[1:]:
        path.write_text(text)
        return 0
    if path.read_text() != text:
        print(f"{path.name} is not what make_sm2_vectors.py writes", file=sys.stderr)
        return 1
    check_against_integers()
    counts = [check_against_openssl(name) for name in ("sm2_sign.json", path.name)]
    print(f"OpenSSL agrees on {sum(counts)} signatures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
