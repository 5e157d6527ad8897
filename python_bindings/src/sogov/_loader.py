"""Finds libsogov.so and makes sure that it is the one this package was written for."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

SONAME = "libsogov.so.0"
# major, minor: while the major number is 0, a minor release may change the ABI.
EXPECTED = (0, 1)


def load_library() -> ctypes.CDLL:
    """The library: the file that $SOGOV_LIBRARY names and no other; else the one in this package; else the
    system's.

    Raises ImportError with every place that was tried.
    """
    explicit = os.environ.get("SOGOV_LIBRARY")
    packaged = str(Path(__file__).with_name(SONAME))
    places = [("SOGOV_LIBRARY", explicit)] if explicit else [("package", packaged), ("system", SONAME)]
    refusals = []
    for origin, path in places:
        try:
            library = ctypes.CDLL(path)
        except OSError as refusal:
            refusals.append(f"{origin}: {refusal}")
        else:
            check_release(library, f"{origin}: {path}")
            return library
    hint = "" if explicit else "; set SOGOV_LIBRARY to its path"
    raise ImportError(f"sogov: expected {SONAME}, found none ({'; '.join(refusals)}){hint}", name="sogov")


def check_release(library: ctypes.CDLL, place: str) -> None:
    """Refuses a library of another release line, whose structs may differ."""
    try:
        library.sogov_version_number.restype = ctypes.c_uint32
        number = library.sogov_version_number()
    except AttributeError:
        raise ImportError(f"sogov: {place}: expected libsogov, found another library", name="sogov") from None
    major, minor, patch = number // 1_000_000, number // 1_000 % 1_000, number % 1_000
    if (major, minor) != EXPECTED:
        wanted = ".".join(map(str, EXPECTED))
        raise ImportError(
            f"sogov: {place}: expected libsogov {wanted}.x, found {major}.{minor}.{patch}", name="sogov"
        )
