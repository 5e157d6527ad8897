"""The payment host: it succeeds with what it expects, and fails when a count is not as it must be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, Trust, fee

BINDINGS = ROOT / "python_bindings"


@pytest.fixture
def release(trust: Trust, tmp_path: Path) -> Path:
    """What a release team hands over."""
    (tmp_path / "root.id").write_text(trust.root.key_id + "\n")
    for version in ("v1", "v2", "v3"):
        trust.signed(fee(version), "fee", version)
    content = bytearray((tmp_path / "fee-v1.so").read_bytes())
    content[4352] ^= 1
    (tmp_path / "fee-tampered.so").write_bytes(content)
    shutil.copyfile(fee("v1"), tmp_path / "fee-unsigned.so")
    return tmp_path


def run_host(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BINDINGS / "examples/payment_host.py"), *arguments, str(directory)]
    environment = {**os.environ, "PYTHONPATH": str(BINDINGS / "src")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_payment_host_tells_its_story(release: Path) -> None:
    done = run_host(release, "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        r"refuse +fee-tampered\.so: SOGOV_STATUS_MODIFIED: ",
        r"refuse +fee-unsigned\.so: SOGOV_STATUS_UNSIGNED: ",
        r"split +100000 calls by 50000 users in .* asked 20% on v2, found (19|20)\.\d\d%",
        r"sticky +0 of 50000 users",
        r"header +1000 calls with x-env: gray: 1000 on v2",
        r"rollback  v2 restored in",
        r"lost calls: 0",
        r"end +every count is as it must be",
    ):
        assert re.search(line, done.stdout), line
    assert "log info: promote fee: v2 by payment_host (a day without failures)" in done.stderr


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (("fee-v1.so", "fee-tampered.so"), "fee-tampered.so: expected"),
        (("fee-tampered.so", "fee-unsigned.so"), "fee-unsigned.so: expected UnsignedError"),
    ],
)
def test_the_payment_host_fails_when_something_is_not_refused_as_it_must_be(
    spoil: tuple[str, str], line: str, release: Path
) -> None:
    shutil.copyfile(release / spoil[0], release / spoil[1])
    done = run_host(release)
    assert done.returncode != 0
    assert line in done.stdout


def readme_examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (BINDINGS / "README.md").read_text(), flags=re.DOTALL)


def run_example(program: str, directory: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(BINDINGS / "src")}
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_examples_of_the_readme_run(release: Path) -> None:
    governed, leased, many = readme_examples()
    first, second = run_example(governed, release).splitlines()
    assert re.fullmatch(r"v[12] b'fee=(6\.17|5\.56) currency=CNY tariff=v[12]' (STABLE|FRACTION)", first)
    assert second.startswith("SOGOV_STATUS_UNSIGNED fee-unsigned.so: ")
    assert run_example(leased, release) == ""
    assert run_example(many, release) == ""
