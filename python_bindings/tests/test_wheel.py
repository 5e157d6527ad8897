"""The wheel carries the library and works without anything else."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import ROOT

MODULES = {path.name for path in (ROOT / "python_bindings/src/sogov").glob("*.py")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source tree: building must not leave anything in the repository."""
    copy = tmp_path / "python_bindings"
    ignore = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "*.so*", ".*")
    shutil.copytree(ROOT / "python_bindings", copy, ignore=ignore)
    return copy


def build(source: Path, target: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    variables = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    variables.update(environment, PIP_DISABLE_PIP_VERSION_CHECK="1")
    return subprocess.run(
        [*command, "--wheel-dir", str(target), str(source)],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_has_the_library_and_runs_alone(source: Path, tmp_path: Path) -> None:
    built = build(source, tmp_path / "wheels")
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "wheels").iterdir()
    assert wheel.name == f"sogov-0.1.0-py3-none-linux_{platform.machine()}.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("sogov/")}
        library = archive.read("sogov/libsogov.so.0")
        archive.extractall(tmp_path / "installed")
    assert names == {f"sogov/{name}" for name in MODULES | {"py.typed", "libsogov.so.0"}}
    assert library == Path(os.environ["SOGOV_LIBRARY"]).read_bytes()

    program = (
        "import sogov; k = sogov.PrivateKey.generate(); k.verify(b'm', k.sign(b'm')); print(sogov.__file__)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "SOGOV_LIBRARY"}
    environment["PYTHONPATH"] = str(tmp_path / "installed")
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(tmp_path / "installed/sogov/__init__.py")


def test_without_a_built_library_the_build_says_what_to_do(source: Path, tmp_path: Path) -> None:
    failed = build(source, tmp_path, SOGOV_LIBRARY="/nowhere/libsogov.so")
    assert failed.returncode != 0
    assert "/nowhere/libsogov.so" in failed.stderr
    assert "make build" in failed.stderr
