"""Python values to what crosses the ABI."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Union, cast

from . import _abi
from ._errors import bad_argument

Data = Union[bytes, bytearray, memoryview]
PathLike = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Time = Union[int, datetime]


def data(value: Data, what: str) -> bytes:
    """`value` as bytes; a copy, unless it is bytes already."""
    if type(value) is bytes:
        return value
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError(f"{what}: expected bytes, found {type(value).__name__}") from None


def text(value: str, what: str) -> bytes:
    """`value` in UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"{what}: expected str, found {type(value).__name__}")
    try:
        return value.encode()
    except UnicodeEncodeError as refusal:
        raise bad_argument(f"{what}: expected text, found a lone surrogate at {refusal.start}") from None


def text_or_data(value: str | Data, what: str) -> bytes:
    """`value` as it is, or in UTF-8."""
    return text(value, what) if isinstance(value, str) else data(value, what)


def optional_data(value: Data | None, what: str) -> tuple[bytes | None, int]:
    """Pointer and length; None is NULL, and empty is not."""
    if value is None:
        return None, 0
    given = data(value, what)
    return given, len(given)


def path(value: PathLike) -> bytes:
    """A path as the file system has it; the library asks for UTF-8."""
    return os.fsencode(value)


def optional_path(value: PathLike | None, what: str) -> bytes:
    """As `path`; None is empty, and an empty path is refused rather than taken for None."""
    if value is None:
        return b""
    given = path(value)
    if not given:
        raise bad_argument(f"{what}: expected a path or None, found nothing")
    return given


def number(value: int, bits: int, what: str, least: int = 0) -> int:
    """`value`, which ctypes would otherwise cut to `bits` bits without a word."""
    if not isinstance(value, int):
        raise TypeError(f"{what}: expected int, found {type(value).__name__}")
    if not least <= value < 1 << bits:
        raise bad_argument(f"{what}: expected {least} to {(1 << bits) - 1}, found {value}")
    return value


def unix_seconds(value: Time | None, what: str) -> int:
    """Seconds since 1970; None is 0, which stands for no limit."""
    if value is None:
        return 0
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise bad_argument(f"{what}: expected a datetime with a time zone, found {value.isoformat()}")
        value = int(value.timestamp())
    return number(value, 64, what, least=1)


def take_bytes(buffer: _abi.Bytes) -> bytes:
    """A copy of what the library put into the buffer."""
    length: int = buffer.len
    # ctypes makes bytes of a slice of characters; an empty buffer has no characters to begin with.
    return cast(bytes, buffer.data[:length]) if length else b""
