#!/usr/bin/env python3
"""Packs a Go module as the files that a module proxy serves, so that GOPROXY=file://OUT finds it.

Usage: go_module.py DIRECTORY VERSION OUT
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import zipfile
from pathlib import Path


def main() -> None:
    """Writes OUT/MODULE/@v/ with list, VERSION.info, VERSION.mod and VERSION.zip."""
    source, version, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    go_mod = (source / "go.mod").read_text()
    [module] = re.findall(r"^module (\S+)$", go_mod, re.MULTILINE)
    if module != module.lower():
        # Upper case is escaped in a proxy's paths; without any there is nothing to escape.
        raise SystemExit(f"{module}: expected a module path in lower case")
    moment = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))
    place = out / module / "@v"
    place.mkdir(parents=True)
    (place / "list").write_text(version + "\n")
    info = {"Version": version, "Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)}
    (place / f"{version}.info").write_text(json.dumps(info) + "\n")
    (place / f"{version}.mod").write_text(go_mod)
    with zipfile.ZipFile(place / f"{version}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in module_files(source):
            name = f"{module}@{version}/{path.relative_to(source).as_posix()}"
            entry = zipfile.ZipInfo(name, moment[:6])
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def module_files(source: Path) -> list[Path]:
    """The files of the module, without those of modules inside of it."""
    inner = [path.parent for path in source.rglob("go.mod") if path.parent != source]
    files = (path for path in source.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(module in path.parents for module in inner))


main()
