"""Writes bucket.json and route_policy.json from an implementation of its own.

SipHash-2-4 is written out here after the paper and checked against the paper's example; SM3 is OpenSSL's. Nothing is
shared with the engine, so agreement means something. The files are committed: `hash_version` 1 is frozen.

    python3 tests/vectors/make_route_vectors.py          writes the two files
    python3 tests/vectors/make_route_vectors.py --check  fails if they differ from what would be written
"""

import json
import pathlib
import struct
import subprocess
import sys

MASK = (1 << 64) - 1
HERE = pathlib.Path(__file__).parent


def siphash24(key: bytes, message: bytes) -> int:
    k0, k1 = struct.unpack("<QQ", key)
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rotated(x: int, bits: int) -> int:
        return ((x << bits) | (x >> (64 - bits))) & MASK

    def rounds(n: int) -> None:
        nonlocal v0, v1, v2, v3
        for _ in range(n):
            v0 = (v0 + v1) & MASK
            v2 = (v2 + v3) & MASK
            v1 = rotated(v1, 13) ^ v0
            v3 = rotated(v3, 16) ^ v2
            v0 = rotated(v0, 32)
            v2 = (v2 + v1) & MASK
            v0 = (v0 + v3) & MASK
            v1 = rotated(v1, 17) ^ v2
            v3 = rotated(v3, 21) ^ v0
            v2 = rotated(v2, 32)

    padding = b"\0" * (7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", message + padding):
        v3 ^= word
        rounds(2)
        v0 ^= word
    v2 ^= 0xFF
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


# Appendix A of the paper.
assert siphash24(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5


def sm3(data: bytes) -> bytes:
    return subprocess.run(
        ["openssl", "dgst", "-sm3", "-binary"], input=data, capture_output=True, check=True
    ).stdout


def joined(parts: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


SIP_KEYS: dict[tuple[str, str], bytes] = {}


def hash_of(salt: str, purpose: str, key: bytes) -> int:
    name = (salt, purpose)
    if name not in SIP_KEYS:
        SIP_KEYS[name] = sm3(b"sogov.bucket.v1" + joined([salt.encode(), purpose.encode()]))[:16]
    return siphash24(SIP_KEYS[name], key)


def bucket_of(salt: str, purpose: str, key: bytes) -> int:
    return ((hash_of(salt, purpose, key) >> 32) * 10000) >> 32


def bucket_vectors() -> dict:
    def row(salt: str, purpose: str, key: bytes, repeat: int = 1) -> dict:
        row = {"salt": salt, "purpose": purpose, "key_hex": key.hex()}
        if repeat > 1:
            row["repeat"] = repeat
        h = hash_of(salt, purpose, key * repeat)
        return row | {"hash_hex": f"{h:016x}", "bucket": (h >> 32) * 10000 >> 32}

    def joined_row(salt: str, parts: list[bytes]) -> dict:
        h = hash_of(salt, "route", joined(parts))
        row = {"salt": salt, "purpose": "route", "parts_hex": [part.hex() for part in parts]}
        return row | {"hash_hex": f"{h:016x}", "bucket": (h >> 32) * 10000 >> 32}

    purposes = ["route", "sample", "ab:checkout", "ab:price"]
    single = [row("user-service", "route", b"")]
    single += [row("user-service", "route", bytes(range(n))) for n in range(1, 18)]
    single += [row("user-service", "route", f"u{i}".encode()) for i in range(1, 21)]
    single += [row("pricing", purpose, f"user-{i}".encode()) for purpose in purposes for i in range(5)]
    single += [
        row(salt, "route", b"u1") for salt in ["s", "a" * 256, "\u76d0", "with space", "user-service\0"]
    ]
    single += [
        row("user-service", "route", key) for key in [b"\xff", b"\xc3\x28", b"\0", b"\0\0", b"\x80" * 8]
    ]
    single += [row("user-service", "route", "\u7528\u6237".encode()), row("user-service", "route", b"U1")]
    single += [row("user-service", "route", b"a", n) for n in (255, 256, 257, 65535, 65536)]
    single += [row("", "", b""), row("user-service", "", b"u1"), row("", "route", b"u1")]
    several = [[b"acme", b"u1"], [b"a", b"cmeu1"], [b"u1", b"acme"], [b"", b""], [b"", b"u1"], [b"u1", b""]]
    several += [[b"u1"], [b"\xff", b"\0", b"x" * 300], [bytes([i]) * i for i in range(1, 9)]]
    return {
        "about": "bucket = ((SipHash-2-4(key; user key) >> 32) * 10000) >> 32, key = the first 16 bytes of "
        "SM3('sogov.bucket.v1' || le32(len) salt || le32(len) purpose); the user key is key_hex, repeated "
        "`repeat` times, or the joined parts: le32(len) || part each",
        "hash_version": 1,
        "single": single,
        "joined": [joined_row("user-service", parts) for parts in several],
    }


def user_with(predicate, salt: str = "user-service") -> str:
    """The first of u0, u1, ... whose bucket satisfies the predicate."""
    return next(
        user
        for user in (f"u{i}" for i in range(1000000))
        if predicate(bucket_of(salt, "route", user.encode()))
    )


def ask(version: str, reason: str, user: str | None = None, headers: dict | list = ()) -> dict:
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    return {"user_key": user, "headers": pairs, "version": version, "reason": reason}


def policy_vectors() -> dict:
    low = user_with(lambda b: b < 2000)
    edge = user_with(lambda b: b == 1999)
    past = user_with(lambda b: b == 2000)
    high = user_with(lambda b: b >= 9000)
    top = user_with(lambda b: b == 9000)
    below_top = user_with(lambda b: b == 8999)
    middle = user_with(lambda b: 3000 <= b < 9000)
    split = [
        ask("v2-gray", "fraction", low),
        ask("v2-gray", "fraction", edge),
        ask("v2", "stable", past),
        ask("v2", "stable", high),
    ]
    short = {"version": "v2.1", "weight": {"v2": 80, "v2-gray": 20}}
    two = {
        "version": "1",
        "stable": "v",
        "weight": {"v": 70, "a": 20, "b": 10},
        "grays": [{"version": "a", "seq": 1}, {"version": "b", "seq": 2}],
    }
    two_split = [
        ask("a", "fraction", low),
        ask("a", "fraction", edge),
        ask("v", "stable", past),
        ask("v", "stable", below_top),
        ask("b", "fraction", top),
        ask("b", "fraction", high),
    ]

    def rule(name: str, priority: int, when: dict, to: str) -> dict:
        return {"id": name, "priority": priority, "when": when, "to": to}

    env = rule("env", 10, {"header": "x-env", "eq": "gray-v2"}, "v2-gray")
    to_gray = {"x-env": "gray-v2"}
    pins = {"deny": [low], "allow": {"v2-gray": [high], "v2": [edge]}}
    by_user = {"version": 1, "by": ["X-User-Id"]}
    salted = "pepper"
    salted_low = user_with(lambda b: b < 2000, salted)
    salted_high = user_with(lambda b: b >= 2000, salted)

    def tenant_in_gray(user: str) -> bool:
        return bucket_of("user-service", "route", joined([b"acme", user.encode()])) < 2000

    tenant_low = next(user for user in (f"t{i}" for i in range(1000)) if tenant_in_gray(user))
    tenant_high = next(user for user in (f"t{i}" for i in range(1000)) if not tenant_in_gray(user))

    cases = [
        ("short form, 80 to 20", short, split),
        (
            "short form, the keys the other way round",
            {"weight": {"v2-gray": 20, "v2": 80}, "version": "v2.1"},
            split,
        ),
        ("4 to 1 is 80 to 20", {"version": "1", "weight": {"v2": 4, "v2-gray": 1}}, split),
        (
            "long form, 80 to 20",
            {
                "schema": 1,
                "service": "user-service",
                "version": "v2.1",
                "epoch": 42,
                "stable": "v2",
                "weight": {"v2": 80, "v2-gray": 20},
                "grays": [{"version": "v2-gray", "seq": 1}],
                "hash": {"version": 1, "alg": "siphash24", "on_missing_key": "stable"},
            },
            split,
        ),
        (
            "the salt is the service's name unless given",
            short | {"hash": {"version": 1, "salt": "user-service"}},
            split,
        ),
        (
            "another salt is another split",
            short | {"hash": {"version": 1, "salt": salted}},
            [ask("v2-gray", "fraction", salted_low), ask("v2", "stable", salted_high)],
        ),
        ("stable alone", {"version": "1", "stable": "v2"}, [ask("v2", "stable", low), ask("v2", "stable")]),
        (
            "one version in weight",
            {"version": "1", "weight": {"v2": 7}},
            [ask("v2", "stable", low), ask("v2", "stable", high)],
        ),
        (
            "everyone to gray",
            {"version": "1", "weight": {"v2": 0, "v2-gray": 100}},
            [ask("v2-gray", "fraction", low), ask("v2-gray", "fraction", high), ask("v2", "missing_key")],
        ),
        (
            "nobody to gray by fraction",
            {"version": "1", "weight": {"v2": 100, "v2-gray": 0}},
            [ask("v2", "stable", low), ask("v2", "stable", high)],
        ),
        (
            "a rule and a pin reach a version of weight 0",
            {
                "version": "1",
                "weight": {"v2": 1, "v2-gray": 0},
                "rules": [env],
                "pins": {"allow": {"v2-gray": [high]}},
            },
            [ask("v2", "stable", low), ask("v2-gray", "rule", low, to_gray), ask("v2-gray", "pin", high)],
        ),
        ("two grays grow from the two ends", two, two_split),
        ("seq orders the grays, not the list", two | {"grays": two["grays"][::-1]}, two_split),
        (
            "the order of the weights does not matter either",
            two | {"weight": {"b": 10, "a": 20, "v": 70}},
            two_split,
        ),
        (
            "three grays by ranges",
            {
                "version": "1",
                "stable": "v",
                "grays": [
                    {"version": "c", "seq": 3, "ranges": [[1999, 2001], [9000, 9001]]},
                    {"version": "a", "seq": 1, "ranges": [[0, 1999]]},
                    {"version": "b", "seq": 2, "ranges": [[9001, 10000]]},
                ],
            },
            [
                ask("c", "fraction", edge),
                ask("c", "fraction", past),
                ask("c", "fraction", top),
                ask("v", "stable", below_top),
                ask("a", "fraction", user_with(lambda b: b == 1998)),
                ask("b", "fraction", user_with(lambda b: b == 9001)),
            ],
        ),
        ("no user key goes to stable", short, [ask("v2", "missing_key"), ask("v2", "missing_key", "")]),
        (
            "no user key goes anywhere where asked for",
            {
                "version": "1",
                "weight": {"v2": 0, "v2-gray": 1},
                "hash": {"version": 1, "on_missing_key": "random"},
            },
            [ask("v2-gray", "random"), ask("v2-gray", "fraction", low)],
        ),
        (
            "the key comes from a header, in any case",
            short | {"hash": by_user},
            [
                ask("v2-gray", "fraction", None, {"x-user-id": low}),
                ask("v2", "stable", None, {"X-USER-ID": high}),
                ask("v2", "missing_key", low),
                ask("v2", "missing_key", low, {"x-user-id": ""}),
                ask("v2-gray", "fraction", high, {"x-user-id": low}),
            ],
        ),
        (
            "of a repeated header the first counts",
            short | {"hash": by_user},
            [
                ask("v2-gray", "fraction", None, [("X-User-Id", low), ("x-user-id", high)]),
                ask("v2", "stable", None, [("X-User-Id", high), ("x-user-id", low)]),
            ],
        ),
        (
            "the key comes from two headers",
            short | {"hash": {"version": 1, "by": ["x-tenant", "x-user"]}},
            [
                ask("v2-gray", "fraction", None, {"x-user": tenant_low, "x-tenant": "acme"}),
                ask("v2", "stable", None, {"x-user": tenant_high, "x-tenant": "acme"}),
                ask("v2", "missing_key", None, {"x-user": tenant_low}),
            ],
        ),
        (
            "pins with a key of two headers",
            short
            | {
                "hash": {"version": 1, "by": ["x-tenant", "x-user"]},
                "pins": {"allow": {"v2-gray": [["acme", tenant_high]]}},
            },
            [
                ask("v2-gray", "pin", None, {"x-user": tenant_high, "x-tenant": "acme"}),
                ask("v2", "missing_key", None, {"x-user": tenant_high}),
            ],
        ),
        (
            "pins come before the fraction",
            short | {"pins": pins},
            [
                ask("v2", "pin", low),
                ask("v2-gray", "pin", high),
                ask("v2", "pin", edge),
                ask("v2", "stable", past),
            ],
        ),
        (
            "pins come before rules",
            short | {"pins": pins, "rules": [env]},
            [ask("v2", "pin", low, to_gray), ask("v2-gray", "rule", past, to_gray)],
        ),
        (
            "pins are exact",
            short | {"pins": {"allow": {"v2-gray": ["User"]}}},
            [
                ask("v2-gray", "pin", "User"),
                ask(
                    *(
                        ("v2-gray", "fraction")
                        if bucket_of("user-service", "route", b"user") < 2000
                        else ("v2", "stable")
                    ),
                    "user",
                ),
            ],
        ),
        (
            "pins look at the header that makes the key",
            short | {"hash": by_user, "pins": {"allow": {"v2-gray": [high]}}},
            [ask("v2-gray", "pin", None, {"x-user-id": high}), ask("v2", "missing_key", high)],
        ),
        (
            "rules come before the fraction",
            short | {"rules": [env, rule("back", 20, {"header": "x-env", "eq": "prod"}, "v2")]},
            [
                ask("v2-gray", "rule", high, to_gray),
                ask("v2", "rule", low, {"x-env": "prod"}),
                ask("v2-gray", "rule", None, to_gray),
            ],
        ),
        (
            "names of headers in any case, values exact",
            short | {"rules": [env]},
            [
                ask("v2-gray", "rule", high, {"X-Env": "gray-v2"}),
                ask("v2-gray", "rule", high, {"X-ENV": "gray-v2"}),
                ask("v2", "stable", high, {"x-env": "Gray-v2"}),
                ask("v2", "stable", high, {"x-env": "gray-v2 "}),
                ask("v2", "stable", high, {"x-env-2": "gray-v2"}),
            ],
        ),
        (
            "of a repeated header only the first is tested",
            short | {"rules": [env]},
            [
                ask("v2", "stable", high, [("x-env", "prod"), ("X-Env", "gray-v2")]),
                ask("v2-gray", "rule", high, [("x-env", "gray-v2"), ("X-Env", "prod")]),
            ],
        ),
        (
            "the lowest priority number first, wherever it stands",
            {
                "version": "1",
                "stable": "v",
                "weight": {"v": 1},
                "grays": [{"version": "a", "seq": 1}, {"version": "b", "seq": 2}],
                "rules": [
                    rule("second", 2, {"header": "h", "exists": True}, "b"),
                    rule("first", 1, {"header": "h", "prefix": "x"}, "a"),
                ],
            },
            [
                ask("a", "rule", None, {"h": "xy"}),
                ask("b", "rule", None, {"h": "y"}),
                ask("v", "missing_key", None, {"g": "x"}),
            ],
        ),
        (
            "priority holds across headers",
            {
                "version": "1",
                "stable": "v",
                "weight": {"v": 1},
                "grays": [{"version": "a", "seq": 1}, {"version": "b", "seq": 2}],
                "rules": [
                    rule("p9", 9, {"header": "first", "eq": "1"}, "b"),
                    rule("p3", 3, {"header": "second", "eq": "1"}, "a"),
                ],
            },
            [
                ask("a", "rule", None, {"first": "1", "second": "1"}),
                ask("a", "rule", None, {"second": "1", "first": "1"}),
                ask("b", "rule", None, {"first": "1", "second": "2"}),
            ],
        ),
        (
            "in, prefix, exists",
            short
            | {
                "rules": [
                    rule("in", 1, {"header": "a", "in": ["1", "2"]}, "v2-gray"),
                    rule("prefix", 2, {"header": "b", "prefix": "canary-"}, "v2-gray"),
                    rule("exists", 3, {"header": "c", "exists": True}, "v2-gray"),
                ]
            },
            [
                ask("v2-gray", "rule", high, {"a": "2"}),
                ask("v2", "stable", high, {"a": "3"}),
                ask("v2-gray", "rule", high, {"b": "canary-"}),
                ask("v2", "stable", high, {"b": "canary"}),
                ask("v2-gray", "rule", high, {"c": ""}),
                ask("v2", "stable", middle, {"d": ""}),
            ],
        ),
        (
            "the kill switch comes before everything",
            short | {"kill_switch": True, "pins": pins, "rules": [env]},
            [
                ask("v2", "kill_switch", low),
                ask("v2", "kill_switch", high),
                ask("v2", "kill_switch", high, to_gray),
            ],
        ),
        ("a kill switch that is off does nothing", short | {"kill_switch": False}, split),
    ]
    return {
        "about": "each request goes to `version` because of `reason`; user_key null means that the host gave none",
        "service": "user-service",
        "cases": [{"name": name, "policy": policy, "requests": requests} for name, policy, requests in cases],
    }


def text_of(document: dict) -> str:
    """One vector or case a line."""
    lines = []
    for name, value in document.items():
        if isinstance(value, list):
            rows = ",\n  ".join(json.dumps(row, ensure_ascii=True) for row in value)
            lines.append(f"{json.dumps(name)}: [\n  {rows}\n ]")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def main() -> int:
    files = {"bucket.json": bucket_vectors(), "route_policy.json": policy_vectors()}
    for name, document in files.items():
        if "--check" in sys.argv:
            if (HERE / name).read_text() != text_of(document):
                print(f"{name} differs")
                return 1
        else:
            (HERE / name).write_text(text_of(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
