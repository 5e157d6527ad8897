"""The structs of one call, kept for later ones: making them takes longer than the call."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Union

from . import _abi, _convert
from ._convert import Data
from ._enums import RouteReason
from ._errors import ErrorPlace, PluginError, bad_argument, error_class, known

HeaderText = Union[str, bytes]
Headers = Union[Mapping[str, HeaderText], Sequence[tuple[HeaderText, HeaderText]]]

_MAX_HEADERS = 64
# A larger answer's memory is given back after the call instead of being kept for the next one.
_KEPT_ANSWER = 1 << 20
# What the bytes of an info say.
_infos: dict[bytes, tuple[str, RouteReason]] = {}
_MAX_INFOS = 1024


class Answer(NamedTuple):
    """What a call brought."""

    data: bytes
    """The plugin's answer."""
    version: str
    """The label of the version that answered."""
    reason: RouteReason
    """Why it was this version."""


class _Outcome(ctypes.Structure):
    """What a call fills, side by side: one look takes all of it."""

    _fields_ = [("answer", _abi.Bytes), ("info", _abi.CallInfo)]


# The length and the capacity of the answer, and the bytes of the info.
look = struct.Struct(f"{struct.calcsize('P')}xNN{ctypes.sizeof(_abi.CallInfo)}s").unpack_from


class Scratch:
    """What one call needs besides its request. One call at a time."""

    __slots__ = (
        "__weakref__",
        "_outcome",
        "_request",
        "answer_ref",
        "capacity",
        "error",
        "error_ref",
        "info",
        "info_ref",
        "is_untidy",
        "memory",
        "outcome_bytes",
        "reason",
        "version",
    )

    def __init__(self) -> None:
        self._outcome = _Outcome(info=_abi.CallInfo(size=ctypes.sizeof(_abi.CallInfo)))
        self._request = _abi.Request(size=ctypes.sizeof(_abi.Request))
        self.error = ErrorPlace()
        self.error_ref = self.error.ref
        self.answer_ref = ctypes.byref(self._outcome.answer)
        self.info_ref = ctypes.byref(self._outcome.info)
        self.outcome_bytes = memoryview(self._outcome).cast("B")
        # The answer's memory, which the library replaces by other memory when an answer outgrows it.
        self.capacity = 0
        self.memory: Any = (ctypes.c_char * 0)()
        # The info of the last call, and what it says.
        self.info = b""
        self.version, self.reason = "", RouteReason.NONE
        self.is_untidy = False

    def __del__(self, free: Any = _abi.sogov_bytes_free) -> None:
        free(self.answer_ref)

    def describe(self, user_key: str | Data | None, headers: Headers) -> Any:
        """The request struct, filled; the struct keeps what it points at alive."""
        key = None if user_key is None else _convert.text_or_data(user_key, "user_key")
        request = self._request
        request.user_key = key
        request.user_key_len = len(key) if key else 0
        if headers:
            self.is_untidy = True
            request.headers, request.header_count = _header_array(headers)
        return ctypes.byref(request)

    def find_memory(self) -> None:
        """To be called where the answer's capacity is not `capacity`: the answer is in other memory."""
        answer = self._outcome.answer
        self.capacity = answer.capacity
        self.memory = (ctypes.c_char * self.capacity).from_address(ctypes.addressof(answer.data.contents))
        if self.capacity > _KEPT_ANSWER:
            self.is_untidy = True

    def read_info(self, info: bytes) -> None:
        """To be called where the info is not `info`: another version answered, or for another reason."""
        self.version, self.reason = _infos.get(info) or self._keep_info(info)
        self.info = info

    def fail(self, status: int) -> NoReturn:
        """Raises; a plugin's failure with what is known of it."""
        kind = error_class(status)
        if not issubclass(kind, PluginError):
            self.error.fail(status)
        info, answer = self._outcome.info, self._outcome.answer
        if answer.capacity != self.capacity:
            self.find_memory()
        raise kind(
            known(status),
            self.error.take(),
            info.plugin_status,
            self.memory[: answer.len],
            info.version.decode(),
            RouteReason(info.reason),
        )

    def tidy(self) -> None:
        """Gives up what should not stay until the next call. To be called where `is_untidy`."""
        self.is_untidy = False
        self._request.headers = None
        self._request.header_count = 0
        if self.capacity > _KEPT_ANSWER:
            self.capacity, self.memory = 0, (ctypes.c_char * 0)()
            _abi.sogov_bytes_free(self.answer_ref)

    def _keep_info(self, info: bytes) -> tuple[str, RouteReason]:
        raw = self._outcome.info
        if len(_infos) >= _MAX_INFOS:
            _infos.clear()
        meaning = _infos[info] = (raw.version.decode(), RouteReason(raw.reason))
        return meaning


def _header_array(headers: Headers) -> tuple[Any, int]:
    pairs: Iterable[tuple[HeaderText, HeaderText]]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    rows = []
    for name, value in pairs:
        name, value = (
            _convert.text_or_data(name, "header name"),
            _convert.text_or_data(value, "header value"),
        )
        rows.append(_abi.Header(name, len(name), value, len(value)))
    if len(rows) > _MAX_HEADERS:
        raise bad_argument(f"headers: expected at most {_MAX_HEADERS}, found {len(rows)}")
    return (_abi.Header * len(rows))(*rows), len(rows)
