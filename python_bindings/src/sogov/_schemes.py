"""Signature schemes of the host's."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import threading
from typing import Any, Callable, Optional

from . import _abi, _convert
from ._errors import ErrorPlace, SogovError, bad_argument

Verify = Callable[[bytes, bytes, bytes], bool]
Sign = Callable[[bytes, bytes], Optional[bytes]]

# What the library calls, by payload: kept until it says that it will not any more.
_kept: dict[int, tuple[Any, ...]] = {}
_names: set[str] = set()
_numbers = itertools.count(1)
_lock = threading.Lock()


def register_scheme(name: str, number: int, verify: Verify, sign: Sign | None = None) -> None:
    """Registers a signature scheme in this process, or replaces one of the same name and number. Calls that
    verify meanwhile end by the scheme that they began with.

    name, number: "x-" and 1 to 30 of a-z 0-9 . - _; 128 to 254, the same for as long as signatures are to be
        valid.
    verify: `verify(public_key, message, signature)` says whether the signature is valid. Called on any
        thread. What it raises is a signature that is not valid, and goes to `sys.unraisablehook`.
    sign: `sign(private_key, message)` answers the signature, at most 8,192 bytes; None where it cannot be
        made. Without it the scheme verifies only.

    For plugins it counts only where the signed trust document names it. ArgumentError for another name or
    number; BusyError when the name has another number, or the number another name.
    """
    if not callable(verify):
        raise bad_argument("verify: expected a function")

    def verified(_: Any, *given: Any) -> int:
        key, key_len, message, message_len, signature, signature_len = given
        parts = _taken(key, key_len), _taken(message, message_len), _taken(signature, signature_len)
        return int(verify(*parts) is True)

    def signed(_: Any, *given: Any) -> int:
        key, key_len, message, message_len, place, length = given
        signature = None if sign is None else sign(_taken(key, key_len), _taken(message, message_len))
        if signature is None or len(signature) > length[0]:
            return 0
        ctypes.memmove(place, bytes(signature), len(signature))
        length[0] = len(signature)
        return 1

    given = _convert.text(name, "name")
    payload = next(_numbers)
    kept = (_abi.SCHEME_VERIFY(verified), _abi.SCHEME_SIGN(signed) if sign else _abi.SCHEME_SIGN())
    options = _abi.SchemeOptions(
        ctypes.sizeof(_abi.SchemeOptions),
        _convert.number(number, 32, "number"),
        *kept,
        _release,
        payload,
    )
    _kept[payload] = kept
    error = ErrorPlace()
    try:
        error.check(_abi.sogov_scheme_register(given, len(given), ctypes.byref(options), error.ref))
    except BaseException:
        del _kept[payload]
        raise
    with _lock:
        _names.add(name)


def unregister_scheme(name: str) -> None:
    """Removes a scheme that was registered. NotFoundError when it is not; later verifications by it are an
    UnsupportedError.
    """
    given = _convert.text(name, "name")
    error = ErrorPlace()
    error.check(_abi.sogov_scheme_unregister(given, len(given), error.ref))
    with _lock:
        _names.discard(name)


def _forget(payload: int) -> None:
    _kept.pop(payload, None)


# What the library calls has to live as long as the process.
_release = _abi.SCHEME_RELEASE(_forget)


def _taken(address: int | None, length: int) -> bytes:
    return ctypes.string_at(address, length) if address and length else b""


@atexit.register
def _unregister_all() -> None:
    """Threads of the library must not find functions of an interpreter that has ended."""
    for name in list(_names):
        try:
            unregister_scheme(name)
        except SogovError:  # Another language of this process has removed it.
            _names.discard(name)
