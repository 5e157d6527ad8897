"""Writes the shared vectors of tests/vectors/ as lines for vectors.cpp.

Bytes are in hexadecimal, "-" is empty, and a user key that there is none of is "?":

    sm3 MESSAGE DIGEST
    tree LENGTH DIGEST                     of the bytes i mod 251
    verify SPKI USER_ID MESSAGE SIGNATURE raw|der valid|invalid
    engine SERVICE STABLE LABEL...         a fresh engine with these versions
    policy DOCUMENT
    request USER_KEY VERSION REASON|* [NAME VALUE]...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def main() -> None:
    """Writes to the file that the command line names."""
    lines = [*digests(), *signatures(), *policies(), *buckets()]
    Path(sys.argv[1]).write_text("".join(f"{' '.join(line)}\n" for line in lines))


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def text(hexadecimal: str) -> str:
    return hexadecimal or "-"


def encoded(value: str) -> str:
    return text(value.encode().hex())


def digests() -> list[list[str]]:
    plain = [["sm3", text(case["msg"]), case["digest"]] for case in read("sm3.json")["tests"]]
    return plain + [["tree", str(case["length"]), case["root"]] for case in read("sm3_tree.json")["tests"]]


def signatures() -> list[list[str]]:
    lines = []
    for name in ("sm2_sign.json", "sm2_wycheproof.json"):
        for group in read(name)["testGroups"]:
            # Those without a user id are over digests, which no message reaches.
            if "user_id_hex" not in group:
                continue
            for case in group["tests"]:
                fields = (group["key"]["spki"], group["user_id_hex"], case["msg"], case["sig"])
                lines.append(["verify", *map(text, fields), case["encoding"], case["result"]])
    return lines


def policies() -> list[list[str]]:
    vectors, lines = read("route_policy.json"), []
    for case in vectors["cases"]:
        policy = case["policy"]
        labels = {*policy.get("weight", {}), *(gray["version"] for gray in policy.get("grays", []))}
        stable = policy.get("stable") or next(label for label in labels if not label.endswith("-gray"))
        lines.append(["engine", vectors["service"], stable, *sorted(labels | {stable})])
        lines.append(["policy", encoded(json.dumps(policy))])
        for request in case["requests"]:
            user, headers = request["user_key"], request["headers"]
            line = ["request", "?" if user is None else encoded(user), request["version"], request["reason"]]
            lines.append(line + [part for name, value in headers for part in (encoded(name), encoded(value))])
    return lines


def buckets() -> list[list[str]]:
    """A gray version that has exactly the expected bucket gets the user; one that has all others does not."""
    vectors, lines = read("bucket.json"), [["engine", "buckets", "stable", "stable", "gray"]]
    for vector in vectors["single"] + vectors["joined"]:
        parts = vector.get("parts_hex")
        key = vector.get("key_hex", "") * vector.get("repeat", 1)
        # No policy leads to the others: another purpose, no salt, no key, one header (which is not joined).
        joined = parts is None or (len(parts) > 1 and all(parts))
        if vector["purpose"] != "route" or not vector["salt"] or not (parts or key) or not joined:
            continue
        bucket, names = vector["bucket"], [f"h{index}" for index in range(len(parts or []))]
        headers = [part for name, value in zip(names, parts or []) for part in (encoded(name), text(value))]
        sides = {"gray": [[bucket, bucket + 1]], "stable": [[0, bucket], [bucket + 1, 10_000]]}
        for version, ranges in sides.items():
            policy = {
                "version": "1",
                "stable": "stable",
                "grays": [{"version": "gray", "seq": 1, "ranges": [r for r in ranges if r[0] < r[1]]}],
                "hash": {"version": 1, "salt": vector["salt"], **({"by": names} if parts else {})},
            }
            lines.append(["policy", encoded(json.dumps(policy))])
            lines.append(["request", text(key), version, "*", *headers])
    return lines


if __name__ == "__main__":
    main()
