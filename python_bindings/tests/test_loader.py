"""How the package finds its library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

SOURCE = ROOT / "python_bindings/src"
PRINT_VERSION = "import sogov; print(sogov.__version__)"


def import_sogov(
    source: Path, library: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "SOGOV_LIBRARY"}
    variables.update(environment, PYTHONPATH=str(source))
    if library is not None:
        variables["SOGOV_LIBRARY"] = library
    command = [sys.executable, "-B", "-c", PRINT_VERSION]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package without a library in it."""
    target = tmp_path / "source/sogov"
    target.mkdir(parents=True)
    for module in (SOURCE / "sogov").glob("*.py"):
        (target / module.name).write_bytes(module.read_bytes())
    return target.parent


def test_the_variable_names_the_library(copy: Path) -> None:
    assert import_sogov(copy, os.environ["SOGOV_LIBRARY"]).stdout == "0.1.0\n"


def test_a_variable_that_names_no_library_is_an_error_and_not_passed_over(copy: Path) -> None:
    (copy / "sogov/libsogov.so.0").symlink_to(os.environ["SOGOV_LIBRARY"])
    failed = import_sogov(copy, "/nowhere/libsogov.so")
    assert failed.returncode == 1
    assert "ImportError" in failed.stderr
    assert "SOGOV_LIBRARY: /nowhere/libsogov.so" in failed.stderr


def test_the_library_of_the_package_comes_next(copy: Path) -> None:
    (copy / "sogov/libsogov.so.0").symlink_to(os.environ["SOGOV_LIBRARY"])
    assert import_sogov(copy).stdout == "0.1.0\n"


def test_the_library_of_the_system_comes_last(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "libsogov.so.0").symlink_to(os.environ["SOGOV_LIBRARY"])
    assert import_sogov(copy, LD_LIBRARY_PATH=str(tmp_path)).stdout == "0.1.0\n"


def test_without_any_the_error_says_what_was_tried(copy: Path) -> None:
    failed = import_sogov(copy)
    assert failed.returncode == 1
    for part in (
        "ImportError",
        f"package: {copy}/sogov/libsogov.so.0",
        "system: libsogov.so.0",
        "set SOGOV_LIBRARY",
    ):
        assert part in failed.stderr


def test_another_library_is_refused() -> None:
    failed = import_sogov(SOURCE, "libz.so.1")
    assert "libz.so.1: expected libsogov, found another library" in failed.stderr


def test_another_release_is_refused(tmp_path: Path) -> None:
    library = tmp_path / "other.so"
    source = "#include <stdint.h>\nuint32_t sogov_version_number(void) { return 2003; }\n"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=source, text=True, check=True
    )
    failed = import_sogov(SOURCE, str(library))
    assert "expected libsogov 0.1.x, found 0.2.3" in failed.stderr
