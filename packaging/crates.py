#!/usr/bin/env python3
"""Prints which Rust crates are linked into the library and the program, and their licences. Of a crate that may be used
under the Apache License nothing else is needed; of the others the text of their licence follows.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO = ["--manifest-path", str(ROOT / "Cargo.toml"), "--locked"]


def main() -> None:
    """Prints the list, then the texts."""
    command = ["cargo", "metadata", "--format-version", "1", "--filter-platform", host(), *CARGO]
    packages = json.loads(output(command))["packages"]
    linked = linked_crates()
    crates = sorted((p for p in packages if f"{p['name']} {p['version']}" in linked), key=lambda p: p["name"])
    print("These Rust crates are linked into the binaries, each under its own licence:\n")
    for crate in crates:
        print(f"{crate['name']} {crate['version']}: {crate['license']}")
    for crate in crates:
        if "Apache-2.0" not in crate["license"]:
            print(f"\n{crate['name']} {crate['version']}:\n\n{licence(crate)}")


def linked_crates() -> set[str]:
    """Names and versions of what is compiled into the binaries; nothing of what only builds them."""
    command = ["cargo", "tree", *CARGO, "-p", "sogov", "-p", "sogov-cli", "-e", "normal", "--prefix", "none"]
    lines = output([*command, "--no-dedupe", "-f", "{p}"]).splitlines()
    crates = (line.split() for line in lines if line and "(/" not in line and "(proc-macro)" not in line)
    return {f"{name} {version.removeprefix('v')}" for name, version, *_ in crates}


def licence(crate: dict[str, str]) -> str:
    """The text of the crate's licence: that of MIT where there are several."""
    files = sorted(Path(crate["manifest_path"]).parent.glob("LICEN[CS]E*"))
    if not files:
        raise SystemExit(f"{crate['name']}: expected a licence file, found none")
    chosen = next((path for path in files if "MIT" in path.name), files[0])
    return chosen.read_text(encoding="utf-8").strip()


def host() -> str:
    """The platform that is built for."""
    return next(line.split()[1] for line in output(["rustc", "-vV"]).splitlines() if line.startswith("host:"))


def output(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


main()
