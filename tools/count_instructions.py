#!/usr/bin/env python3
"""Prints how many instructions a request takes, function by function: `make bench-instructions`.

Each loop of benches/runtime/host.c runs under callgrind with few and with many turns; the difference is that of a turn.
The numbers hold still on a noisy machine, and change with the compiler and the C library.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

LOOPS = {
    "host_route_release": "sogov_route and sogov_lease_release, one version",
    "host_route_release_rules": "the same, a user key of 20 bytes and three header rules",
    "host_call": "sogov_call of a plugin that copies 64 bytes",
}
FEW, MANY = 1_000, 101_000
# "1,234 (56.7%)  file:function [object]"; the function may contain "::".
ROW = re.compile(r"\s*([\d,]+)\s+\([^)]*\)\s+\S*?[^:]:([^:].*?)(?:\s+\[\S+\])?$")


def main() -> None:
    """Runs all loops, one after the other."""
    bench = bench_program()
    for loop, what in LOOPS.items():
        few, many = (instructions(bench, loop, turns) for turns in (FEW, MANY))
        turn = {name: (many[name] - few[name]) / (MANY - FEW) for name in many}
        print(f"\n{what}: {sum(turn.values()):.0f} instructions")
        for name, count in sorted(turn.items(), key=lambda item: -item[1]):
            if count >= 1:
                print(f"{count:8.0f}  {name}")


def bench_program() -> str:
    """The path of the compiled bench."""
    command = ["cargo", "bench", "--bench", "runtime", "--locked", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    artifacts = (json.loads(line) for line in lines)
    return next(
        a["executable"] for a in artifacts if a.get("executable") and a["target"]["name"] == "runtime"
    )


def instructions(bench: str, loop: str, turns: int) -> Counter[str]:
    """Instructions by function while the bench starts and makes that many turns."""
    with tempfile.TemporaryDirectory() as directory:
        counts = Path(directory, "callgrind.out")
        run = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={counts}"]
        subprocess.run([*run, bench, "turns", loop, str(turns)], check=True, stdout=subprocess.DEVNULL)
        annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", counts]
        text = subprocess.run(annotate, check=True, stdout=subprocess.PIPE, text=True).stdout
    by_function: Counter[str] = Counter()
    for row in filter(None, map(ROW.match, text.splitlines())):
        by_function[row[2]] += int(row[1].replace(",", ""))
    return by_function


if __name__ == "__main__":
    sys.exit(main())
