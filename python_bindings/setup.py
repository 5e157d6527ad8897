"""Carries the built libsogov.so into the wheel. Everything else of the build stands in pyproject.toml."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    # setuptools before 70.1 takes it from the package `wheel`.
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
PACKAGED = "sogov/libsogov.so.0"


class BuildWithLibrary(build_py):  # type: ignore[misc]
    """Copies the library beside the modules."""

    def run(self) -> None:
        """Builds the package, then adds the library."""
        super().run()
        shutil.copyfile(find_library(), self._target())

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What was built, the library included."""
        return [*super().get_outputs(include_bytecode), str(self._target())]

    def _target(self) -> Path:
        # An editable install runs from the source tree.
        root = HERE / "src" if getattr(self, "editable_mode", False) else Path(self.build_lib)
        return root / PACKAGED


class PlatformWheel(bdist_wheel):  # type: ignore[misc]
    """Any Python 3, no Python ABI, this platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """The wheel's tag, such as py3-none-linux_x86_64."""
        platform: str = super().get_tag()[2]
        return "py3", "none", platform


class PlatformDistribution(Distribution):  # type: ignore[misc]
    """Holds machine code, although setuptools did not compile it."""

    def has_ext_modules(self) -> bool:
        """Puts the package where machine code goes."""
        return True


def find_library() -> Path:
    """The built library; an error that says where it was looked for."""
    places = list(library_places())
    for place in places:
        if place.is_file():
            return place
    tried = ", ".join(map(str, places))
    raise SetupError(
        f"libsogov.so was not found (tried {tried}): run `make build` first, or set SOGOV_LIBRARY"
    )


def library_places() -> Iterator[Path]:
    """Where the library may be; what is named in the environment alone counts, if it is."""
    if "SOGOV_LIBRARY" in os.environ:
        yield Path(os.environ["SOGOV_LIBRARY"])
        return
    if "CARGO_TARGET_DIR" in os.environ:
        yield Path(os.environ["CARGO_TARGET_DIR"]) / "release/libsogov.so"
    yield HERE.parent / "target/release/libsogov.so"


setup(
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
)
